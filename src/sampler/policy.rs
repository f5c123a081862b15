//! What a policy is: a compiled rule that votes on a whole trace.

use super::evaluation::Evaluation;
use super::witness::Witness;
use crate::clock::Moment;

/// A rule of a policy set, compiled. Shared by all shards; what changes inside it is behind a lock of its own.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// Votes on the trace at hand.
    ///
    /// # Errors
    /// [`PolicyError`] when it cannot tell; the policy is then skipped for this trace and counted.
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError>;
}

/// A vote and the value that it is due to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// The vote.
    pub vote: Vote,
    /// What the policy looked at, for those who ask why.
    pub witness: Witness,
}

/// What a policy wants to become of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vote {
    /// Keep it.
    Sampled,
    /// No reason to keep it.
    NotSampled,
    /// Drop it whatever others say.
    Dropped,
    /// Nothing: as if the policy were not there.
    Abstained,
}

/// What a policy that counts against the clock is told of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// When the decision is made.
    pub now: Moment,
    /// The same in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// Which of the replica's shards decides.
    pub shard: usize,
    /// Whether nothing comes of the decision: limiters tell what they would grant, and grant nothing.
    pub is_rehearsal: bool,
    /// The replica's part of limits with `scope: cluster`.
    pub share: Share,
}

/// A replica's part of what the whole cluster may keep: above 0, at most 1; 1 of a replica alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

/// A policy could not vote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PolicyError {
    /// Why.
    pub reason: String,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self(1.0);
    /// Smallest: a replica that nobody asks for anything may still keep a trace now and then.
    pub const MIN: Self = Self(1e-4);

    /// `part` of the whole, brought within bounds.
    #[must_use]
    pub fn new(part: f64) -> Self {
        if part.is_nan() {
            return Self::MIN;
        }
        Self(part.clamp(Self::MIN.0, 1.0))
    }

    /// As a factor.
    #[must_use]
    pub fn part(self) -> f64 {
        self.0
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Vote {
    /// Its label in metrics and on pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not_sampled",
            Self::Dropped => "dropped",
            Self::Abstained => "abstained",
        }
    }

    /// Sampled where `condition` holds, else NotSampled.
    #[must_use]
    pub fn sampled_if(condition: bool) -> Self {
        if condition {
            Self::Sampled
        } else {
            Self::NotSampled
        }
    }
}

impl From<Vote> for Opinion {
    fn from(vote: Vote) -> Self {
        Self {
            vote,
            witness: Witness::Nothing,
        }
    }
}
