//! One action of a schedule.

use std::collections::BTreeSet;

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn runs(&self, a: Replica) -> bool {
        self.nodes[a].up && !self.nodes[a].paused
    }

    /// Applies one action if it is possible now; says whether anything happened.
    pub(crate) fn apply(&mut self, action: &Action) -> bool {
        match action {
            Action::ClientSends(spans, a) => {
                let a = *a;
                if !self.runs(a) || self.nodes[a].state != State::Active {
                    return false;
                }
                let spans: Vec<Span> = spans
                    .iter()
                    .copied()
                    .filter(|sp| {
                        !self.acked[*sp]
                            && match self.at_replica[*sp] {
                                None => true,
                                Some(b) => !self.nodes[b]
                                    .outstanding
                                    .iter()
                                    .any(|o| o.from_client && o.spans.contains(sp)),
                            }
                    })
                    .collect();
                if spans.is_empty() {
                    return false;
                }
                for s in 0..SLOTS {
                    let part: BTreeSet<Span> = spans
                        .iter()
                        .copied()
                        .filter(|sp| slot_of(trace_of(*sp)) == s)
                        .collect();
                    if part.is_empty() {
                        continue;
                    }
                    for sp in &part {
                        if self.sent[*sp] {
                            self.resent[*sp] = true;
                        }
                        self.sent[*sp] = true;
                        self.at_replica[*sp] = Some(a);
                    }
                    let name = self.new_name(a);
                    self.nodes[a].outstanding.push(Outstanding {
                        name,
                        slot: s,
                        spans: part.clone(),
                        from_client: true,
                        first_names: BTreeSet::new(),
                    });
                    self.say(|| {
                        format!(
                            "client sends spans {:?} (traces {:?}, slot {}) to {}",
                            part,
                            part.iter().map(|x| trace_of(*x)).collect::<Vec<_>>(),
                            s,
                            r(a)
                        )
                    });
                    self.route(a, name, s, &part, vec![], None, &BTreeSet::new());
                }
                true
            }
            Action::ClientGivesUp(a, index) => {
                let n = &mut self.nodes[*a];
                if !n.up
                    || n.paused
                    || *index >= n.outstanding.len()
                    || !n.outstanding[*index].from_client
                {
                    return false;
                }
                n.outstanding.remove(*index);
                self.say(|| format!("{} answers UNAVAILABLE to its client", r(*a)));
                true
            }
            Action::Gossip {
                from,
                to,
                versions_behind,
            } => {
                let before = self.nodes[*to].view[*from]
                    .as_ref()
                    .map_or(0, |v| v.version);
                let done = self.gossip(*from, *to, *versions_behind);
                if done {
                    let rec = self.nodes[*to].view[*from].clone().unwrap();
                    self.say(|| {
                        format!(
                            "{} sees record {} of {} ({:?}, holds {:?}, targets {:?}){}",
                            r(*to),
                            rec.version,
                            r(*from),
                            rec.state,
                            rec.holds,
                            rec.target.map(|t| t.map(r)),
                            if rec.version == before {
                                ", nothing new"
                            } else {
                                ""
                            }
                        )
                    });
                }
                done
            }
            Action::LearnDeath(a, who) => {
                let incarnation = self.truly_dead[*who];
                if !self.runs(*a) || incarnation == 0 || self.nodes[*a].dead[*who] >= incarnation {
                    return false;
                }
                self.say(|| {
                    format!(
                        "{} learns that {} (incarnation {}) is agreed dead",
                        r(*a),
                        r(*who),
                        incarnation
                    )
                });
                self.learn_death(*a, *who, incarnation);
                true
            }
            Action::Deliver(key) | Action::Lose(key) => {
                let Some(index) = self.network.iter().position(|m| m.key == *key) else {
                    return false;
                };
                let to = key.1;
                if self.nodes[to].up && self.nodes[to].paused {
                    return false;
                }
                let lost = matches!(action, Action::Lose(_)) || !self.nodes[to].up;
                let m = self.network.remove(index);
                self.say(|| {
                    format!(
                        "{} {} -> {}: {:?}",
                        if lost { "lost:" } else { "arrives:" },
                        r(key.0),
                        r(to),
                        m.body
                    )
                });
                if !lost {
                    self.receive(m);
                }
                true
            }
            Action::Retry(a) => {
                if !self.runs(*a) {
                    return false;
                }
                self.say(|| format!("{} retries what is not acknowledged", r(*a)));
                self.retry_outstanding(*a) | self.retry_orders(*a)
            }
            Action::Decide(a, trace) => {
                let n = &self.nodes[*a];
                if !self.runs(*a) || n.undecided.get(trace).is_none_or(|b| b.handed_to.is_some()) {
                    return false;
                }
                if n.unsure && self.rules.confirm_after_pause && !self.rules.bug_decide_after_pause
                {
                    return false;
                }
                self.decide(*a, *trace, "");
                true
            }
            Action::StartMove(a, s) => self.start_move(*a, *s),
            Action::SendDecisions(a, s) => {
                if !self.runs(*a) || !self.nodes[*a].holds[*s] {
                    return false;
                }
                let decisions = self.decisions_of(*a, *s);
                let Some(m) = self.nodes[*a].moves[*s].clone() else {
                    return false;
                };
                if m.decisions_acked == Some(decisions.len()) {
                    return false;
                }
                self.send(
                    *a,
                    m.target,
                    Body::Decisions {
                        slot: *s,
                        id: m.id,
                        decisions,
                    },
                );
                true
            }
            Action::HandOverTrace(a, trace) => {
                let s = slot_of(*trace);
                if !self.runs(*a) || self.nodes[*a].state != State::Leaving || self.nodes[*a].unsure
                {
                    return false;
                }
                let Some(m) = self.nodes[*a].moves[s].clone() else {
                    return false;
                };
                let id = self.fresh();
                let Some(b) = self.nodes[*a].undecided.get_mut(trace) else {
                    return false;
                };
                if b.handed_to.is_some() {
                    return false;
                }
                b.handed_to = Some((id, m.target));
                let spans = b.spans.clone();
                self.count("undecided handed over");
                self.say(|| {
                    format!(
                        "{} hands undecided trace {} over to {}",
                        r(*a),
                        trace,
                        r(m.target)
                    )
                });
                let names = self.names_of(*a, *trace);
                self.send(
                    *a,
                    m.target,
                    Body::Traces {
                        slot: s,
                        id,
                        move_id: m.id,
                        trace: *trace,
                        spans,
                        names,
                    },
                );
                true
            }
            Action::Release(a, s) => self.release(*a, *s),
            Action::Claim(a, s) => self.start_claim(*a, *s),
            Action::Join(a) => {
                if self.nodes[*a].up || self.nodes[*a].incarnation != 0 {
                    return false;
                }
                self.nodes[*a].up = true;
                self.nodes[*a].incarnation = 1;
                self.nodes[*a].state = State::Joining;
                self.publish(*a);
                self.say(|| format!("{} starts (joining)", r(*a)));
                true
            }
            Action::Activate(a) => {
                let a = *a;
                if !self.runs(a) || self.nodes[a].state != State::Joining || !self.may_activate(a) {
                    return false;
                }
                self.nodes[a].state = State::Active;
                self.publish(a);
                self.count("activation");
                self.say(|| format!("{} goes active", r(a)));
                true
            }
            Action::Leave(a) => {
                let others = (0..REPLICAS)
                    .filter(|m| {
                        m != a && self.nodes[*m].up && self.nodes[*m].state == State::Active
                    })
                    .count();
                if !self.runs(*a) || self.nodes[*a].state != State::Active || others == 0 {
                    return false;
                }
                self.nodes[*a].state = State::Leaving;
                self.publish(*a);
                self.say(|| format!("{} starts to leave", r(*a)));
                true
            }
            Action::Exit(a) => {
                if !self.runs(*a) || !self.may_exit(*a) {
                    return false;
                }
                self.nodes[*a].state = State::Left;
                self.publish(*a);
                self.nodes[*a].up = false;
                self.count("exit");
                self.say(|| format!("{} exits", r(*a)));
                true
            }
            _ => self.apply_fault(action),
        }
    }
}
