//! Schedules drawn from seeds, replayed, and shrunk.

use super::rules::Rules;
use super::state::*;
use super::world::World;

pub(crate) struct Random(pub(crate) u64);
impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) crashes: bool,
    pub(crate) false_deaths: bool,
}

pub(crate) struct Start {
    pub(crate) active: usize,
    pub(crate) preference: [[usize; REPLICAS]; SLOTS],
}

pub(crate) fn start_of(seed: u64) -> (Start, Random) {
    let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let mut preference = [[0, 1, 2, 3]; SLOTS];
    for row in preference.iter_mut() {
        for i in (1..REPLICAS).rev() {
            let j = random.below(i + 1);
            row.swap(i, j);
        }
    }
    (
        Start {
            active: 2 + random.below(2),
            preference,
        },
        random,
    )
}

/// Every schedule draws its own weights per kind of action, so that some starve gossip, some lose much, some move much.
pub(crate) struct Weights(pub(crate) Vec<(usize, usize)>);
pub(crate) const KINDS: usize = 20;
pub(crate) fn draw_weights(random: &mut Random, faults: Faults) -> Weights {
    const USUAL: [usize; KINDS] = [
        12, 14, 26, 4, 6, 6, 8, 7, 4, 8, 5, 3, 4, 2, 3, 1, 2, 3, 2, 3,
    ];
    let mut weights = vec![];
    for (kind, usual) in USUAL.iter().enumerate() {
        let mut weight = usual * [1, 2, 4, 8, 12][random.below(5)];
        let rare = matches!(kind, 15..=17);
        if rare && random.chance(50) {
            weight = 0;
        }
        if kind == 18 && !faults.crashes {
            weight = 0;
        }
        if kind == 19 && !faults.crashes && !faults.false_deaths {
            weight = 0;
        }
        weights.push((kind, weight));
    }
    Weights(weights)
}
impl Weights {
    pub(crate) fn pick(&self, random: &mut Random) -> usize {
        let total: usize = self.0.iter().map(|w| w.1).sum();
        let mut left = random.below(total);
        for (kind, weight) in &self.0 {
            if left < *weight {
                return *kind;
            }
            left -= weight;
        }
        0
    }
}

pub(crate) fn draw(
    world: &World,
    random: &mut Random,
    faults: Faults,
    weights: &Weights,
) -> Action {
    let (a, b, s) = (
        random.below(REPLICAS),
        random.below(REPLICAS),
        random.below(SLOTS),
    );
    let message = |random: &mut Random| {
        if world.network.is_empty() {
            return (0, 0, 99, 0);
        }
        // Half the time the newest, so that long chains of hops form inside a schedule.
        let index = if random.chance(30) {
            world.network.len() - 1
        } else {
            random.below(world.network.len())
        };
        world.network[index].key
    };
    match weights.pick(random) {
        0 => {
            let mut spans = vec![random.below(SPANS)];
            if random.chance(40) {
                spans.push(random.below(SPANS));
            }
            spans.dedup();
            Action::ClientSends(spans, a)
        }
        1 => Action::Gossip {
            from: a,
            to: b,
            versions_behind: if random.chance(70) {
                0
            } else {
                random.below(4) as u32
            },
        },
        2 => Action::Deliver(message(random)),
        3 => Action::Lose(message(random)),
        4 => Action::Retry(a),
        5 => Action::Decide(a, random.below(TRACES)),
        6 => Action::StartMove(a, s),
        7 => Action::SendDecisions(a, s),
        8 => Action::HandOverTrace(a, random.below(TRACES)),
        9 => Action::Release(a, s),
        10 => Action::Claim(a, s),
        11 => Action::Join(a),
        12 => Action::Activate(a),
        13 => Action::Leave(a),
        14 => Action::Exit(a),
        15 => Action::ClientGivesUp(a, random.below(2)),
        16 => Action::Restart(a),
        17 => {
            if random.chance(40) {
                Action::Pause(a)
            } else {
                Action::Resume(a)
            }
        }
        18 => Action::Crash(a),
        _ => {
            if faults.false_deaths && random.chance(50) {
                Action::DeclareDead(a)
            } else {
                Action::LearnDeath(a, b)
            }
        }
    }
}

pub(crate) fn replay(rules: &Rules, seed: u64, actions: &[Action], logged: bool) -> World {
    let (start, _) = start_of(seed);
    let mut world = World::new(rules.clone(), start.active, start.preference);
    if logged {
        world.log = Some(vec![format!(
            "{} replicas active; rendezvous order per slot {:?}",
            start.active,
            start.preference.map(|p| p.map(r))
        )]);
    }
    for action in actions {
        world.apply(action);
    }
    if logged {
        world.say(|| "-- faults stop, everything is delivered --".into());
    }
    world.settle();
    world.judge();
    world
}

pub(crate) fn run(rules: &Rules, seed: u64, steps: usize, faults: Faults) -> (Vec<Action>, World) {
    let (start, mut random) = start_of(seed);
    let mut world = World::new(rules.clone(), start.active, start.preference);
    let weights = draw_weights(&mut random, faults);
    let mut actions = vec![];
    for _ in 0..steps {
        for _ in 0..6 {
            let action = draw(&world, &mut random, faults, &weights);
            if world.apply(&action) {
                actions.push(action);
                break;
            }
        }
        if world.violation.is_some() {
            break;
        }
    }
    world.settle();
    world.judge();
    (actions, world)
}

/// Leaves out ever smaller runs of actions as long as the same kind of violation remains.
pub(crate) fn shrink(
    rules: &Rules,
    seed: u64,
    mut actions: Vec<Action>,
    kind: &str,
) -> Vec<Action> {
    let mut chunk = actions.len().max(2) / 2;
    loop {
        let mut index = 0;
        let mut smaller = false;
        while index < actions.len() {
            let mut candidate = actions.clone();
            candidate.drain(index..(index + chunk).min(candidate.len()));
            let same = replay(rules, seed, &candidate, false)
                .violation
                .is_some_and(|v| v.starts_with(kind));
            if same {
                actions = candidate;
                smaller = true;
            } else {
                index += chunk;
            }
        }
        if chunk == 1 && !smaller {
            return actions;
        }
        if !smaller {
            chunk = (chunk / 2).max(1);
        }
    }
}
