//! Draws schedules, then stops the faults, delivers everything, and judges what is there at rest.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::world::{Body, REPLICAS, World, id};
use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::Incarnation;
use crate::batch::slot_set::SlotSet;
use crate::router::holders::Input;
use crate::router::member::MemberState;
use crate::router::ownership::Ownership;

const STEPS: usize = 400;
const ROUNDS_MAX: usize = 150;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) crashes: bool,
    pub(super) false_deaths: bool,
}

/// One schedule, from its seed alone.
pub(super) fn run(seed: u64, faults: Faults) -> Result<BTreeMap<&'static str, u64>, String> {
    let mut random = SmallRng::seed_from_u64(seed);
    // Two groups of joiners that do not know each other found two clusters, unless one of them is too small: so where all
    // four may start at once, three found.
    let is_founded_first = random.random_bool(0.7);
    let founders = if is_founded_first {
        random.random_range(2..=3)
    } else {
        3
    };
    let mut world = World::new(founders);
    if is_founded_first {
        settle(&mut world, false);
    }
    let weights = draw_weights(&mut random, faults);
    for _ in 0..STEPS {
        world.now = world
            .now
            .after(Duration::from_millis(random.random_range(0..60)));
        act(&mut world, &mut random, &weights, faults);
    }
    settle(&mut world, true);
    judge(&mut world);
    world.violation.map_or(Ok(world.events), Err)
}

const KINDS: usize = 15;

fn draw_weights(random: &mut SmallRng, faults: Faults) -> [u32; KINDS] {
    const USUAL: [u32; KINDS] = [10, 16, 24, 3, 12, 20, 8, 5, 3, 3, 3, 3, 2, 8, 4];
    let mut weights = USUAL.map(|usual| usual * [1, 2, 4, 8][random.random_range(0..4)]);
    if !faults.false_deaths && random.random_bool(0.5) {
        weights[10] = 0;
    }
    if !faults.crashes {
        weights[12] = 0;
    }
    if !faults.crashes && !faults.false_deaths {
        weights[13] = 0;
    }
    weights
}

fn pick(random: &mut SmallRng, weights: &[u32; KINDS]) -> usize {
    let mut left = random.random_range(0..weights.iter().sum());
    let found = weights.iter().position(|weight| {
        let is_it = left < *weight;
        left = left.saturating_sub(*weight);
        is_it
    });
    found.unwrap_or(0)
}

fn act(world: &mut World, random: &mut SmallRng, weights: &[u32; KINDS], faults: Faults) {
    let (a, b) = (
        random.random_range(0..REPLICAS),
        random.random_range(0..REPLICAS),
    );
    let trace = random.random_range(World::traces());
    let kind = pick(random, weights);
    match kind {
        0 if world.runs(a) && world.node(a).holders.state() == MemberState::Active => {
            world.node_mut(a).pending.push(trace);
        }
        1 => {
            let behind = if random.random_bool(0.7) {
                0
            } else {
                random.random_range(0..4)
            };
            world.gossip(a, b, behind);
        }
        2 | 3 if !world.network.is_empty() => {
            let index = random.random_range(0..world.network.len());
            let is_order = matches!(world.network[index].body, Body::Order(_));
            if world.is_up(world.network[index].to) && world.node(world.network[index].to).is_paused
            {
                return;
            }
            // Some are delivered twice.
            let keep = kind == 2 && is_order && random.random_bool(0.1);
            let message = world.network[index].clone();
            if !keep && (kind == 2 || is_order) {
                world.network.swap_remove(index);
            }
            if kind == 2 {
                world.receive(message);
            }
        }
        4 if world.runs(a) => world.tick(a),
        5 => {
            world.work(a);
        }
        6 => {
            world.decide(a, trace);
        }
        7 if world.nodes[a].is_none() && world.may_join() => world.start(a, 1),
        8 if has_other_active(world, a) && world.runs(a) => {
            let input = if world.node(a).holders.state() == MemberState::Leaving {
                Input::HandOver
            } else {
                Input::Leave
            };
            world.input(a, input);
        }
        9 => restart(world, a),
        10 if world.runs(a) => world.node_mut(a).is_paused = true,
        11 => resume(world, a),
        12 if world.is_up(a) && has_other_active(world, a) => crash(world, a),
        13 if faults.false_deaths && random.random_bool(0.5) => declare_dead(world, a),
        13 => learn_death(world, a, b),
        14 => {
            for _ in 0..8 {
                world.work(a);
            }
        }
        _ => {}
    }
}

fn has_other_active(world: &World, a: usize) -> bool {
    let is_active =
        |it: &usize| world.is_up(*it) && world.node(*it).holders.state() == MemberState::Active;
    (0..REPLICAS).any(|it| it != a && is_active(&it))
}

fn restart(world: &mut World, a: usize) {
    if world.nodes[a].is_none() || world.is_up(a) || !world.may_join() {
        return;
    }
    let before = world.node(a).holders.life().incarnation.0;
    if before < 4 {
        world.start(a, before + 1);
    }
}

fn resume(world: &mut World, a: usize) {
    if world.is_up(a) && world.node(a).is_paused {
        world.node_mut(a).is_paused = false;
        world.input(a, Input::Paused);
    }
}

fn crash(world: &mut World, a: usize) {
    world.excuse(a, true);
    world.truly_dead[a] = world.node(a).holders.life().incarnation.0;
    world.node_mut(a).is_up = false;
    world.node_mut(a).is_paused = false;
}

fn learn_death(world: &mut World, a: usize, who: usize) {
    // In a partition only the others are taken for dead.
    let is_told = world.partition.is_none() || !world.reaches(a, who);
    if world.runs(a) && world.truly_dead[who] > 0 && is_told {
        let dead = BTreeMap::from([(id(who), Incarnation(world.truly_dead[who]))]);
        world.input(a, Input::Deaths(dead));
    }
}

/// A paused replica is declared dead by more than half of the others.
fn declare_dead(world: &mut World, a: usize) {
    if !world.is_up(a) || !world.node(a).is_paused {
        return;
    }
    let incarnation = world.node(a).holders.life().incarnation.0;
    if world.node(a).holders.state() == MemberState::Joining || world.truly_dead[a] >= incarnation {
        return;
    }
    let counts = |it: &usize| {
        *it != a && world.is_up(*it) && world.node(*it).holders.state() != MemberState::Joining
    };
    let active = (0..REPLICAS).filter(counts).count();
    let votes = |it: &usize| {
        let holders = &world.node(*it).holders;
        world.runs(*it) && holders.state() == MemberState::Active && !holders.is_unsure()
    };
    let voters: Vec<usize> = (0..REPLICAS).filter(|it| counts(it) && votes(it)).collect();
    if voters.is_empty() || (voters.len() * 2 <= active + 1 && active > 1) {
        return;
    }
    world.excuse(a, false);
    world.truly_dead[a] = incarnation;
    for voter in voters {
        learn_death(world, voter, a);
    }
}

/// Faults stop; everything is delivered and repeated until nothing changes; only then the last windows close.
pub(super) fn settle(world: &mut World, must_rest: bool) {
    for a in 0..REPLICAS {
        resume(world, a);
    }
    let mut calm = 0;
    for round in 0..ROUNDS_MAX {
        let before = fingerprint(world);
        world.now = world.now.after(Duration::from_millis(250));
        for a in 0..REPLICAS {
            for b in 0..REPLICAS {
                world.gossip(a, b, 0);
                learn_death(world, a, b);
            }
        }
        for a in 0..REPLICAS {
            if world.runs(a) {
                world.tick(a);
            }
            while world.work(a) {}
        }
        for _ in 0..world.network.len() {
            let message = world.network.remove(0);
            world.receive(message);
        }
        if calm >= 2 || round > ROUNDS_MAX / 2 {
            for a in 0..REPLICAS {
                for trace in World::traces() {
                    world.decide(a, trace);
                }
            }
        }
        calm = if fingerprint(world) == before {
            calm + 1
        } else {
            0
        };
        if calm == 4 {
            // Twice the dead time: who has nobody to ask goes on alone.
            world.now = world.now.after(Duration::from_secs(25));
        }
        if calm > 8 || world.violation.is_some() {
            return;
        }
    }
    if must_rest {
        let state = fingerprint(world);
        world.fail(format!("never comes to rest: {state}"));
    }
}

fn fingerprint(world: &World) -> String {
    let node = |a: usize| {
        let Some(node) = &world.nodes[a] else {
            return String::new();
        };
        let holders = &node.holders;
        format!(
            "r{a} up {} {:?} {} holds {} gives {:?} is target of {} undecided {:?} pending {:?} unsure {} ways {}; ",
            node.is_up,
            holders.state(),
            holders.life(),
            holders.holds().len(),
            holders.targets(),
            holders.targeted().len(),
            node.shards.undecided,
            node.pending,
            holders.is_unsure(),
            holders.record().claims.len(),
        )
    };
    (0..REPLICAS).map(node).collect()
}

pub(super) fn judge(world: &mut World) {
    let up: Vec<usize> = (0..REPLICAS).filter(|it| world.is_up(*it)).collect();
    let active = up
        .iter()
        .filter(|it| world.node(**it).holders.state() == MemberState::Active);
    let table = Ownership::new(active.map(|it| (id(*it), 1)));
    let mut held = SlotSet::default();
    for a in up {
        let holds = world.node(a).holders.holds().clone();
        if holds != table.owned_by(&id(a)) {
            let text = format!(
                "holder: at rest r{a} has {} slots, the table says {}: {}",
                holds.len(),
                table.owned_by(&id(a)).len(),
                fingerprint(world)
            );
            world.fail(text);
        }
        held |= &holds;
    }
    if held.len() != usize::from(SLOTS) {
        let first = (0..SLOTS).map(Slot).find(|slot| !held.contains(*slot));
        world.fail(format!(
            "holder: nobody holds {first:?}: {}",
            fingerprint(world)
        ));
    }
    for trace in World::traces() {
        let decided = world.decisions.get(&trace).map_or(0, Vec::len);
        if world.excused.contains(&trace) {
            continue;
        }
        if decided > 1 {
            world.fail(format!(
                "split: trace {trace} was decided at {:?}",
                world.decisions.get(&trace)
            ));
        }
        if decided == 0 && world.acked.contains(&trace) {
            world.fail(format!("lost: trace {trace} was taken and is nowhere"));
        }
    }
}
