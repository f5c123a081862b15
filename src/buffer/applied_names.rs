//! Names of batches from other replicas whose spans a shard has taken, so that a retry doubles nothing (rules 5 and 6).
//!
//! Kept for each name and trace, since one batch may be taken in parts by different replicas. Names belong to the data:
//! they leave with the slot or the trace. One is forgotten when its sender asks no more (its stream's low-water mark has
//! passed it), or when its sender's life has ended: what is kept is what is under way, a few batches a stream.

use std::collections::{BTreeMap, HashMap};

use crate::batch::key::KeyHash;
use crate::batch::peer::names::AppliedBatch;
use crate::batch::replica::{BatchName, Life};
use crate::batch::slot_set::SlotSet;

/// All names that one shard knows.
#[derive(Debug, Default)]
pub(super) struct AppliedNames {
    streams: HashMap<Life, HashMap<u32, Stream>>,
}

#[derive(Debug, Default)]
struct Stream {
    low_water: u64,
    batches: BTreeMap<u64, Vec<KeyHash>>,
}

impl AppliedNames {
    /// The traces taken under a name.
    pub(super) fn traces_of(&self, name: &BatchName) -> &[KeyHash] {
        self.streams
            .get(&name.sender)
            .and_then(|streams| streams.get(&name.stream))
            .and_then(|stream| stream.batches.get(&name.sequence))
            .map_or(&[], |traces| traces)
    }

    /// Whether the sender has said that it asks no more about this name.
    pub(super) fn is_below_low_water(&self, name: &BatchName) -> bool {
        self.streams
            .get(&name.sender)
            .and_then(|streams| streams.get(&name.stream))
            .is_some_and(|stream| name.sequence < stream.low_water)
    }

    /// Notes that spans of `traces` were taken under a name.
    pub(super) fn add(&mut self, name: &BatchName, traces: &[KeyHash]) {
        if traces.is_empty() {
            return;
        }
        let stream = self.stream(&name.sender, name.stream);
        if name.sequence >= stream.low_water {
            let known = stream.batches.entry(name.sequence).or_default();
            known.extend_from_slice(traces);
        }
    }

    /// The sender asks no more about sequences below `low_water`.
    pub(super) fn forget_below(&mut self, sender: &Life, stream: u32, low_water: u64) {
        let stream = self.stream(sender, stream);
        if low_water > stream.low_water {
            stream.low_water = low_water;
            stream.batches = stream.batches.split_off(&low_water);
        }
    }

    /// The sender's life is over, and so are those before it, and nothing of them is under way any more.
    pub(super) fn forget_life(&mut self, sender: &Life) {
        self.streams.retain(|life, _| {
            life.replica != sender.replica || life.incarnation > sender.incarnation
        });
    }

    /// All that concerns `slots`.
    pub(super) fn of_slots(&self, slots: &SlotSet) -> Vec<AppliedBatch> {
        let mut found = Vec::new();
        for (sender, streams) in &self.streams {
            for (stream, known) in streams {
                for (sequence, traces) in &known.batches {
                    let wanted = traces.iter().filter(|trace| slots.contains(trace.slot()));
                    let traces: Vec<KeyHash> = wanted.copied().collect();
                    if !traces.is_empty() {
                        let name = BatchName {
                            sender: sender.clone(),
                            stream: *stream,
                            sequence: *sequence,
                        };
                        found.push(AppliedBatch { name, traces });
                    }
                }
            }
        }
        found
    }

    /// Forgets exactly what another replica has now, of `slots`.
    pub(super) fn remove(&mut self, batches: &[AppliedBatch], slots: &SlotSet) {
        for batch in batches {
            let streams = self.streams.get_mut(&batch.name.sender);
            let Some(stream) = streams.and_then(|streams| streams.get_mut(&batch.name.stream))
            else {
                continue;
            };
            let sequence = &batch.name.sequence;
            let Some(known) = stream.batches.get_mut(sequence) else {
                continue;
            };
            known.retain(|trace| !(slots.contains(trace.slot()) && batch.traces.contains(trace)));
            if known.is_empty() {
                stream.batches.remove(sequence);
            }
        }
    }

    /// Takes out the names of one trace.
    pub(super) fn take_trace(&mut self, trace: KeyHash) -> Vec<BatchName> {
        let taken = self.take(|known| known == trace);
        taken.into_iter().map(|batch| batch.name).collect()
    }

    /// Adds what another replica had of `slots`.
    pub(super) fn merge(&mut self, batches: &[AppliedBatch], slots: &SlotSet) {
        for batch in batches {
            let wanted = batch.traces.iter();
            let wanted = wanted.filter(|trace| slots.contains(trace.slot()));
            self.add(&batch.name, &wanted.copied().collect::<Vec<_>>());
        }
    }

    fn take(&mut self, is_wanted: impl Fn(KeyHash) -> bool) -> Vec<AppliedBatch> {
        let mut taken = Vec::new();
        for (sender, streams) in &mut self.streams {
            for (stream, known) in streams {
                for (sequence, traces) in &mut known.batches {
                    let out: Vec<KeyHash> =
                        traces.extract_if(.., |trace| is_wanted(*trace)).collect();
                    if !out.is_empty() {
                        taken.push(AppliedBatch {
                            name: BatchName {
                                sender: sender.clone(),
                                stream: *stream,
                                sequence: *sequence,
                            },
                            traces: out,
                        });
                    }
                }
                known.batches.retain(|_, traces| !traces.is_empty());
            }
        }
        taken
    }

    fn stream(&mut self, sender: &Life, stream: u32) -> &mut Stream {
        if !self.streams.contains_key(sender) {
            self.streams.insert(sender.clone(), HashMap::new());
        }
        let streams = self.streams.entry(sender.clone()).or_default();
        streams.entry(stream).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::key::Slot;
    use crate::batch::replica::{Incarnation, ReplicaId};

    fn name(incarnation: u64, sequence: u64) -> BatchName {
        BatchName {
            sender: Life {
                replica: ReplicaId::new("b").unwrap(),
                incarnation: Incarnation(incarnation),
            },
            stream: 1,
            sequence,
        }
    }

    fn trace(slot: u16, number: u64) -> KeyHash {
        KeyHash(u64::from(slot) << 52 | number)
    }

    #[test]
    fn a_name_is_known_for_the_traces_taken_under_it_and_for_no_others() {
        let mut names = AppliedNames::default();
        names.add(&name(1, 7), &[trace(1, 1), trace(2, 1)]);
        assert_eq!(names.traces_of(&name(1, 7)), [trace(1, 1), trace(2, 1)]);
        assert!(names.traces_of(&name(1, 8)).is_empty());
        assert!(names.traces_of(&name(2, 7)).is_empty());
    }

    #[test]
    fn names_below_the_low_water_mark_are_forgotten_and_not_taken_again() {
        let mut names = AppliedNames::default();
        let sender = name(1, 0).sender;
        for sequence in 1..5 {
            names.add(&name(1, sequence), &[trace(1, sequence)]);
        }
        names.forget_below(&sender, 1, 3);
        assert!(names.traces_of(&name(1, 2)).is_empty());
        assert!(names.is_below_low_water(&name(1, 2)) && !names.is_below_low_water(&name(1, 3)));
        assert_eq!(names.traces_of(&name(1, 3)), [trace(1, 3)]);
        // An older mark that arrives late brings nothing back.
        names.forget_below(&sender, 1, 1);
        names.add(&name(1, 2), &[trace(1, 9)]);
        assert!(names.traces_of(&name(1, 2)).is_empty());
        names.forget_life(&sender);
        assert!(names.traces_of(&name(1, 3)).is_empty());
    }

    #[test]
    fn names_leave_with_their_slot_or_their_trace() {
        let mut names = AppliedNames::default();
        names.add(&name(1, 1), &[trace(1, 1), trace(2, 1)]);
        names.add(&name(1, 2), &[trace(1, 1), trace(1, 2)]);
        assert_eq!(names.take_trace(trace(1, 1)), [name(1, 1), name(1, 2)]);
        let slots: SlotSet = [Slot(1)].into_iter().collect();
        let found = names.of_slots(&slots);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].traces, [trace(1, 2)]);
        names.add(&name(1, 2), &[trace(1, 3)]);
        names.remove(&found, &slots);
        assert_eq!(names.traces_of(&name(1, 1)), [trace(2, 1)]);
        assert_eq!(names.traces_of(&name(1, 2)), [trace(1, 3)]);
        names.merge(&found, &slots);
        assert_eq!(names.traces_of(&name(1, 2)), [trace(1, 3), trace(1, 2)]);
    }
}
