//! Faults stop, everything is delivered, and the invariants are judged.

use super::state::*;
use super::world::World;

impl World {
    /// Faults stop; everything is delivered, retried and learnt until nothing changes; only then the last windows close.
    pub(crate) fn settle(&mut self) {
        for a in 0..REPLICAS {
            self.apply(&Action::Resume(a));
        }
        let mut calm = 0;
        for round in 0..ROUNDS_MAX {
            let before = self.fingerprint();
            for _ in 0..2 {
                for a in 0..REPLICAS {
                    for b in 0..REPLICAS {
                        self.gossip(a, b, 0);
                    }
                }
            }
            for a in 0..REPLICAS {
                for b in 0..REPLICAS {
                    self.apply(&Action::LearnDeath(a, b));
                }
            }
            for a in 0..REPLICAS {
                if !self.runs(a) {
                    continue;
                }
                // Nobody left to ask: each side goes on alone after twice the dead time.
                if self.live_members(a).is_empty() {
                    self.nodes[a].unsure = false;
                    self.nodes[a].returned = false;
                }
                self.apply(&Action::Activate(a));
                self.retry_outstanding(a);
                self.retry_orders(a);
                for s in 0..SLOTS {
                    self.start_move(a, s);
                    self.apply(&Action::SendDecisions(a, s));
                    self.release(a, s);
                    self.start_claim(a, s);
                }
                self.apply(&Action::Exit(a));
            }
            while !self.network.is_empty() {
                let key = self.network[0].key;
                self.apply(&Action::Deliver(key));
                if self.network.len() > 2000 {
                    self.fail("messages bounce for ever".into());
                    return;
                }
            }
            if self.violation.is_some() {
                return;
            }
            let open =
                (0..REPLICAS).any(|a| self.nodes[a].up && !self.nodes[a].outstanding.is_empty());
            if calm >= 1 && !open || round > ROUNDS_MAX / 2 {
                // Windows close: whatever is still undecided is decided.
                for a in 0..REPLICAS {
                    for t in 0..TRACES {
                        self.apply(&Action::Decide(a, t));
                    }
                }
            }
            if self.fingerprint() == before {
                calm += 1;
                if calm > 3 && !open {
                    return;
                }
            } else {
                calm = 0;
            }
        }
        if self.violation.is_none() {
            let state: Vec<String> = (0..REPLICAS)
                .filter(|a| self.nodes[*a].up)
                .map(|a| {
                    format!(
                        "{} {:?} holds {:?} open {} target_of {:?}",
                        r(a),
                        self.nodes[a].state,
                        self.nodes[a].holds,
                        self.nodes[a].outstanding.len(),
                        self.nodes[a].target_of
                    )
                })
                .collect();
            self.fail(format!("never comes to rest: {}", state.join("; ")));
        }
    }
    pub(crate) fn fingerprint(&self) -> String {
        let mut f = String::new();
        for n in &self.nodes {
            f += &format!(
                "{}{:?}{:?}{}{}{}{};",
                n.up,
                n.state,
                n.holds,
                n.outstanding.len(),
                n.undecided.len(),
                n.decided.len(),
                n.incarnation
            );
            f += &format!(
                "{:?}",
                n.moves
                    .iter()
                    .map(|m| m.as_ref().map(|m| m.target))
                    .collect::<Vec<_>>()
            );
        }
        f
    }
    pub(crate) fn judge(&mut self) {
        if self.violation.is_some() {
            return;
        }
        for s in 0..SLOTS {
            let holders: Vec<Replica> = (0..REPLICAS)
                .filter(|a| self.nodes[*a].up && self.nodes[*a].holds[s])
                .collect();
            let owner = self.preference[s]
                .iter()
                .copied()
                .find(|a| self.nodes[*a].up && self.nodes[*a].state == State::Active);
            if holders.len() != 1 || Some(holders[0]) != owner {
                self.fail(format!(
                    "holder: slot {s} ends with holders {:?}, the table names {:?}",
                    holders.iter().map(|h| r(*h)).collect::<Vec<_>>(),
                    owner.map(r)
                ));
                return;
            }
        }
        for span in 0..SPANS {
            let trace = trace_of(span);
            let buffered = (0..REPLICAS)
                .filter(|a| {
                    self.nodes[*a].up
                        && self.nodes[*a]
                            .undecided
                            .get(&trace)
                            .is_some_and(|b| b.spans.contains(&span))
                })
                .count();
            let copies = self.sink[span].len() + buffered;
            if self.excused.contains(&trace) {
                continue;
            }
            if self.acked[span] && copies == 0 {
                self.fail(format!(
                    "lost: span {span} of trace {trace} was acknowledged and is nowhere"
                ));
                return;
            }
            if copies > 1 && !self.resent[span] {
                self.fail(format!(
                    "doubled: span {span} of trace {trace} went out {copies} times"
                ));
                return;
            }
        }
        for trace in 0..TRACES {
            if self.excused.contains(&trace) {
                continue;
            }
            let made = self.decisions.get(&trace).cloned().unwrap_or_default();
            if made.len() > 1 {
                self.fail(format!(
                    "split: trace {trace} was decided at {:?}",
                    made.iter().map(|d| r(d.1)).collect::<Vec<_>>()
                ));
                return;
            }
        }
    }
}
