//! Who is told what plugins do: the sampler counts nothing itself.

use super::breaker::BreakerState;
use super::failure::Reason;
use super::host::Verdict;

/// Told of every call of one policy, by all shards.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// A call went well.
    fn answered(&self, verdict: Verdict);
    /// A call, or starting an instance, failed.
    fn failed(&self, reason: Reason);
    /// The breaker was open: there was no call.
    fn skipped(&self);
    /// A call took so long; told of some calls only.
    fn took_ns(&self, ns: u64);
    /// An instance was thrown away.
    fn rebuilt(&self, why: Rebuild);
    /// The memory of the policy's instances together has changed by so much.
    fn memory_changed(&self, by_bytes: i64);
    /// A shard's breaker went from one state to another.
    fn breaker_changed(&self, from: BreakerState, to: BreakerState);
    /// Lines of its log were taken, or left out.
    fn logged(&self, lines: u64, left_out: u64);
}

/// Why an instance is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rebuild {
    /// A call failed.
    Failure,
    /// It was refused memory, and got along without.
    Memory,
    /// It has kept more cursors than it needs.
    Handles,
    /// `rebuild_after` calls are over.
    Calls,
}

impl Rebuild {
    /// All, in the order that counters are kept in.
    pub const ALL: [Self; 4] = [Self::Failure, Self::Memory, Self::Handles, Self::Calls];

    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Memory => "memory",
            Self::Handles => "handles",
            Self::Calls => "calls",
        }
    }
}

impl Verdict {
    /// Labels in metrics, in the order that counters are kept in.
    pub const LABELS: [&'static str; 5] =
        ["abstain", "sample", "not_sample", "drop", "probability"];

    /// Where its label stands in [`Self::LABELS`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Abstain => 0,
            Self::Sample => 1,
            Self::NotSample => 2,
            Self::Drop => 3,
            Self::SampleWithProbability(_) => 4,
        }
    }
}
