//! Streams of names: sequences, and how far they are finished.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::batch::peer::frame::StreamMark;
use crate::batch::replica::{BatchName, Life};
use crate::clock::{Clock, Moment};

/// One stream of names.
#[derive(Debug)]
pub(super) struct NameStream {
    number: u32,
    stray_time: Duration,
    clock: Clock,
    sequences: Mutex<Sequences>,
}

#[derive(Debug, Default)]
struct Sequences {
    drawn: u64,
    unfinished: BTreeSet<u64>,
    /// Finished, but a copy may still arrive somewhere until then.
    stray: BTreeMap<u64, Moment>,
}

/// A name of ours. It is finished when the last frame that bears it is dropped.
#[derive(Debug)]
pub(super) struct OwnName {
    pub(super) name: BatchName,
    stream: Arc<NameStream>,
    may_be_stray: AtomicBool,
}

impl NameStream {
    pub(super) fn new(number: u32, stray_time: Duration, clock: Clock) -> Self {
        Self {
            number,
            stray_time,
            clock,
            sequences: Mutex::default(),
        }
    }

    /// The next name.
    pub(super) fn draw(self: &Arc<Self>, sender: &Life) -> Arc<OwnName> {
        let mut sequences = self.sequences.lock();
        sequences.drawn += 1;
        let sequence = sequences.drawn;
        sequences.unfinished.insert(sequence);
        drop(sequences);
        Arc::new(OwnName {
            name: BatchName {
                sender: sender.clone(),
                stream: self.number,
                sequence,
            },
            stream: Arc::clone(self),
            may_be_stray: AtomicBool::new(false),
        })
    }

    /// Every sequence below is finished, and no copy of it can arrive any more.
    pub(super) fn mark(&self, now: Moment) -> StreamMark {
        let mut sequences = self.sequences.lock();
        while let Some(first) = sequences.stray.first_entry() {
            if *first.get() > now {
                break;
            }
            first.remove();
        }
        let next = sequences.drawn + 1;
        let unfinished = sequences.unfinished.first().copied().unwrap_or(next);
        let stray = sequences.stray.first_key_value();
        StreamMark {
            stream: self.number,
            low_water: unfinished.min(stray.map_or(next, |(sequence, _)| *sequence)),
        }
    }

    fn finish(&self, sequence: u64, may_be_stray: bool) {
        let stray_until = self.clock.now().after(self.stray_time);
        let mut sequences = self.sequences.lock();
        sequences.unfinished.remove(&sequence);
        if may_be_stray {
            sequences.stray.insert(sequence, stray_until);
        }
    }
}

impl OwnName {
    /// A frame of this name was sent and never answered.
    pub(super) fn may_be_stray(&self) {
        self.may_be_stray.store(true, Ordering::Relaxed);
    }

    /// How far the stream of this name is finished.
    pub(super) fn low_water(&self, now: Moment) -> u64 {
        self.stream.mark(now).low_water
    }
}

impl Drop for OwnName {
    fn drop(&mut self) {
        let may_be_stray = *self.may_be_stray.get_mut();
        self.stream.finish(self.name.sequence, may_be_stray);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::replica::{Incarnation, ReplicaId};

    #[test]
    fn the_mark_stays_below_what_is_unfinished_and_what_may_be_stray() {
        let clock = Clock::manual();
        let stray_time = Duration::from_mins(1);
        let stream = Arc::new(NameStream::new(4, stray_time, clock.clone()));
        let life = Life {
            replica: ReplicaId::new("a").unwrap(),
            incarnation: Incarnation(1),
        };
        let low_water = || stream.mark(clock.now()).low_water;
        assert_eq!(low_water(), 1);
        let names: Vec<_> = (0..3).map(|_| stream.draw(&life)).collect();
        let [first, second, third]: [_; 3] = names.try_into().unwrap();
        assert_eq!((first.name.stream, first.name.sequence), (4, 1));
        let piece = Arc::clone(&first);
        drop(first);
        assert_eq!(low_water(), 1);
        drop(piece);
        assert_eq!(low_water(), 2);
        second.may_be_stray();
        drop(second);
        drop(third);
        assert_eq!(low_water(), 2);
        clock.advance(stray_time);
        assert_eq!(low_water(), 4);
    }
}
