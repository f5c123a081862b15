//! The replicas, the network, and the ledger of an observer who sees everything.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::rules::Rules;
use super::state::*;

pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) preference: [[usize; REPLICAS]; SLOTS], // rendezvous order of the replicas, per slot
    pub(crate) nodes: Vec<Node>,
    pub(crate) history: Vec<Vec<Published>>,
    pub(crate) network: Vec<Message>,
    pub(crate) serial: BTreeMap<(Replica, Replica, u8), u32>,
    pub(crate) next_id: Id,
    pub(crate) truly_dead: [u32; REPLICAS],
    // ledger of the oracle
    pub(crate) at_replica: Vec<Option<Replica>>, // span -> the replica whose client request carries it now
    pub(crate) sent: [bool; SPANS],
    pub(crate) acked: [bool; SPANS],
    pub(crate) resent: [bool; SPANS],
    pub(crate) sink: Vec<Vec<Id>>, // span -> decisions under which it went out
    pub(crate) decisions: BTreeMap<Trace, Vec<(Id, Replica)>>,
    pub(crate) excused: BTreeSet<Trace>, // in the buffer or the decisions of a replica that crashed
    pub(crate) violation: Option<String>,
    pub(crate) refusals: u64,
    pub(crate) seen_events: BTreeMap<&'static str, u64>,
    pub(crate) log: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(
        rules: Rules,
        start_active: usize,
        preference: [[usize; REPLICAS]; SLOTS],
    ) -> Self {
        let mut world = World {
            rules,
            preference,
            nodes: (0..REPLICAS).map(|_| Node::new()).collect(),
            history: vec![vec![]; REPLICAS],
            network: vec![],
            serial: BTreeMap::new(),
            next_id: 1,
            truly_dead: [0; REPLICAS],
            at_replica: vec![None; SPANS],
            sent: [false; SPANS],
            acked: [false; SPANS],
            resent: [false; SPANS],
            sink: vec![vec![]; SPANS],
            decisions: BTreeMap::new(),
            excused: BTreeSet::new(),
            violation: None,
            refusals: 0,
            seen_events: BTreeMap::new(),
            log: None,
        };
        for a in 0..start_active {
            let n = &mut world.nodes[a];
            n.up = true;
            n.incarnation = 1;
            n.state = State::Active;
        }
        for s in 0..SLOTS {
            let first = *preference[s].iter().find(|p| **p < start_active).unwrap();
            world.nodes[first].holds[s] = true;
        }
        for a in 0..start_active {
            world.publish(a);
        }
        for _ in 0..2 {
            for a in 0..start_active {
                for b in 0..start_active {
                    if a != b {
                        world.gossip(a, b, 0);
                    }
                }
            }
        }
        world
    }
    pub(crate) fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(text());
        }
    }
    pub(crate) fn count(&mut self, event: &'static str) {
        *self.seen_events.entry(event).or_insert(0) += 1;
    }
    pub(crate) fn fresh(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }
    pub(crate) fn fail(&mut self, text: String) {
        if self.violation.is_none() {
            self.violation = Some(text);
        }
    }
}
