//! Moves, claims, joining and leaving: rules 7, 8, 10, 12, 15 and 16.

use std::collections::{BTreeMap, BTreeSet};

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn retry_orders(&mut self, a: Replica) -> bool {
        let mut any = false;
        for s in 0..SLOTS {
            if let Some(p) = self.nodes[a].releases[s].clone() {
                any = true;
                if self.is_gone(a, p.target, p.target_incarnation) {
                    self.nodes[a].releases[s] = None;
                    continue;
                }
                let decisions = if self.rules.bug_release_before_decisions {
                    BTreeMap::new()
                } else {
                    self.decisions_of(a, s)
                };
                self.send(
                    a,
                    p.target,
                    Body::Release {
                        slot: s,
                        id: p.id,
                        window: p.window,
                        decisions,
                    },
                );
            }
            if let Some(c) = self.nodes[a].claim[s].clone() {
                any = true;
                let (version, dead) = (self.nodes[a].version, self.nodes[a].dead);
                let orphaned = self.nodes[a].target_of[s].is_some();
                for m in self.live_members(a) {
                    if !self.has_promised(a, &c, m) {
                        self.send(
                            a,
                            m,
                            Body::AskPromise {
                                slot: s,
                                attempt: c.attempt,
                                version,
                                dead,
                                orphaned,
                            },
                        );
                    }
                }
                self.complete_claim(a, s);
            }
        }
        let handed: Vec<(Trace, Id, Replica, BTreeSet<Span>)> = self.nodes[a]
            .undecided
            .iter()
            .filter_map(|(t, b)| b.handed_to.map(|(id, to)| (*t, id, to, b.spans.clone())))
            .collect();
        for (trace, id, to, spans) in handed {
            any = true;
            let s = slot_of(trace);
            let Some(m) = self.nodes[a].moves[s]
                .clone()
                .filter(|m| m.target == to && !self.is_gone(a, m.target, m.target_incarnation))
            else {
                self.nodes[a].undecided.get_mut(&trace).unwrap().handed_to = None;
                continue;
            };
            let names = self.names_of(a, trace);
            self.send(
                a,
                to,
                Body::Traces {
                    slot: s,
                    id,
                    move_id: m.id,
                    trace,
                    spans,
                    names,
                },
            );
        }
        any
    }
    /// Only a holder starts a move; the target stays until release, unless it dies.
    pub(crate) fn start_move(&mut self, a: Replica, s: Slot) -> bool {
        if !self.runs(a) || !self.nodes[a].holds[s] {
            return false;
        }
        if let Some(m) = &self.nodes[a].moves[s] {
            if !self.is_gone(a, m.target, m.target_incarnation) {
                return false;
            }
            self.nodes[a].moves[s] = None;
            for (t, b) in self.nodes[a].undecided.iter_mut() {
                if slot_of(*t) == s {
                    b.handed_to = None;
                }
            }
        }
        let Some(owner) = self.table_owner(a, s).filter(|o| *o != a) else {
            self.publish(a);
            return false;
        };
        let id = self.fresh();
        let target_incarnation = self.nodes[a].view[owner].as_ref().unwrap().incarnation;
        self.nodes[a].moves[s] = Some(Move {
            id,
            target: owner,
            target_incarnation,
            decisions_acked: None,
        });
        self.count("move");
        self.say(|| format!("{} starts to give slot {} to {}", r(a), s, r(owner)));
        self.publish(a);
        true
    }
    pub(crate) fn release(&mut self, a: Replica, s: Slot) -> bool {
        if !self.runs(a) || !self.nodes[a].holds[s] || self.nodes[a].unsure {
            return false;
        }
        let Some(m) = self.nodes[a].moves[s].clone() else {
            return false;
        };
        if self.is_gone(a, m.target, m.target_incarnation) {
            return false;
        }
        let undecided = self.nodes[a].undecided.keys().any(|t| slot_of(*t) == s);
        if undecided && !self.rules.bug_timer_release {
            return false;
        }
        let decisions = self.decisions_of(a, s);
        if m.decisions_acked != Some(decisions.len()) && !self.rules.bug_release_before_decisions {
            return false;
        }
        let window = self.window_of(a, s);
        let n = &mut self.nodes[a];
        n.holds[s] = false;
        n.moves[s] = None;
        n.released_to[s] = Some(m.target);
        n.releases[s] = Some(PendingRelease {
            id: m.id,
            target: m.target,
            target_incarnation: m.target_incarnation,
            window: window.clone(),
        });
        self.count("release");
        self.say(|| format!("{} releases slot {} to {}", r(a), s, r(m.target)));
        self.publish(a);
        let decisions = if self.rules.bug_release_before_decisions {
            BTreeMap::new()
        } else {
            decisions
        };
        self.send(
            a,
            m.target,
            Body::Release {
                slot: s,
                id: m.id,
                window,
                decisions,
            },
        );
        true
    }
    pub(crate) fn start_claim(&mut self, a: Replica, s: Slot) -> bool {
        let n = &self.nodes[a];
        if !self.runs(a) || n.holds[s] || n.claim[s].is_some() || n.unsure || n.returned {
            return false;
        }
        if n.releases[s]
            .as_ref()
            .is_some_and(|p| !self.is_gone(a, p.target, p.target_incarnation))
        {
            return false;
        }
        let orphaned_target = n.target_of[s]
            .is_some_and(|(giver, incarnation, _)| self.is_dead(a, giver, incarnation));
        let named = self.table_owner(a, s) == Some(a) && n.target_of[s].is_none();
        if !(named || orphaned_target)
            || n.state == State::Joining
            || self.published_holder(a, s).is_some()
        {
            return false;
        }
        if self.live_members(a).is_empty() && n.dead.iter().all(|d| *d == 0) {
            return false;
        }
        if self.rules.claim_by_promise {
            if self.promise_stands(a, s).is_some() {
                return false;
            }
            self.nodes[a].attempts += 1;
            let attempt = self.nodes[a].attempts;
            self.nodes[a].claim[s] = Some(Claim {
                attempt,
                promised_by: BTreeSet::new(),
            });
            self.count("claim");
            self.say(|| format!("{} claims slot {}", r(a), s));
            self.publish(a);
            self.retry_orders(a);
        } else {
            self.become_holder_of_unheld(a, s);
        }
        true
    }
    pub(crate) fn may_activate(&self, a: Replica) -> bool {
        let members = self.live_members(a);
        if members.is_empty() {
            return false;
        }
        if self.rules.join_finds_active
            && !members
                .iter()
                .any(|m| self.state_seen(a, *m) == State::Active)
        {
            return false;
        }
        if !self.rules.join_seen_by_all {
            return true;
        }
        let n = &self.nodes[a];
        members.iter().all(|m| {
            let knows_me = n.seen_by[*m][a] >= n.version;
            let i_know_its_members =
                (0..REPLICAS).all(|x| n.seen_by[*m][x] == 0 || x == a || n.view[x].is_some());
            knows_me && i_know_its_members
        })
    }
    pub(crate) fn may_exit(&self, a: Replica) -> bool {
        let n = &self.nodes[a];
        if n.state != State::Leaving
            || n.holds.iter().any(|h| *h)
            || !n.undecided.is_empty()
            || n.unsure
        {
            return false;
        }
        let members = self.live_members(a);
        if !members.iter().all(|m| n.seen_by[*m][a] >= n.version) {
            return false;
        }
        if !self.rules.exit_when_unneeded {
            return true;
        }
        n.outstanding.is_empty()
            && n.releases.iter().all(|x| x.is_none())
            && n.claim.iter().all(|x| x.is_none())
            && n.target_of.iter().all(|x| x.is_none())
            && members.iter().all(|m| {
                n.view[*m]
                    .as_ref()
                    .unwrap()
                    .target
                    .iter()
                    .all(|t| *t != Some(a))
            })
    }
}
