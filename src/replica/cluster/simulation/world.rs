//! A simulation under way: moves time, lets the planned happen, and waits until everything has come to rest.

mod events;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::clients::{Clients, seconds};
use super::excuses::Excuses;
use super::network::Network;
use super::oracle;
use super::plan::Plan;
use super::process::{Ground, Process};
use super::sink::{Decisions, Sink};
use crate::accounting::Accounting;
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::router::membership::seeded::{SeededFaults, SeededHub};

/// Steps of time: what is finer than this happens at once.
const TICK: Duration = Duration::from_millis(5);
/// Time to leave in that suffices for everything.
const GRACE: Duration = Duration::from_secs(100);
/// How often views change at most.
const HUB_EVERY_NS: u64 = 25_000_000;
/// What the clocks of replicas read at the beginning, and may differ by.
const EPOCH: Duration = Duration::from_secs(1_000_000);
const SKEW_MAX_MS: u64 = 3_000;
/// When clients begin, and when they and the faults end.
pub(super) const BEGIN: Moment = Moment(4_000_000_000);
pub(super) const END: Moment = Moment(40_000_000_000);
/// By then everything has come to rest.
const REST_BY: Moment = Moment(200_000_000_000);
/// How often to look whether it has, and who holds what.
const REST_EVERY_NS: u64 = 250_000_000;
/// Rest that counts as rest.
const REST: Duration = Duration::from_secs(2);
const REPLICAS_MAX: usize = 7;
const HOP_LIMIT_HITS: &str = "cluster_hop_limit_hits_total";

/// All of a simulation.
pub(super) struct World {
    seed: u64,
    random: SmallRng,
    now: Moment,
    plan: Plan,
    pub(super) ground: Ground,
    pub(super) processes: BTreeMap<u16, Process>,
    /// Of those that left in order.
    pub(super) books_of_gone: Vec<(u16, Arc<Accounting>)>,
    pub(super) clients: Clients,
    /// What crashes and stalls may have cost.
    pub(super) excuses: Excuses,
    /// Whether something stood still, or was out of reach.
    pub(super) has_stalled: bool,
    pub(super) has_squeezed: bool,
    /// The kinds of events that came.
    pub(super) happened: BTreeSet<&'static str>,
    /// Frames refused for having come too far.
    pub(super) hop_limit_hits: u64,
    pub(super) wrong: Vec<String>,
    last_number: u16,
    /// Of those that left in order and are not back.
    left: Vec<u16>,
    policies_version: u64,
    /// What ends, and when.
    ends: Vec<(Moment, End)>,
    decisions_logged: usize,
    log: Vec<String>,
}

#[derive(Debug)]
enum End {
    Backend,
    Pause(u16),
    Cuts(Vec<(u16, u16)>),
    Squeeze(u16),
    Dead(u16),
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let plan = Plan::of(seed, BEGIN, END);
        let faults = SeededFaults {
            delay_max: plan.gossip_delay_max,
            missed_after: Duration::from_millis(1_500),
            wrong_every: plan.has_wrong_views.then_some(Duration::from_secs(40)),
            wrong_for_max: Duration::from_secs(2),
        };
        let ground = Ground {
            network: Network::new(seed, plan.delay_max),
            hub: SeededHub::new(seed, faults),
            sink: Sink::default(),
            decisions: Decisions::new(),
            founders: plan.founders,
            decision_wait: plan.decision_wait,
            dead_after: plan.dead_after,
            has_real_gossip: plan.has_real_gossip,
        };
        let of_clients = SmallRng::seed_from_u64(seed ^ 0xc11e);
        let clients = Clients::new(of_clients, BEGIN, END, &plan);
        let mut world = Self {
            seed,
            random: SmallRng::seed_from_u64(seed ^ 0x3017d),
            now: Moment::default(),
            ground,
            processes: BTreeMap::new(),
            books_of_gone: Vec::new(),
            clients,
            excuses: Excuses::default(),
            has_stalled: false,
            has_squeezed: false,
            happened: BTreeSet::new(),
            hop_limit_hits: 0,
            wrong: Vec::new(),
            last_number: 0,
            left: Vec::new(),
            policies_version: 1,
            ends: Vec::new(),
            decisions_logged: 0,
            log: Vec::new(),
            plan,
        };
        for _ in 0..world.plan.founders {
            world.last_number += 1;
            world.begin(world.last_number);
        }
        world
    }

    /// Runs to the end; what is wrong then.
    pub(super) fn run(&mut self) -> Vec<String> {
        let mut at_rest_since = None;
        let mut is_at_rest = false;
        while self.now < REST_BY {
            self.step();
            if self.now.0.is_multiple_of(REST_EVERY_NS) && self.now >= END {
                is_at_rest = self.is_at_rest();
            }
            if !is_at_rest {
                at_rest_since = None;
                continue;
            }
            let since = *at_rest_since.get_or_insert(self.now);
            if self.now.since(since) >= REST {
                break;
            }
        }
        if self.now >= REST_BY {
            self.wrong.push("stuck: does not come to rest".to_owned());
            self.say_what_stirs();
        }
        oracle::check(self);
        for process in self.processes.values() {
            self.hop_limit_hits += process.counter(HOP_LIMIT_HITS);
        }
        let wrong = std::mem::take(&mut self.wrong);
        self.say(&format!("wrong: {wrong:?}"));
        wrong
    }

    pub(super) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn step(&mut self) {
        self.now = self.now.after(TICK);
        while self.plan.events.first().is_some_and(|it| it.0 <= self.now) {
            let (_, event) = self.plan.events.remove(0);
            self.happen(event);
        }
        self.end_what_is_over();
        self.ground.network.advance(self.now);
        if self.now.0.is_multiple_of(HUB_EVERY_NS) {
            self.ground.hub.advance(self.now);
        }
        for process in self.processes.values_mut() {
            process.step(TICK);
            if self.now.0.is_multiple_of(REST_EVERY_NS) {
                process.held.push((self.now, process.holds()));
            }
        }
        self.clients.step(self.now, &self.processes, &mut self.log);
        self.bury_who_left();
        self.log_decisions();
    }

    /// Under a new ID, or one that was there before.
    fn join(&mut self) {
        if !self.left.is_empty() && self.random.random() {
            let who = self.left.remove(0);
            return self.begin(who);
        }
        self.last_number += 1;
        self.begin(self.last_number);
    }

    fn begin(&mut self, number: u16) {
        self.say(&format!("r{number} begins"));
        let skew =
            SmallRng::seed_from_u64(self.seed ^ u64::from(number)).random_range(0..=SKEW_MAX_MS);
        let unix = EPOCH + self.now.since(Moment::default()) + Duration::from_millis(skew);
        let seed = self.random.random();
        let process = Process::start(&self.ground, number, unix, seed);
        self.processes.insert(number, process);
    }

    /// The slots of which this replica may have something: it holds them, is their target, or others think so.
    fn slots_at(&self, who: u16) -> SlotSet {
        let Some(process) = self.processes.get(&who) else {
            return SlotSet::default();
        };
        if self.ground.has_real_gossip {
            // Nobody can be asked what it is the target of.
            return SlotSet::all();
        }
        let mut slots = process.holds();
        // What it released a moment ago is decided, and may not have been exported.
        let since = self.now.before(self.excuses.export_max());
        for (_, held) in process.held.iter().filter(|(at, _)| *at >= since) {
            slots |= held;
        }
        for other in self.processes.values() {
            slots |= &other.sends_to(&process.id);
            let record = self.ground.hub.record(&other.id);
            if let Some(given) = record.as_ref().and_then(|it| it.targets.get(&process.id)) {
                slots |= given;
            }
        }
        slots
    }

    fn crash(&mut self, who: u16, is_silent: bool) {
        let mut slots = self.slots_at(who);
        let Some(process) = self.processes.remove(&who) else {
            return;
        };
        self.hop_limit_hits += process.counter(HOP_LIMIT_HITS);
        let held = process.accounting.held.get();
        self.say(&format!("r{who} crashes, silent: {is_silent}, held {held}"));
        if held > 0 {
            // Its hold queue may have had spans of any slot.
            slots = SlotSet::all();
        }
        self.excuses.lose(slots, self.plan.decision_wait, self.now);
        self.ground.hub.stop(&process.id);
        if is_silent {
            self.ground.network.darken(process.address);
        }
    }

    fn bury_who_left(&mut self) {
        let gone: Vec<(u16, bool)> = self
            .processes
            .iter()
            .filter_map(|(number, it)| Some((*number, it.has_left()?)))
            .collect();
        for (number, in_order) in gone {
            self.say(&format!("r{number} has left, in order: {in_order}"));
            if !in_order {
                self.say_what_stirs();
                let held = self.processes.get(&number);
                let held = held.map_or(0, |it| it.accounting.held.get());
                let slots = if held > 0 {
                    SlotSet::all()
                } else {
                    self.slots_at(number)
                };
                self.excuses.lose(slots, self.plan.decision_wait, self.now);
            }
            let Some(process) = self.processes.remove(&number) else {
                continue;
            };
            self.hop_limit_hits += process.counter(HOP_LIMIT_HITS);
            self.left.push(number);
            let books = process.accounting.snapshot();
            if in_order && books.held + books.buffered + books.releasing != 0 {
                self.wrong
                    .push(format!("lost: r{number} has left with spans: {books:?}"));
            }
            // With little time it may be the target of a slot whose traces are not decided yet.
            if !in_order && process.grace == GRACE {
                self.wrong
                    .push(format!("stuck: r{number} could not leave in order"));
            }
            self.ground.hub.stop(&process.id);
            self.books_of_gone
                .push((number, Arc::clone(&process.accounting)));
        }
    }

    fn is_at_rest(&self) -> bool {
        self.ends.is_empty()
            && self.clients.is_done()
            && self.processes.values().all(Process::is_at_rest)
            && self.holders_are_complete()
    }

    fn holders_are_complete(&self) -> bool {
        let held: usize = self.processes.values().map(|it| it.holds().len()).sum();
        let mut all = SlotSet::default();
        for process in self.processes.values() {
            all |= &process.holds();
        }
        held == all.len() && all == SlotSet::all()
    }

    fn say_what_stirs(&mut self) {
        let lines: Vec<String> = self
            .processes
            .values()
            .map(|it| {
                format!(
                    "{} is at rest: {}, holds {}, {:?} {}",
                    it.id,
                    it.is_at_rest(),
                    it.holds().len(),
                    it.accounting.snapshot(),
                    it.status()
                )
            })
            .collect();
        for line in lines {
            self.say(&line);
        }
    }

    fn log_decisions(&mut self) {
        let taken = self.ground.decisions.since(self.decisions_logged);
        self.decisions_logged += taken.len();
        for taken in taken {
            self.say(&format!(
                "{} decides {:02x?} with {} spans: {:?}",
                taken.by,
                &taken.trace_id.0[12..],
                taken.span_count,
                taken.decision
            ));
        }
    }

    fn say(&mut self, what: &str) {
        self.log.push(format!("{:.3} {what}", seconds(self.now)));
    }
}
