//! A simulation under way: moves time, lets the planned happen, and waits until everything has come to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::clients::{Clients, seconds};
use super::network::Network;
use super::oracle;
use super::plan::{Event, Mix, Plan, Planted};
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
const BEGIN: Moment = Moment(4_000_000_000);
const END: Moment = Moment(40_000_000_000);
/// By then everything has come to rest.
const REST_BY: Moment = Moment(180_000_000_000);
/// How often to look whether it has.
const REST_EVERY_NS: u64 = 250_000_000;
/// Rest that counts as rest.
const REST: Duration = Duration::from_secs(2);
const REPLICAS_MAX: usize = 7;

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
    pub(super) has_crashed: bool,
    /// What crashed replicas may have had.
    pub(super) excused: SlotSet,
    pub(super) wrong: Vec<String>,
    last_number: u16,
    /// What ends, and when.
    ends: Vec<(Moment, End)>,
    decisions_logged: usize,
    log: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Backend,
    Pause(u16),
    Cut(u16, u16),
    Dead(u16),
}

impl World {
    pub(super) fn new(seed: u64, planted: Option<Planted>) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let plan = Plan::draw(Mix::of(seed), &mut random, BEGIN, END);
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
            planted,
        };
        let clients = Clients::new(SmallRng::seed_from_u64(seed ^ 0xc11e), BEGIN, END);
        let mut world = Self {
            seed,
            random,
            now: Moment::default(),
            ground,
            processes: BTreeMap::new(),
            books_of_gone: Vec::new(),
            clients,
            has_crashed: false,
            excused: SlotSet::default(),
            wrong: Vec::new(),
            last_number: 0,
            ends: Vec::new(),
            decisions_logged: 0,
            log: Vec::new(),
            plan,
        };
        for _ in 0..world.plan.founders {
            world.join();
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
            self.wrong.push("does not come to rest".to_owned());
            self.say_what_stirs();
        }
        oracle::check(self);
        let wrong = std::mem::take(&mut self.wrong);
        self.say(&format!("wrong: {wrong:?}"));
        wrong
    }

    pub(super) fn into_log(self) -> Vec<String> {
        self.log
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
        }
        self.clients.step(self.now, &self.processes, &mut self.log);
        self.bury_who_left();
        self.log_decisions();
    }

    fn happen(&mut self, event: Event) {
        let running: Vec<u16> = self
            .processes
            .iter()
            .filter(|(_, it)| !it.is_leaving && !it.is_paused)
            .map(|(number, _)| *number)
            .collect();
        let can_spare = running.len() > 2;
        let mut pick = |among: &[u16]| among[self.random.random_range(0..among.len())];
        match event {
            Event::Join if self.processes.len() < REPLICAS_MAX => {
                self.join();
            }
            Event::Leave { is_short } if can_spare => {
                let who = pick(&running);
                let grace = if is_short {
                    self.plan.decision_wait.mul_f64(1.4) + Duration::from_secs(4)
                } else {
                    GRACE
                };
                self.say(&format!("r{who} leaves within {grace:?}"));
                if let Some(process) = self.processes.get_mut(&who) {
                    process.leave(grace);
                }
            }
            Event::LoseAnswers { lasting } if running.len() > 1 => {
                let (from, to) = (pick(&running), pick(&running));
                self.say(&format!(
                    "answers of r{to} to r{from} are lost for {lasting:?}"
                ));
                let until = self.now.after(lasting);
                let (from, to) = (self.processes[&from].address, self.processes[&to].address);
                self.ground.network.lose_answers(from, to, until);
            }
            Event::SlowBackend { lasting } => {
                self.say(&format!("the backend refuses for {lasting:?}"));
                self.ground.sink.refuse(true);
                self.ends.push((self.now.after(lasting), End::Backend));
            }
            Event::Pause { lasting } if can_spare => {
                let who = pick(&running);
                self.say(&format!("r{who} stands still for {lasting:?}"));
                if let Some(process) = self.processes.get_mut(&who) {
                    process.is_paused = true;
                    self.ground.hub.stop(&process.id);
                }
                self.ends.push((self.now.after(lasting), End::Pause(who)));
            }
            Event::Cut { lasting } if running.len() > 1 => {
                let (one, other) = (pick(&running), pick(&running));
                self.say(&format!("r{one} and r{other} are cut for {lasting:?}"));
                let (one_at, other_at) = (&self.processes[&one], &self.processes[&other]);
                self.ground.network.cut(one_at.address, other_at.address);
                self.ground.hub.cut(&one_at.id, &other_at.id);
                self.ends
                    .push((self.now.after(lasting), End::Cut(one, other)));
            }
            Event::Crash {
                is_silent,
                back_after,
            } if can_spare => {
                let who = pick(&running);
                self.crash(who, is_silent);
                if let Some(back_after) = back_after {
                    self.ends.push((self.now.after(back_after), End::Dead(who)));
                }
            }
            _ => {}
        }
    }

    fn end_what_is_over(&mut self) {
        let ends = std::mem::take(&mut self.ends);
        for (at, end) in ends {
            if at > self.now {
                self.ends.push((at, end));
                continue;
            }
            self.say(&format!("over: {end:?}"));
            match end {
                End::Backend => self.ground.sink.refuse(false),
                End::Pause(who) => {
                    if let Some(process) = self.processes.get_mut(&who) {
                        process.is_paused = false;
                        self.ground.hub.resume(&process.id);
                    }
                }
                End::Cut(one, other) => {
                    let [one, other] = [one, other].map(Process::named);
                    self.ground.network.heal(one.1, other.1);
                    self.ground.hub.heal(&one.0, &other.0);
                }
                End::Dead(who) => self.begin(who),
            }
        }
    }

    fn join(&mut self) {
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

    /// Whatever this replica may have.
    fn excuse(&mut self, who: u16) {
        let Some(process) = self.processes.get(&who) else {
            return;
        };
        self.excused |= &process.holds();
        for other in self.processes.values() {
            self.excused |= &other.sends_to(&process.id);
        }
    }

    fn crash(&mut self, who: u16, is_silent: bool) {
        self.excuse(who);
        let Some(process) = self.processes.remove(&who) else {
            return;
        };
        let held = process.accounting.held.get();
        self.say(&format!("r{who} crashes, silent: {is_silent}, held {held}"));
        if held > 0 {
            // Its hold queue may have had spans of any slot.
            self.excused = SlotSet::all();
        }
        self.has_crashed = true;
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
                self.excuse(number);
            }
            let Some(process) = self.processes.remove(&number) else {
                continue;
            };
            // With little time it may be the target of a slot whose traces are not decided yet.
            if !in_order && process.grace == GRACE {
                self.wrong
                    .push(format!("r{number} could not leave in order"));
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
