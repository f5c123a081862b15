//! Spans on their way: rules 1 to 6.

use std::collections::{BTreeMap, BTreeSet};

use super::state::*;
use super::world::World;

impl World {
    pub(crate) fn send(&mut self, from: Replica, to: Replica, body: Body) {
        let serial = self.serial.entry((from, to, body.kind())).or_insert(0);
        *serial += 1;
        let key = (from, to, body.kind(), *serial);
        // The incarnation that the sender means: the one that it follows in its move, else the one in its view.
        let of_move = match &body {
            Body::Decisions { slot, id, .. }
            | Body::Traces {
                slot, move_id: id, ..
            }
            | Body::Batch {
                slot,
                given: Some(id),
                ..
            }
            | Body::Release { slot, id, .. } => {
                let n = &self.nodes[from];
                n.moves[*slot]
                    .as_ref()
                    .filter(|m| m.id == *id)
                    .map(|m| m.target_incarnation)
                    .or(n.releases[*slot]
                        .as_ref()
                        .filter(|p| p.id == *id)
                        .map(|p| p.target_incarnation))
            }
            _ => None,
        };
        let to_incarnation = of_move
            .or(self.nodes[from].view[to].as_ref().map(|v| v.incarnation))
            .unwrap_or(0);
        self.network.push(Message {
            key,
            from_incarnation: self.nodes[from].incarnation,
            to_incarnation,
            body,
        });
    }
    pub(crate) fn applied(&self, a: Replica, name: Name, span: Span) -> bool {
        if self.rules.window_per_trace {
            self.nodes[a]
                .window
                .iter()
                .any(|(n, sp)| *n == name && trace_of(*sp) == trace_of(span))
        } else {
            self.nodes[a]
                .window
                .iter()
                .any(|(n, sp)| *n == name && slot_of(trace_of(*sp)) == slot_of(trace_of(span)))
        }
    }
    pub(crate) fn take(
        &mut self,
        a: Replica,
        name: Name,
        span: Span,
        first_names: &BTreeSet<(Name, Span)>,
    ) {
        let trace = trace_of(span);
        if let Some(decision) = self.nodes[a].decided.get(&trace).copied() {
            self.count("late span");
            self.sink[span].push(decision);
        } else {
            self.nodes[a]
                .undecided
                .entry(trace)
                .or_default()
                .spans
                .insert(span);
        }
        self.nodes[a].window.insert((name, span));
        self.nodes[a]
            .window
            .extend(first_names.iter().filter(|f| f.1 == span).copied());
    }
    /// One sub-batch of one slot at one replica: take, pass on or refuse, span by span. `path` lists who sent it so far.
    pub(crate) fn route(
        &mut self,
        a: Replica,
        name: Name,
        s: Slot,
        spans: &BTreeSet<Span>,
        path: Vec<Replica>,
        given: Option<(Id, Replica, u32)>,
        first_names: &BTreeSet<(Name, Span)>,
    ) {
        let mut done = BTreeSet::new();
        let mut pass: BTreeMap<(Replica, Option<Id>), BTreeSet<Span>> = BTreeMap::new();
        // Is this passed to me as the target of a move that is still under way?
        let as_target = match given {
            Some((id, from, incarnation)) => {
                let fenced = self.rules.fence_dead && self.is_dead(a, from, incarnation);
                let over = self.rules.given_ends && self.nodes[a].finished_moves.contains(&id);
                if !fenced && !over && !self.nodes[a].holds[s] {
                    self.nodes[a].target_of[s] = Some((from, incarnation, id));
                }
                !fenced && !over
            }
            None => false,
        };
        let already: Vec<bool> = spans
            .iter()
            .map(|span| {
                // What a returning replica hands back is known by the names under which it first came, too.
                self.applied(a, name, *span)
                    || first_names.iter().any(|(n, sp)| {
                        sp == span
                            && self.applied(a, *n, *sp)
                            && (self.rules.giver_forgets_names || (n != &name && name.0 != a))
                    })
            })
            .collect();
        for (index, span) in spans.iter().copied().enumerate() {
            let trace = trace_of(span);
            if already[index] {
                self.count("deduplicated");
                done.insert(span);
                continue;
            }
            let n = &self.nodes[a];
            let has = n
                .undecided
                .get(&trace)
                .is_some_and(|b| b.handed_to.is_none())
                || n.decided.contains_key(&trace);
            if n.holds[s] {
                match &n.moves[s] {
                    Some(m) if !has && !as_target => {
                        pass.entry((m.target, Some(m.id))).or_default().insert(span);
                    }
                    _ => {
                        self.take(a, name, span, first_names);
                        done.insert(span);
                    }
                }
            } else if as_target {
                self.take(a, name, span, first_names);
                done.insert(span);
            } else if let Some(p) = &n.releases[s] {
                // Frozen: between sending the release and its ack all goes to the target.
                if !self.rules.freeze_at_release && has {
                    self.take(a, name, span, first_names);
                    done.insert(span);
                } else {
                    pass.entry((p.target, Some(p.id))).or_default().insert(span);
                }
            } else {
                let pointer = n.released_to[s].filter(|t| self.live(a, *t));
                let to = self
                    .published_holder(a, s)
                    .or(pointer)
                    .or(self.table_owner(a, s))
                    .filter(|t| *t != a);
                match to {
                    Some(to) => {
                        pass.entry((to, None)).or_default().insert(span);
                    }
                    None => {
                        self.refusals += 1;
                    } // I should hold it and do not yet: refuse, the sender retries
                }
            }
        }
        for ((to, mark), spans) in pass {
            if path.len() >= HOPS_MAX {
                if self.rules.bug_drop_at_limit {
                    done.extend(spans);
                } else if self.rules.refuse_at_limit {
                    self.refusals += 1;
                } else {
                    for span in spans {
                        self.take(a, name, span, first_names);
                        done.insert(span);
                    }
                }
                continue;
            }
            let mut path = path.clone();
            path.push(a);
            let mark = if self.rules.given_mark { mark } else { None };
            self.count("passed on");
            self.send(
                a,
                to,
                Body::Batch {
                    name,
                    slot: s,
                    spans,
                    path,
                    given: mark,
                    first_names: first_names.clone(),
                },
            );
        }
        if !done.is_empty() {
            self.acknowledge(a, name, done, path);
        }
    }
    /// Answers go back the way the sub-batch came.
    pub(crate) fn acknowledge(
        &mut self,
        a: Replica,
        name: Name,
        spans: BTreeSet<Span>,
        mut path: Vec<Replica>,
    ) {
        match path.pop() {
            Some(back) => self.send(a, back, Body::Ack { name, spans, path }),
            None => {
                let n = &mut self.nodes[a];
                let mut answered = vec![];
                for o in n.outstanding.iter_mut().filter(|o| o.name == name) {
                    for span in &spans {
                        if o.spans.remove(span) && o.from_client {
                            answered.push(*span);
                        }
                    }
                }
                n.outstanding.retain(|o| !o.spans.is_empty());
                for span in answered {
                    self.acked[span] = true;
                }
            }
        }
    }
    pub(crate) fn retry_outstanding(&mut self, a: Replica) -> bool {
        let all = self.nodes[a].outstanding.clone();
        for o in &all {
            self.route(a, o.name, o.slot, &o.spans, vec![], None, &o.first_names);
        }
        !all.is_empty()
    }
    pub(crate) fn decide(&mut self, a: Replica, trace: Trace, why: &str) {
        let buffered = self.nodes[a].undecided.remove(&trace).unwrap();
        let decision = self.fresh();
        self.nodes[a].decided.insert(trace, decision);
        self.decisions.entry(trace).or_default().push((decision, a));
        self.count("decision");
        self.say(|| {
            format!(
                "{} decides trace {} over spans {:?}{}",
                r(a),
                trace,
                buffered.spans,
                why
            )
        });
        for span in buffered.spans {
            self.sink[span].push(decision);
        }
    }
    pub(crate) fn remember(&mut self, a: Replica, decisions: &BTreeMap<Trace, Id>) {
        for (trace, decision) in decisions {
            self.nodes[a].decided.entry(*trace).or_insert(*decision);
            let decision = self.nodes[a].decided[trace];
            if let Some(b) = self.nodes[a].undecided.remove(trace) {
                for span in b.spans {
                    self.sink[span].push(decision);
                }
            }
        }
    }
    pub(crate) fn decisions_of(&self, a: Replica, s: Slot) -> BTreeMap<Trace, Id> {
        self.nodes[a]
            .decided
            .iter()
            .filter(|(t, _)| slot_of(**t) == s)
            .map(|(t, d)| (*t, *d))
            .collect()
    }
    pub(crate) fn window_of(&self, a: Replica, s: Slot) -> BTreeSet<(Name, Span)> {
        if !self.rules.window_moves {
            return BTreeSet::new();
        }
        self.nodes[a]
            .window
            .iter()
            .filter(|(_, span)| slot_of(trace_of(*span)) == s)
            .copied()
            .collect()
    }
    pub(crate) fn names_of(&self, a: Replica, trace: Trace) -> BTreeSet<(Name, Span)> {
        if !self.rules.names_follow_trace {
            return BTreeSet::new();
        }
        self.nodes[a]
            .window
            .iter()
            .filter(|(_, span)| trace_of(*span) == trace)
            .copied()
            .collect()
    }
    /// Who has given spans away answers for them no longer: a retry must reach the one that has them now.
    pub(crate) fn forget_names(&mut self, a: Replica, given_away: impl Fn(&(Name, Span)) -> bool) {
        if self.rules.giver_forgets_names {
            self.nodes[a].window.retain(|entry| !given_away(entry));
        }
    }
    pub(crate) fn promise_stands(&self, a: Replica, s: Slot) -> Option<Replica> {
        let (who, attempt, version) = self.nodes[a].promised[s]?;
        let v = self.nodes[a].view[who].as_ref()?;
        if !self.live(a, who) {
            return None;
        }
        if v.version >= version && v.claims[s] != Some(attempt) {
            return None;
        }
        Some(who)
    }
}
