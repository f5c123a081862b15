//! What happens in a simulation, when it does, and how it ends.

use std::time::Duration;

use rand::Rng as _;

use super::super::plan::Event;
use super::super::process::Process;
use super::{End, GRACE, REPLICAS_MAX, World};
use crate::batch::slot_set::SlotSet;

impl World {
    pub(super) fn happen(&mut self, event: Event) {
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
                self.excuses.stand_still(lasting);
                self.ground.sink.refuse(true);
                self.ends.push((self.now.after(lasting), End::Backend));
            }
            Event::Pause { lasting } | Event::LongPause { lasting } if running.len() > 1 => {
                let who = pick(&running);
                self.say(&format!("r{who} stands still for {lasting:?}"));
                if let Some(process) = self.processes.get_mut(&who) {
                    process.is_paused = true;
                    self.ground.hub.stop(&process.id);
                }
                self.stalls(lasting);
                if matches!(event, Event::LongPause { .. }) {
                    // Others claim what it holds, and nobody tells them of its decisions.
                    let slots = self.slots_at(who);
                    self.excuses.forget(&slots);
                }
                self.ends.push((self.now.after(lasting), End::Pause(who)));
            }
            Event::Cut { lasting } if running.len() > 1 => {
                let (one, other) = (pick(&running), pick(&running));
                self.say(&format!("r{one} and r{other} are cut for {lasting:?}"));
                self.stalls(lasting);
                self.cut(vec![(one, other)], lasting);
            }
            Event::Partition { lasting } if running.len() > 1 => {
                let mut side: Vec<u16> = running.clone();
                side.retain(|_| self.random.random());
                if side.is_empty() || side.len() == running.len() {
                    side = vec![running[0]];
                }
                self.say(&format!("{side:?} are cut off for {lasting:?}"));
                self.stalls(lasting);
                let all = self.processes.keys();
                let others = all.filter(|other| !side.contains(other));
                let pairs = others.flat_map(|other| side.iter().map(|one| (*one, *other)));
                self.cut(pairs.collect(), lasting);
                // Either side claims what the other holds.
                self.excuses.forget(&SlotSet::all());
                let all = self.processes.values();
                let waiting = all.flat_map(|it| it.forwarder.waiting_traces());
                let end = self.now.after(lasting);
                self.excuses.split(self.now, end, waiting);
            }
            Event::Reload { is_everywhere } => {
                self.policies_version += 1;
                let version = self.policies_version;
                self.say(&format!("policies {version}, everywhere: {is_everywhere}"));
                for process in self.processes.values() {
                    // Those in force stay with who is left out, and who joins.
                    if !process.is_paused && (is_everywhere || self.random.random()) {
                        process.reload(version);
                    }
                }
            }
            Event::Squeeze { lasting, is_total } if !running.is_empty() => {
                let who = pick(&running);
                self.say(&format!(
                    "r{who} is without memory for {lasting:?}, total: {is_total}"
                ));
                self.has_squeezed = true;
                if let Some(process) = self.processes.get_mut(&who) {
                    process.squeeze(is_total);
                }
                self.ends.push((self.now.after(lasting), End::Squeeze(who)));
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
            // There is nobody to spare for it.
            _ => return,
        }
        self.happened.insert(event.kind());
    }

    fn stalls(&mut self, lasting: Duration) {
        self.has_stalled = true;
        self.excuses.stand_still(lasting);
    }

    fn cut(&mut self, pairs: Vec<(u16, u16)>, lasting: Duration) {
        for (one, other) in &pairs {
            let [one, other] = [*one, *other].map(Process::named);
            self.ground.network.cut(one.1, other.1);
            self.ground.hub.cut(&one.0, &other.0);
        }
        let end = End::Cuts(pairs);
        self.ends.push((self.now.after(lasting), end));
    }

    pub(super) fn end_what_is_over(&mut self) {
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
                End::Cuts(pairs) => {
                    for (one, other) in pairs {
                        let [one, other] = [one, other].map(Process::named);
                        self.ground.network.heal(one.1, other.1);
                        self.ground.hub.heal(&one.0, &other.0);
                    }
                }
                End::Squeeze(who) => {
                    if let Some(process) = self.processes.get_mut(&who) {
                        process.relax();
                    }
                }
                End::Dead(who) => self.begin(who),
            }
        }
    }
}
