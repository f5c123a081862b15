//! The hash of a trace's key, and what its bits choose: slot, shard, place in a decision cache.
//!
//! Trace IDs are never trusted to be random; they are hashed first. The bits are used apart from each other, so that
//! the traces of one slot or one shard still spread evenly over everything else:
//!
//! | bits  | choose                                    |
//! |-------|-------------------------------------------|
//! | 63-52 | the slot, the unit of ownership           |
//! | 51-20 | the set of the decision cache             |
//! | 31-0  | the shard (its highest bits weigh most)   |

use rapidhash::v3::rapidhash_v3;

use super::metadata::RequestMetadata;
use crate::otlp::ids::TraceId;

/// Slots that the hashes of trace IDs fall into.
pub const SLOTS: u16 = 4096;

/// One of [`SLOTS`] ranges of hashed trace IDs, the unit of ownership between replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u16);

/// A single-writer owner of traces inside a replica, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub usize);

/// The hash of a trace's key: of its trace ID and, where configured, its request metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// Hashes a key. The slot depends on the trace ID alone.
    #[inline]
    #[must_use]
    pub fn of(trace_id: TraceId, metadata: Option<&RequestMetadata>) -> Self {
        const LOW_HALF: u64 = 0xffff_ffff;
        let hash = rapidhash_v3(&trace_id.0);
        Self(metadata.map_or(hash, |metadata| hash ^ (metadata.hash() & LOW_HALF)))
    }

    /// The slot of the trace ID.
    #[must_use]
    pub fn slot(self) -> Slot {
        Slot((self.0 >> 52) as u16)
    }

    /// The shard among `shards` of them.
    #[inline]
    #[must_use]
    pub fn shard(self, shards: usize) -> ShardId {
        ShardId((((self.0 & 0xffff_ffff) * shards as u64) >> 32) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_64_bit_identifiers_spread_over_slots_and_shards() {
        let mut slots = vec![0_u32; usize::from(SLOTS)];
        let mut shards = [0_u32; 3];
        for number in 0..409_600_u64 {
            let mut id = [0; 16];
            id[8..].copy_from_slice(&(number << 20).to_be_bytes());
            let hash = KeyHash::of(TraceId(id), None);
            slots[usize::from(hash.slot().0)] += 1;
            shards[hash.shard(3).0] += 1;
        }
        assert!(slots.iter().all(|count| (50..150).contains(count)));
        assert!(
            shards
                .iter()
                .all(|count| (135_000..138_000).contains(count))
        );
    }

    #[test]
    fn metadata_makes_another_key_in_the_same_slot() {
        let metadata = RequestMetadata(vec![("tenant".into(), "a".into())]);
        let plain = KeyHash::of(TraceId([7; 16]), None);
        let tenant = KeyHash::of(TraceId([7; 16]), Some(&metadata));
        assert_ne!(plain, tenant);
        assert_eq!(plain.slot(), tenant.slot());
    }
}
