//! The table: which replica *should* own each slot. Who does hold it is another matter, see `holders`.
//!
//! A pure function of the active members and their weights, so that replicas with the same members have the same table
//! without a word; they compare [`Ownership::hash`]. Rendezvous hashing with a cap: a slot asks the replicas in the order
//! of their scores for it, and each replica keeps those of its askers that score best with it, up to its cap.
//!
//! # Limits
//! The cap is 1.02 of a replica's fair share, or the share rounded up where that is more (a slot cannot be cut: of 93
//! replicas some must have 45 slots, which is 1.022 of the mean). Of the slots one join or one leave moves at least 1/N.
//! Plain rendezvous hashing moves no more, and is off balance by 15 % at 100 replicas. With the cap, slots that found a
//! replica full are placed anew when there is room: 1.1/N moves at up to 10 replicas, 1.3/N at 24, 1.8/N at 64, 3.2/N at
//! 100 (3.2 % of the slots). No function of the members alone has both 1.02 and 1.1/N there: when 99 become 98, each
//! must have 41 or 42 slots before and after, so 37 of them got their 42nd slot at the leave of one member, 36 at that
//! of another, and by then about 14 are among both and have to lose one again, while 1.1/N allows for 4.

mod score;

use std::collections::BTreeMap;

use rapidhash::v3::rapidhash_v3;

use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use score::{cost, salt};

/// Each slot's owner, of the members that it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// Sorted by ID.
    members: Vec<ReplicaId>,
    /// By slot, an index into the members; empty if there are none.
    owners: Box<[u16]>,
    hash: u64,
}

/// A member while slots ask for room.
struct Bidder {
    salt: u64,
    weight: u32,
    cap: usize,
    kept: usize,
    /// Slots that ask in this round, with what they cost.
    askers: Vec<(f64, usize)>,
}

impl Ownership {
    /// The table of `members` with their weights, in any order; of two with the same ID the first counts.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = (ReplicaId, u32)>) -> Self {
        let mut members: Vec<(ReplicaId, u32)> = members.into_iter().collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|later, earlier| later.0 == earlier.0);
        members.truncate(usize::from(u16::MAX));
        let owners = place(&members);
        let hash = hash_of(&members, &owners);
        let members = members.into_iter().map(|(replica, _)| replica).collect();
        Self {
            members,
            owners,
            hash,
        }
    }

    /// The owner of `slot`; `None` only if there are no members.
    #[inline]
    #[must_use]
    pub fn owner(&self, slot: Slot) -> Option<&ReplicaId> {
        let index = self.owners.get(usize::from(slot.0))?;
        self.members.get(usize::from(*index))
    }

    /// All slots of `replica`.
    #[must_use]
    pub fn owned_by(&self, replica: &ReplicaId) -> SlotSet {
        let Ok(index) = self.members.binary_search(replica) else {
            return SlotSet::default();
        };
        let owners = self.owners.iter().zip(0..SLOTS);
        let own = owners.filter(|(owner, _)| usize::from(**owner) == index);
        own.map(|(_, slot)| Slot(slot)).collect()
    }

    /// How many slots each member has.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&ReplicaId, usize> {
        let mut counts = vec![0; self.members.len()];
        for owner in &self.owners {
            if let Some(count) = counts.get_mut(usize::from(*owner)) {
                *count += 1;
            }
        }
        self.members.iter().zip(counts).collect()
    }

    /// Its members, sorted by ID.
    #[must_use]
    pub fn members(&self) -> &[ReplicaId] {
        &self.members
    }

    /// Equal where members, weights and owners are equal.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

impl Default for Ownership {
    fn default() -> Self {
        Self::new([])
    }
}

/// Places all slots. In every round each slot without an owner asks the best of the replicas that have room; there is
/// room for all of them together, so every round places some.
fn place(members: &[(ReplicaId, u32)]) -> Box<[u16]> {
    if members.is_empty() {
        return Box::default();
    }
    let mut owners = vec![0_u16; usize::from(SLOTS)].into_boxed_slice();
    let mut bidders = bidders(members);
    let salts: Vec<u64> = (0..SLOTS).map(|slot| salt(&slot.to_le_bytes())).collect();
    let mut unplaced: Vec<usize> = (0..usize::from(SLOTS)).collect();
    while !unplaced.is_empty() {
        for slot in unplaced.drain(..) {
            ask_the_best(slot, salts.get(slot).copied().unwrap_or(0), &mut bidders);
        }
        for (bidder, index) in bidders.iter_mut().zip(0_u16..) {
            bidder.askers.sort_by(|a, b| a.0.total_cmp(&b.0));
            let room = bidder.cap - bidder.kept;
            for (place, (_, slot)) in bidder.askers.drain(..).enumerate() {
                match owners.get_mut(slot) {
                    Some(owner) if place < room => *owner = index,
                    _ => unplaced.push(slot),
                }
                bidder.kept += usize::from(place < room);
            }
        }
    }
    owners
}

fn bidders(members: &[(ReplicaId, u32)]) -> Vec<Bidder> {
    let weights: u64 = members.iter().map(|it| u64::from(it.1.max(1))).sum();
    let bidder = |(replica, weight): &(ReplicaId, u32)| {
        let share = u64::from(SLOTS) * u64::from((*weight).max(1));
        let cap = share.div_ceil(weights).max(share * 102 / (weights * 100));
        Bidder {
            salt: salt(replica.as_str().as_bytes()),
            weight: (*weight).max(1),
            cap: usize::try_from(cap).unwrap_or(usize::MAX),
            kept: 0,
            askers: Vec::new(),
        }
    };
    members.iter().map(bidder).collect()
}

fn ask_the_best(slot: usize, slot_salt: u64, bidders: &mut [Bidder]) {
    let mut best: Option<(f64, &mut Bidder)> = None;
    for bidder in bidders.iter_mut().filter(|it| it.kept < it.cap) {
        let cost = cost(bidder.salt, slot_salt, bidder.weight);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, bidder));
        }
    }
    if let Some((cost, bidder)) = best {
        bidder.askers.push((cost, slot));
    }
}

fn hash_of(members: &[(ReplicaId, u32)], owners: &[u16]) -> u64 {
    let mut bytes = Vec::with_capacity(owners.len() * 2 + members.len() * 32);
    for (replica, weight) in members {
        bytes.extend_from_slice(replica.as_str().as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&weight.to_le_bytes());
    }
    bytes.extend(owners.iter().flat_map(|owner| owner.to_le_bytes()));
    rapidhash_v3(&bytes)
}

#[cfg(test)]
mod tests;
