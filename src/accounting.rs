//! Where every span went (contract I2), counted once for the status page and checked when nothing moves.
//!
//! At rest: received + received from peers = refused + deduplicated + forwarded + held + buffered + kept + not sampled +
//! dropped; over a cluster, forwarded = received from peers. A span that is in none of these is lost; a span in two is
//! counted twice; both are faults of ours.

use std::sync::atomic::{AtomicU64, Ordering};

/// Spans by what became of them, over the life of one replica. Shared by its stages.
#[derive(Debug, Default)]
pub struct Accounting {
    /// In clients' requests that could be read.
    pub received: Tally,
    /// In batches of other replicas, without those that had been taken before.
    pub received_from_peers: Tally,
    /// Rejected by `partial_success`, or in requests refused whole.
    pub refused: Tally,
    /// Already held by their trace.
    pub deduplicated: Tally,
    /// Acknowledged by another replica.
    pub forwarded: Tally,
    /// Owed to another replica, their client answered: rises and falls.
    pub held: Tally,
    /// In undecided traces: rises and falls.
    pub buffered: Tally,
    /// Decided Sampled, late ones included.
    pub kept: Tally,
    /// Decided NotSampled, late ones included.
    pub not_sampled: Tally,
    /// Decided Dropped, late ones included, or pending at a shutdown that drops them.
    pub dropped: Tally,
    /// Kept, and not yet in the queue of every exporter: rises and falls. They are counted in `kept` as well.
    pub releasing: Tally,
}

/// A count that threads add to.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

/// [`Accounting`] at one moment, in spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[allow(missing_docs, reason = "the fields are those of Accounting")]
pub struct Snapshot {
    pub received: u64,
    pub received_from_peers: u64,
    pub refused: u64,
    pub deduplicated: u64,
    pub forwarded: u64,
    pub held: u64,
    pub buffered: u64,
    pub kept: u64,
    pub not_sampled: u64,
    pub dropped: u64,
    pub releasing: u64,
}

impl Tally {
    /// Counts `spans` more.
    #[inline]
    pub fn add(&self, spans: u64) {
        self.0.fetch_add(spans, Ordering::Relaxed);
    }

    /// Counts `spans` less.
    #[inline]
    pub fn subtract(&self, spans: u64) {
        self.0.fetch_sub(spans, Ordering::Relaxed);
    }

    /// The present count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Accounting {
    /// Reads all counts; consistent only at rest.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            received: self.received.get(),
            received_from_peers: self.received_from_peers.get(),
            refused: self.refused.get(),
            deduplicated: self.deduplicated.get(),
            forwarded: self.forwarded.get(),
            held: self.held.get(),
            buffered: self.buffered.get(),
            kept: self.kept.get(),
            not_sampled: self.not_sampled.get(),
            dropped: self.dropped.get(),
            releasing: self.releasing.get(),
        }
    }
}

impl Snapshot {
    /// Spans received that are in no other count; negative when some are in two. Zero at rest.
    #[must_use]
    pub fn unaccounted(&self) -> i64 {
        let found = self.refused
            + self.deduplicated
            + self.forwarded
            + self.held
            + self.buffered
            + self.kept
            + self.not_sampled
            + self.dropped;
        (self.received + self.received_from_peers) as i64 - found as i64
    }
}
