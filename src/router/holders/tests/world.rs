//! Replicas, the network between them, and what an observer who sees all of it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::shards::{Shards, TRACES, Trace, Work};
use crate::batch::peer::order::Order;
use crate::batch::replica::{Incarnation, Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::router::holders::{Effect, Holders, Input, Mark, Settings};
use crate::router::member::{Digest, Known, MemberState, Record, View};

pub(super) const REPLICAS: usize = 4;

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
    /// An undecided trace of a leaving replica (rule 10).
    Handed {
        trace: Trace,
        number: u64,
        id: MoveId,
    },
    /// The target has it.
    HandedAck {
        number: u64,
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
    /// What happened, and how often.
    pub(super) events: BTreeMap<&'static str, u64>,
    /// Replicas below this number do not reach the others.
    pub(super) partition: Option<usize>,
    /// After a partition, until it has healed.
    pub(super) may_have_two_holders: bool,
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
            events: BTreeMap::new(),
            partition: None,
            may_have_two_holders: false,
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
        self.start_life(replica, incarnation);
        // A seed that is in the cluster answers first.
        let seed = (0..REPLICAS)
            .find(|it| self.runs(*it) && self.node(*it).holders.state() != MemberState::Joining);
        if let Some(seed) = seed {
            self.gossip(seed, replica, 0);
        }
    }

    /// Whether a seed answers, or there is no cluster yet. Joiners that cannot reach a cluster found another, if they are
    /// `min_replicas`: that is why it should be more than half of the replicas.
    pub(super) fn may_join(&self) -> bool {
        let is_in = |it: &usize| self.node(*it).holders.state() != MemberState::Joining;
        let members = || (0..REPLICAS).filter(|it| self.is_up(*it) && is_in(it));
        members().next().is_none() || members().any(|it| self.runs(it))
    }

    pub(super) fn reaches(&self, from: usize, to: usize) -> bool {
        self.partition
            .is_none_or(|first| (from < first) == (to < first))
    }

    /// Starts a replica whose seeds do not answer.
    pub(super) fn start_apart(&mut self, replica: usize) {
        self.start_life(replica, 1);
    }

    fn start_life(&mut self, replica: usize, incarnation: u64) {
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

    pub(super) fn carry_out(&mut self, replica: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.count(&effect);
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

    fn count(&mut self, effect: &Effect) {
        let event = match effect {
            Effect::WentActive => "went active",
            Effect::MayExit => "left",
            Effect::NewLife(_) => "came back from a false death",
            Effect::HandOver { .. } => "handed traces over",
            Effect::MergeNames { .. } => "took a release",
            Effect::Unsure(true) => "was unsure after a pause",
            Effect::Send { order, .. } => match order {
                Order::AskPromise(ask) if !ask.orphaned.is_empty() => {
                    "claimed as an orphaned target"
                }
                Order::AskPromise(_) => "claimed",
                Order::Promise(promise) if !promise.refused.is_empty() => "refused a promise",
                Order::Promise(promise) if !promise.wait.is_empty() => "let a claimant wait",
                _ => return,
            },
            _ => return,
        };
        *self.events.entry(event).or_insert(0) += 1;
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
            if !doubled.is_empty() && !self.may_have_two_holders {
                self.fail(format!(
                    "holder: {} slots have two holders, r{replica} is one",
                    doubled.len()
                ));
            }
        }
    }

    /// `to` learns what `from` published `behind` steps ago, and all that it has heard of others.
    pub(super) fn gossip(&mut self, from: usize, to: usize, behind: usize) -> bool {
        if from == to || !self.runs(to) || self.nodes[from].is_none() || !self.reaches(from, to) {
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
                Work::Effect(_) | Work::Handed { .. } => None,
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
                    Work::Effect(_) | Work::Handed { .. } => None,
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
        self.input(replica, Input::Idle(is_idle && !in_flight));
        if self.is_up(replica) {
            let drained = self.node_mut(replica).shards.newly_drained();
            if !drained.is_empty() {
                self.input(replica, Input::Drained(drained));
            }
            self.send_handed(replica);
        }
    }

    pub(super) fn traces() -> std::ops::Range<Trace> {
        0..TRACES
    }
}
