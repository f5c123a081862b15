//! What a message does where it arrives: rules 8 to 14.

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn receive(&mut self, m: Message) {
        let (from, a) = (m.key.0, m.key.1);
        if self.nodes[a].unsure && self.rules.unsure_takes_nothing {
            return;
        }
        let not_me =
            self.rules.orders_name_addressee && m.to_incarnation != self.nodes[a].incarnation;
        let from_dead =
            not_me || self.rules.fence_dead && self.is_dead(a, from, m.from_incarnation);
        match m.body {
            Body::Batch {
                name,
                slot,
                spans,
                path,
                given,
                first_names,
            } => {
                if path.len() == HOPS_MAX {
                    self.count("third hop");
                }
                if path.len() > HOPS_MAX {
                    self.fail(format!("hops: a sub-batch took {} hops", path.len()));
                }
                let given = given
                    .filter(|_| !not_me)
                    .map(|id| (id, from, m.from_incarnation))
                    .or_else(|| {
                        // Without the mark the target can only judge by its own view of the sender.
                        let view = self.nodes[a].view[from].as_ref();
                        let by_view = !self.rules.given_mark
                            && view.is_some_and(|v| v.holds[slot] && v.target[slot] == Some(a));
                        by_view.then_some((0, from, m.from_incarnation))
                    });
                self.route(a, name, slot, &spans, path, given, &first_names);
            }
            Body::Ack { name, spans, path } => self.acknowledge(a, name, spans, path),
            Body::Decisions {
                slot,
                id,
                decisions,
            } => {
                if from_dead {
                    return;
                }
                if !self.nodes[a].holds[slot] && !self.nodes[a].finished_moves.contains(&id) {
                    self.nodes[a].target_of[slot] = Some((from, m.from_incarnation, id));
                }
                self.remember(a, &decisions);
                self.send(
                    a,
                    from,
                    Body::DecisionsAck {
                        slot,
                        id,
                        count: decisions.len(),
                    },
                );
            }
            Body::DecisionsAck { slot, id, count } => {
                if let Some(mv) = &mut self.nodes[a].moves[slot]
                    && mv.id == id
                {
                    mv.decisions_acked = Some(mv.decisions_acked.unwrap_or(0).max(count));
                }
            }
            Body::Traces {
                slot,
                id,
                move_id,
                trace,
                spans,
                names,
            } => {
                if from_dead {
                    return;
                }
                if self.nodes[a].applied_orders.insert(id) {
                    if !self.nodes[a].holds[slot] {
                        self.nodes[a].target_of[slot] = Some((from, m.from_incarnation, move_id));
                    }
                    self.nodes[a].window.extend(names);
                    match self.nodes[a].decided.get(&trace).copied() {
                        Some(decision) => {
                            for span in spans {
                                self.sink[span].push(decision);
                            }
                        }
                        None => self.nodes[a]
                            .undecided
                            .entry(trace)
                            .or_default()
                            .spans
                            .extend(spans),
                    }
                }
                self.send(a, from, Body::TracesAck { id, trace });
            }
            Body::TracesAck { id, trace } => {
                if self.nodes[a]
                    .undecided
                    .get(&trace)
                    .is_some_and(|b| b.handed_to.map(|h| h.0) == Some(id))
                {
                    self.nodes[a].undecided.remove(&trace);
                    self.forget_names(a, |entry| trace_of(entry.1) == trace);
                }
            }
            Body::Release {
                slot,
                id,
                window,
                decisions,
            } => {
                if from_dead {
                    return;
                }
                let first = self.nodes[a].applied_orders.insert(id) || !self.rules.release_once;
                if first {
                    // A promise binds: no holder by release while somebody may be about to claim.
                    if self.rules.claim_by_promise && self.promise_stands(a, slot).is_some() {
                        self.nodes[a].applied_orders.remove(&id);
                        return;
                    }
                    self.nodes[a].finished_moves.insert(id);
                    self.nodes[a].window.extend(window);
                    self.remember(a, &decisions);
                    let n = &mut self.nodes[a];
                    n.holds[slot] = true;
                    n.target_of[slot] = None;
                    n.released_to[slot] = None;
                    n.releases[slot] = None;
                    n.claim[slot] = None;
                    self.count("release arrived");
                    self.say(|| {
                        format!(
                            "{} becomes holder of slot {} by release from {}",
                            r(a),
                            slot,
                            r(from)
                        )
                    });
                    self.publish(a);
                }
                self.send(a, from, Body::ReleaseAck { slot, id });
            }
            Body::ReleaseAck { slot, id } => {
                if self.nodes[a].releases[slot]
                    .as_ref()
                    .is_some_and(|p| p.id == id)
                {
                    // Exactly the names that the release carried; it may have taken others since, as a target.
                    let carried = self.nodes[a].releases[slot].take().unwrap().window;
                    self.forget_names(a, |entry| carried.contains(entry));
                }
            }
            Body::AskPromise {
                slot,
                attempt,
                version,
                dead,
                orphaned,
            } => {
                for x in 0..REPLICAS {
                    if dead[x] > 0 {
                        self.learn_death(a, x, dead[x]);
                    }
                }
                if self.is_dead(a, from, m.from_incarnation) {
                    return;
                }
                let n = &self.nodes[a];
                let release_pending = n.releases[slot]
                    .as_ref()
                    .is_some_and(|p| !self.is_dead(a, p.target, p.target_incarnation));
                let other = self.promise_stands(a, slot).is_some_and(|who| who != from);
                // Two claimants: a dead giver's target comes first, then the lower id.
                let first = self.rules.target_claims_first;
                let yields = first && orphaned && n.target_of[slot].is_none();
                let mine_first = n.claim[slot].is_some() && a < from && !yields;
                let refused =
                    n.holds[slot] || release_pending || n.target_of[slot].is_some() || mine_first;
                let given = !refused && !other;
                let wait = !refused && other && self.rules.wait_when_promised;
                if given {
                    self.nodes[a].promised[slot] = Some((from, attempt, version));
                    if self.nodes[a].claim[slot].take().is_some() {
                        self.publish(a);
                    }
                }
                self.send(
                    a,
                    from,
                    Body::Promise {
                        slot,
                        attempt,
                        given,
                        wait,
                    },
                );
            }
            Body::Promise {
                slot,
                attempt,
                given,
                wait,
            } => {
                let mut withdraw = false;
                if let Some(c) = &mut self.nodes[a].claim[slot]
                    && c.attempt == attempt
                {
                    if given {
                        c.promised_by.insert((from, m.from_incarnation));
                    } else if !wait {
                        withdraw = true;
                    }
                }
                if withdraw {
                    self.nodes[a].claim[slot] = None;
                    self.publish(a);
                }
                self.complete_claim(a, slot);
            }
        }
    }
    /// A promise binds the incarnation that gave it; a restarted replica has forgotten it and is asked again.
    pub(crate) fn has_promised(&self, a: Replica, claim: &Claim, m: Replica) -> bool {
        let now = self.nodes[a].view[m].as_ref().map_or(0, |v| v.incarnation);
        claim.promised_by.iter().any(|(who, incarnation)| {
            *who == m && (*incarnation == now || !self.rules.promise_per_incarnation)
        })
    }
    pub(crate) fn complete_claim(&mut self, a: Replica, s: Slot) {
        let Some(c) = &self.nodes[a].claim[s] else {
            return;
        };
        let all = self
            .live_members(a)
            .iter()
            .all(|m| self.has_promised(a, c, *m));
        if !all || self.published_holder(a, s).is_some() {
            return;
        }
        self.become_holder_of_unheld(a, s);
    }
    pub(crate) fn become_holder_of_unheld(&mut self, a: Replica, s: Slot) {
        let n = &mut self.nodes[a];
        n.claim[s] = None;
        n.holds[s] = true;
        n.target_of[s] = None;
        n.released_to[s] = None;
        n.releases[s] = None;
        self.count("unheld slot taken");
        self.say(|| format!("{} takes slot {}, which has no holder in its view", r(a), s));
        self.publish(a);
    }
}
