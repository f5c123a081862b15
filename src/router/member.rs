//! What a replica publishes of itself, and what it knows of the others: plain data, between membership (which carries
//! it) and the holders (which read it).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// Where a replica stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberState {
    /// Known to others, and not yet an owner of slots (rule 15).
    Joining,
    /// May own slots.
    Active,
    /// Gives away what it holds; owns nothing (rule 16).
    Leaving,
    /// Gone in order.
    Left,
}

/// What a replica publishes of itself: always whole, the newest version wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose, and which life.
    pub life: Life,
    /// Grows with every change, over all lives of this ID in one process; starts at 1.
    pub version: u64,
    /// Where it stands.
    pub state: MemberState,
    /// `cluster.peer.advertise`: where others dial it.
    pub peer_address: SocketAddr,
    /// `cluster.weight`: its share of the slots, relative to the others'. At least 1.
    pub weight: u32,
    /// Its shards, for who reads the status.
    pub shards: u32,
    /// Its version of Tailsieve.
    pub software_version: String,
    /// Hash of the policies in force there.
    pub policy_hash: u64,
    /// Slots that it holds (rule 9).
    pub holds: SlotSet,
    /// Of the slots that it holds, those that it gives away, by target (rule 7).
    pub targets: BTreeMap<ReplicaId, SlotSet>,
    /// Unheld slots that it claims, by the number of the attempt (rule 12).
    pub claims: BTreeMap<u64, SlotSet>,
}

/// What a replica publishes beside its record: what it has seen of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    /// The newest version that it has seen of everybody's record, by life.
    pub seen: BTreeMap<ReplicaId, (Incarnation, u64)>,
    /// The highest incarnation agreed dead.
    pub dead: BTreeMap<ReplicaId, Incarnation>,
    /// Lives that it has suspected for the whole dead time: its vote for their death.
    pub votes: BTreeMap<ReplicaId, Incarnation>,
    /// Answers to questions asked after a pause (rule 17): of whom, and the highest question seen.
    pub answers: BTreeMap<ReplicaId, u64>,
    /// Its own latest question; 0 before the first.
    pub question: u64,
    /// Hash of its table (`Ownership::hash`), for others to compare; 0 where it does not say.
    pub table: u64,
    /// What it decides, in spans per 1,000 seconds (`load`).
    pub load: u64,
}

/// Another replica, as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its newest record here.
    pub record: Arc<Record>,
    /// What it had seen when it last published.
    pub digest: Arc<Digest>,
    /// Whether the failure detector misses it: one's own opinion, and nothing new is sent there.
    pub is_suspect: bool,
}

/// Everybody else, as known here. Those that left or died stay until their tombstones are forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// By ID.
    pub others: BTreeMap<ReplicaId, Known>,
}

impl View {
    /// One of the others.
    #[must_use]
    pub fn get(&self, replica: &ReplicaId) -> Option<&Known> {
        self.others.get(replica)
    }
}

#[cfg(test)]
impl Record {
    /// One of a replica that holds nothing.
    pub(crate) fn for_tests(id: &str, incarnation: u64, state: MemberState) -> Self {
        Self {
            life: Life {
                replica: ReplicaId::new(id).unwrap(),
                incarnation: Incarnation(incarnation),
            },
            version: 1,
            state,
            peer_address: SocketAddr::from(([127, 0, 0, 1], 4319)),
            weight: 1,
            shards: 1,
            software_version: "0.0.0".to_owned(),
            policy_hash: 0,
            holds: SlotSet::default(),
            targets: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }
}
