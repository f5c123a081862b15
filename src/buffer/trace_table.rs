//! The undecided traces of a shard: by key, by reference, and in order of arrival.
//!
//! References (place and serial number) stay valid or become empty, never wrong, so that the ring of deadlines and the
//! queue of arrivals can forget lazily.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use super::trace::Trace;
use crate::batch::key::KeyHash;
use crate::batch::metadata::{RequestMetadata, is_same};
use crate::keyed_hash::keyed_hash;
use crate::otlp::ids::TraceId;

/// Refers to a trace of one shard for as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceRef {
    place: u32,
    serial: u32,
}

/// Undecided traces. Single writer.
#[derive(Debug, Default)]
pub(super) struct TraceTable {
    by_hash: HashTable<(u64, u32)>,
    places: Vec<Place>,
    free: Vec<u32>,
    arrivals: VecDeque<TraceRef>,
}

#[derive(Debug)]
struct Place {
    serial: u32,
    trace: Option<Box<Trace>>,
}

impl TraceTable {
    /// Traces held.
    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Finds a trace by its key.
    #[inline]
    pub(super) fn find(
        &self,
        hash: KeyHash,
        trace_id: TraceId,
        metadata: Option<&Arc<RequestMetadata>>,
    ) -> Option<TraceRef> {
        let hash = table_hash(hash, trace_id);
        let (_, place) = self.by_hash.find(hash, |(held, place)| {
            *held == hash
                && self.trace_at(*place).is_some_and(|trace| {
                    trace.id == trace_id && is_same(trace.metadata.as_ref(), metadata)
                })
        })?;
        let serial = self.places.get(*place as usize)?.serial;
        Some(TraceRef {
            place: *place,
            serial,
        })
    }

    /// Of the latest `searched_max` traces those of an ID, whatever their request metadata. Not for the hot path.
    pub(super) fn latest_of(
        &self,
        trace_id: TraceId,
        searched_max: usize,
    ) -> impl Iterator<Item = TraceRef> {
        let latest = self.arrivals.iter().rev().take(searched_max).copied();
        latest.filter(move |place| self.get(*place).is_some_and(|trace| trace.id == trace_id))
    }

    /// All traces. Looks at every place: not for the hot path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TraceRef, &Trace)> {
        self.places.iter().zip(0..).filter_map(|(held, place)| {
            let trace = held.trace.as_deref()?;
            let serial = held.serial;
            Some((TraceRef { place, serial }, trace))
        })
    }

    /// Adds a trace whose key is not there yet, as the latest to arrive.
    pub(super) fn insert(&mut self, trace: Trace) -> TraceRef {
        let hash = table_hash(trace.hash, trace.id);
        let trace = Some(Box::new(trace));
        let (place, serial) = match self.free.pop() {
            Some(place) => (place, self.occupy(place, trace)),
            None => {
                self.places.push(Place { serial: 0, trace });
                (self.places.len() as u32 - 1, 0)
            }
        };
        self.by_hash
            .insert_unique(hash, (hash, place), |(hash, _)| *hash);
        let added = TraceRef { place, serial };
        self.arrivals.push_back(added);
        added
    }

    pub(super) fn get(&self, trace: TraceRef) -> Option<&Trace> {
        let place = self.places.get(trace.place as usize)?;
        place
            .trace
            .as_deref()
            .filter(|_| place.serial == trace.serial)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, trace: TraceRef) -> Option<&mut Trace> {
        let place = self.places.get_mut(trace.place as usize)?;
        place
            .trace
            .as_deref_mut()
            .filter(|_| place.serial == trace.serial)
    }

    /// Takes a trace out; `None` if it is gone.
    pub(super) fn remove(&mut self, trace: TraceRef) -> Option<Box<Trace>> {
        let place = self.places.get_mut(trace.place as usize)?;
        if place.serial != trace.serial {
            return None;
        }
        let taken = place.trace.take()?;
        let entry = self
            .by_hash
            .find_entry(table_hash(taken.hash, taken.id), |(_, place)| {
                *place == trace.place
            });
        if let Ok(entry) = entry {
            entry.remove();
        }
        self.free.push(trace.place);
        if self.by_hash.is_empty() {
            self.give_memory_back();
        }
        Some(taken)
    }

    /// The trace that arrived first of those still there.
    pub(super) fn oldest(&mut self) -> Option<TraceRef> {
        while let Some(first) = self.arrivals.front().copied() {
            if self.get(first).is_some() {
                return Some(first);
            }
            self.arrivals.pop_front();
        }
        None
    }

    fn trace_at(&self, place: u32) -> Option<&Trace> {
        self.places.get(place as usize)?.trace.as_deref()
    }

    fn occupy(&mut self, place: u32, trace: Option<Box<Trace>>) -> u32 {
        let Some(place) = self.places.get_mut(place as usize) else {
            return 0;
        };
        place.serial = place.serial.wrapping_add(1);
        place.trace = trace;
        place.serial
    }

    /// An idle shard keeps the places, whose serials guard old references, and little else.
    fn give_memory_back(&mut self) {
        self.by_hash.shrink_to(0, |(hash, _)| *hash);
        self.arrivals.clear();
        self.arrivals.shrink_to(0);
    }
}

/// What a trace is found by: clients can foresee the hash of a key, and give as many traces as they like the same one.
/// That of the key still tells apart the traces of one ID.
fn table_hash(hash: KeyHash, trace_id: TraceId) -> u64 {
    keyed_hash(&trace_id.0) ^ hash.0
}

#[cfg(test)]
impl TraceRef {
    pub(super) fn for_tests(place: u32) -> Self {
        Self { place, serial: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Moment;

    fn key(number: u8) -> (KeyHash, TraceId) {
        // Two keys to a hash: the table must compare IDs.
        (KeyHash(u64::from(number / 2)), TraceId([number; 16]))
    }

    #[test]
    fn the_latest_traces_are_searched_for_an_id_and_no_others() {
        let mut table = TraceTable::default();
        for number in 0..10 {
            let (hash, id) = (KeyHash(number), TraceId([(number % 5) as u8; 16]));
            table.insert(Trace::new(id, hash, None, Moment(0), Moment(1)));
        }
        let found = |searched_max| table.latest_of(TraceId([1; 16]), searched_max).count();
        assert_eq!([found(3), found(4), found(8), found(9)], [0, 1, 1, 2]);
    }

    #[test]
    fn traces_chosen_to_have_one_key_hash_are_found_by_many() {
        let hashes: HashSet<u64> = (0..1_000)
            .map(crate::otlp::ids::colliding_for_tests)
            .map(|id| table_hash(KeyHash::of(id, None), id))
            .collect();
        assert_eq!(hashes.len(), 1_000);
    }

    proptest! {
        #[test]
        fn behaves_as_a_list_of_traces_in_order_of_arrival(actions in vec((0_u8..4, 0_u8..20), 0..300)) {
            let mut table = TraceTable::default();
            let mut naive: Vec<(u8, TraceRef)> = Vec::new();
            let mut gone: Vec<TraceRef> = Vec::new();
            for (action, number) in actions {
                let (hash, id) = key(number);
                let held = naive.iter().position(|(held, _)| *held == number);
                prop_assert_eq!(table.find(hash, id, None), held.map(|index| naive[index].1));
                match (action, held) {
                    (0 | 1, None) => {
                        let trace = Trace::new(id, hash, None, Moment(0), Moment(1));
                        naive.push((number, table.insert(trace)));
                    }
                    (2, Some(index)) => {
                        let (_, reference) = naive.remove(index);
                        prop_assert_eq!(table.remove(reference).unwrap().id, id);
                        gone.push(reference);
                    }
                    (3, _) => prop_assert_eq!(table.oldest(), naive.first().map(|(_, first)| *first)),
                    _ => {}
                }
                prop_assert_eq!(table.len(), naive.len());
                prop_assert!(gone.iter().all(|reference| table.get(*reference).is_none()));
            }
        }
    }
}
