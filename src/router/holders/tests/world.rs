//! Replicas, the network between them, and what an observer who sees all of it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::shards::{Fate, Shards, TRACES, Trace, Work, slot_of};
use crate::batch::peer::order::{ChunkAck, Order, Traces, TracesAck};
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::router::holders::{Effect, Holders, Input, Mark, Settings};
use crate::router::member::{Digest, Known, MemberState, Record, View};

pub(super) const REPLICAS: usize = 4;
const HOPS_MAX: usize = 3;

pub(super) struct Node {
    pub(super) holders: Holders,
    pub(super) is_up: bool,
    pub(super) is_paused: bool,
    pub(super) shards: Shards,
    pub(super) view: View,
    pub(super) history: Vec<Known>,
    /// Spans that clients gave it and nobody has taken.
    pub(super) pending: Vec<Trace>,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Order(Order),
    Span {
        trace: Trace,
        mark: Option<Mark>,
        hops: usize,
        client: usize,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) from: Life,
    pub(super) to: usize,
    pub(super) incarnation: Incarnation,
    pub(super) body: Body,
}

pub(super) struct World {
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) network: Vec<Message>,
    pub(super) now: Moment,
    founders: usize,
    pub(super) truly_dead: [u64; REPLICAS],
    pub(super) decisions: BTreeMap<Trace, Vec<usize>>,
    pub(super) acked: BTreeSet<Trace>,
    pub(super) excused: BTreeSet<Trace>,
    pub(super) violation: Option<String>,
}

pub(super) fn id(index: usize) -> ReplicaId {
    ReplicaId::new(&format!("r{index}")).unwrap()
}

pub(super) fn index(replica: &str) -> usize {
    replica[1..].parse().unwrap()
}

pub(super) fn settings(replica: usize, min_replicas: usize) -> Settings {
    Settings {
        replica: id(replica),
        peer_address: ([127, 0, 0, 1], 4319).into(),
        weight: 1,
        shards: 1,
        software_version: String::new(),
        policy_hash: 0,
        min_replicas,
        has_seeds: true,
        dead_time: Duration::from_secs(12),
    }
}

impl World {
    pub(super) fn new(founders: usize) -> Self {
        let mut world = Self {
            nodes: (0..REPLICAS).map(|_| None).collect(),
            network: Vec::new(),
            now: Moment(0),
            founders,
            truly_dead: [0; REPLICAS],
            decisions: BTreeMap::new(),
            acked: BTreeSet::new(),
            excused: BTreeSet::new(),
            violation: None,
        };
        for replica in 0..founders {
            world.start(replica, 1);
        }
        world
    }

    pub(super) fn fail(&mut self, text: String) {
        self.violation.get_or_insert(text);
    }

    pub(super) fn start(&mut self, replica: usize, incarnation: u64) {
        let history = self.nodes[replica]
            .take()
            .map_or(Vec::new(), |it| it.history);
        let settings = settings(replica, self.founders);
        self.nodes[replica] = Some(Node {
            holders: Holders::new(settings, Incarnation(incarnation), self.now),
            is_up: true,
            is_paused: false,
            shards: Shards::new(),
            view: View::default(),
            history,
            pending: Vec::new(),
        });
        self.input(replica, Input::Tick);
        // A seed that is in the cluster answers first.
        let seed = (0..REPLICAS)
            .find(|it| self.runs(*it) && self.node(*it).holders.state() != MemberState::Joining);
        if let Some(seed) = seed {
            self.gossip(seed, replica, 0);
        }
    }

    pub(super) fn node(&self, replica: usize) -> &Node {
        self.nodes[replica].as_ref().unwrap()
    }

    pub(super) fn node_mut(&mut self, replica: usize) -> &mut Node {
        self.nodes[replica].as_mut().unwrap()
    }

    pub(super) fn is_up(&self, replica: usize) -> bool {
        self.nodes[replica].as_ref().is_some_and(|it| it.is_up)
    }

    pub(super) fn runs(&self, replica: usize) -> bool {
        self.is_up(replica) && !self.node(replica).is_paused
    }

    pub(super) fn input(&mut self, replica: usize, input: Input) {
        let now = self.now;
        let effects = self.node_mut(replica).holders.handle(input, now);
        self.carry_out(replica, effects);
    }

    fn carry_out(&mut self, replica: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Record(record) => self.publish(replica, Some(record), None),
                Effect::Digest(digest) => self.publish(replica, None, Some(digest)),
                Effect::Send { to, order } => {
                    let from = self.node(replica).holders.life().clone();
                    self.network.push(Message {
                        from,
                        to: index(to.replica.as_str()),
                        incarnation: to.incarnation,
                        body: Body::Order(order),
                    });
                }
                Effect::MayExit => self.node_mut(replica).is_up = false,
                Effect::Died(_) | Effect::Unsure(_) | Effect::WentActive => {}
                other => self
                    .node_mut(replica)
                    .shards
                    .inbox
                    .push_back(Work::Effect(other)),
            }
        }
        self.check_holders();
    }

    fn publish(
        &mut self,
        replica: usize,
        record: Option<Arc<Record>>,
        digest: Option<Arc<Digest>>,
    ) {
        let node = self.node_mut(replica);
        let last = node.history.last().cloned();
        let record = record
            .or(last.as_ref().map(|it| it.record.clone()))
            .unwrap();
        let digest = digest.or(last.map(|it| it.digest)).unwrap_or_default();
        let is_suspect = false;
        node.history.push(Known {
            record,
            digest,
            is_suspect,
        });
    }

    /// Never two holders of a slot, unless one of them was declared dead and does not know.
    fn check_holders(&mut self) {
        let mut seen = SlotSet::default();
        for replica in 0..REPLICAS {
            if !self.is_up(replica) {
                continue;
            }
            let holders = &self.node(replica).holders;
            if self.truly_dead[replica] >= holders.life().incarnation.0 {
                continue;
            }
            let doubled = &seen & holders.holds();
            seen |= holders.holds();
            if !doubled.is_empty() {
                self.fail(format!(
                    "holder: {} slots have two holders, r{replica} is one",
                    doubled.len()
                ));
            }
        }
    }

    /// `to` learns what `from` published `behind` steps ago, and all that it has heard of others.
    pub(super) fn gossip(&mut self, from: usize, to: usize, behind: usize) -> bool {
        if from == to || !self.runs(to) || self.nodes[from].is_none() {
            return false;
        }
        let source = self.node(from);
        let mut news = match source.is_up && !source.is_paused && behind == 0 {
            true => source.view.others.clone(),
            false => BTreeMap::new(),
        };
        let last = source.history.len() - 1;
        news.insert(
            id(from),
            source.history[last.saturating_sub(behind)].clone(),
        );
        news.remove(&id(to));
        let node = self.node_mut(to);
        for (replica, known) in news {
            let age = |it: &Known| {
                (
                    it.record.life.incarnation,
                    it.record.version,
                    it.digest.question,
                )
            };
            let old = node.view.others.get(&replica);
            if old.is_none_or(|old| age(old) <= age(&known)) {
                node.view.others.insert(replica, known);
            }
        }
        let view = node.view.clone();
        self.input(to, Input::View(view));
        true
    }

    /// One piece of the inbox of a replica's shards.
    pub(super) fn work(&mut self, replica: usize) -> bool {
        if !self.runs(replica) || self.node(replica).holders.is_unsure() {
            return false;
        }
        match self.node_mut(replica).shards.inbox.pop_front() {
            None => return false,
            Some(Work::Span {
                trace,
                is_accepted,
                hops,
            }) => self.span(replica, trace, is_accepted, hops),
            Some(Work::Effect(effect)) => self.shard_effect(replica, effect),
        }
        true
    }

    fn shard_effect(&mut self, replica: usize, effect: Effect) {
        let shards = &mut self.node_mut(replica).shards;
        match effect {
            Effect::SetSlots { slots, state } => shards.set(&slots, &state),
            Effect::Routes(routes) => shards.routes = Some(routes),
            Effect::CollectDecisions { id, parcel, slots } => {
                let chunks = shards.collect(&id, parcel, &slots);
                self.input(replica, Input::Collected { id, parcel, chunks });
            }
            Effect::Freeze {
                id,
                target,
                parcel,
                slots,
            } => {
                let refused = shards.freeze(&id, &target, parcel, &slots);
                let names = Bytes::from_static(b"names");
                self.input(
                    replica,
                    Input::Frozen {
                        id,
                        parcel,
                        names,
                        refused,
                    },
                );
            }
            Effect::TakeDecisions { from, decisions } => {
                let trace = usize::from(decisions.entries[0]);
                shards.decided.insert(trace);
                shards.undecided.remove(&trace);
                let (id, parcel, chunk) = (decisions.id, decisions.parcel, decisions.chunk);
                self.send(
                    replica,
                    &from,
                    Order::DecisionsAck(ChunkAck { id, parcel, chunk }),
                );
            }
            Effect::TakeTraces { from, traces } => {
                let trace = usize::from(traces.entries[0]);
                if shards.taken.insert((from.clone(), traces.number))
                    && !shards.decided.contains(&trace)
                {
                    shards.undecided.insert(trace);
                }
                let (id, number) = (traces.id, traces.number);
                self.send(replica, &from, Order::TracesAck(TracesAck { id, number }));
            }
            Effect::TracesTaken(ack) => {
                let taken = shards
                    .handed
                    .iter()
                    .find(|(_, it)| it.0 == ack.number)
                    .map(|it| *it.0);
                if let Some(trace) = taken {
                    shards.handed.remove(&trace);
                    shards.undecided.remove(&trace);
                }
            }
            Effect::HandOver { id, target, slots } => {
                let traces: Vec<Trace> = shards.undecided.iter().copied().collect();
                for trace in traces.into_iter().filter(|it| slots.contains(slot_of(*it))) {
                    shards.numbers += 1;
                    shards
                        .handed
                        .insert(trace, (shards.numbers, id.clone(), target.clone()));
                }
                self.send_handed(replica);
            }
            Effect::NewLife(_) => {
                shards.handed.clear();
                let undecided = std::mem::take(&mut shards.undecided);
                self.node_mut(replica).pending.extend(undecided);
            }
            Effect::MergeNames { .. } | Effect::ForgetNames { .. } => {}
            other => panic!("{other:?} is not for shards"),
        }
    }

    fn send(&mut self, replica: usize, to: &Life, order: Order) {
        self.network.push(Message {
            from: self.node(replica).holders.life().clone(),
            to: index(to.replica.as_str()),
            incarnation: to.incarnation,
            body: Body::Order(order),
        });
    }

    pub(super) fn send_handed(&mut self, replica: usize) {
        for (trace, (number, id, target)) in self.node(replica).shards.handed.clone() {
            let slots = [slot_of(trace)].into_iter().collect();
            let entries = Bytes::from(vec![trace as u8]);
            let traces = Traces {
                id,
                number,
                slots,
                entries,
            };
            self.send(replica, &target, Order::Traces(traces));
        }
    }

    fn span(&mut self, replica: usize, trace: Trace, is_accepted: bool, hops: usize) {
        match self.node_mut(replica).shards.span(trace, is_accepted) {
            Fate::Taken => {
                self.acked.insert(trace);
            }
            Fate::Pass { to, mark } if hops < HOPS_MAX => {
                let from = self.node(replica).holders.life().clone();
                let incarnation = mark.as_ref().map_or(Incarnation(0), |it| it.to);
                let body = Body::Span {
                    trace,
                    mark,
                    hops: hops + 1,
                    client: replica,
                };
                self.network.push(Message {
                    from,
                    to: index(&to),
                    incarnation,
                    body,
                });
            }
            Fate::Pass { .. } | Fate::Refused => self.node_mut(replica).pending.push(trace),
        }
    }

    pub(super) fn receive(&mut self, message: Message) {
        let (to, incarnation) = (message.to, message.incarnation);
        match message.body {
            Body::Order(order) if self.is_up(to) => {
                let from = message.from;
                self.input(
                    to,
                    Input::Order {
                        from,
                        to: incarnation,
                        order,
                    },
                );
            }
            Body::Order(_) => {}
            Body::Span { trace, .. } if !self.is_up(to) || self.node(to).holders.is_unsure() => {
                self.back_to_client(&message, trace);
            }
            Body::Span {
                trace, mark, hops, ..
            } => {
                let slots: SlotSet = [slot_of(trace)].into_iter().collect();
                let mut is_accepted = false;
                if let Some(mark) = mark {
                    let now = self.now;
                    let holders = &mut self.node_mut(to).holders;
                    let (accepted, effects) = holders.heed_mark(&mark.id, mark.to, &slots, now);
                    is_accepted = !accepted.is_empty();
                    self.carry_out(to, effects);
                }
                let inbox = &mut self.node_mut(to).shards.inbox;
                inbox.push_back(Work::Span {
                    trace,
                    is_accepted,
                    hops,
                });
            }
        }
    }

    /// A span that nobody answers for is its sender's to send again.
    fn back_to_client(&mut self, message: &Message, trace: Trace) {
        let Body::Span { client, .. } = message.body else {
            return;
        };
        if self.is_up(client) {
            self.node_mut(client).pending.push(trace);
        }
    }

    pub(super) fn decide(&mut self, replica: usize, trace: Trace) -> bool {
        if !self.runs(replica) || self.node(replica).holders.is_unsure() {
            return false;
        }
        let shards = &mut self.node_mut(replica).shards;
        if shards.handed.contains_key(&trace) || !shards.undecided.remove(&trace) {
            return false;
        }
        shards.decided.insert(trace);
        self.decisions.entry(trace).or_default().push(replica);
        true
    }

    /// What only this replica had.
    pub(super) fn excuse(&mut self, replica: usize, with_undecided: bool) {
        let node = self.nodes[replica].as_ref().unwrap();
        self.excused.extend(&node.shards.decided);
        if with_undecided {
            let undecided = node.shards.undecided.iter().chain(&node.pending);
            let inbox = node.shards.inbox.iter().filter_map(|work| match work {
                Work::Span { trace, .. } => Some(trace),
                Work::Effect(Effect::TakeTraces { .. }) | Work::Effect(_) => None,
            });
            self.excused.extend(undecided.chain(inbox).copied());
        }
    }

    pub(super) fn tick(&mut self, replica: usize) {
        let node = self.node_mut(replica);
        let pending = std::mem::take(&mut node.pending);
        let work = pending.into_iter().map(|trace| Work::Span {
            trace,
            is_accepted: false,
            hops: 0,
        });
        if node.holders.is_unsure() {
            node.pending = work
                .filter_map(|it| match it {
                    Work::Span { trace, .. } => Some(trace),
                    Work::Effect(_) => None,
                })
                .collect();
        } else {
            node.shards.inbox.extend(work);
        }
        let is_idle = node.shards.is_idle() && node.pending.is_empty();
        let in_flight = self
            .network
            .iter()
            .any(|it| matches!(it.body, Body::Span { client, .. } if client == replica));
        let drained = self.node(replica).shards.drained();
        self.input(replica, Input::Idle(is_idle && !in_flight));
        if self.is_up(replica) {
            self.input(replica, Input::Drained(drained));
            self.send_handed(replica);
        }
    }

    pub(super) fn traces() -> std::ops::Range<Trace> {
        0..TRACES
    }
}
