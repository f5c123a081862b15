//! What a policy is: a compiled rule that votes on a whole trace.

use super::trace_view::TraceView;
use crate::clock::Moment;

/// A rule of a policy set, compiled. Shared by all shards; what changes inside it is behind a lock of its own.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// What it reads of a trace.
    fn needs(&self) -> Needs;

    /// Votes on `trace` at `context`'s moment.
    ///
    /// # Errors
    /// [`PolicyError`] when it cannot tell; the policy is then skipped for this trace and counted.
    fn evaluate(&self, trace: &TraceView<'_>, context: &Context) -> Result<Vote, PolicyError>;
}

/// A policy's opinion on a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Keep it.
    Sampled,
    /// No reason to keep it.
    NotSampled,
    /// Drop it whatever others say.
    Dropped,
}

/// How much of a trace a policy reads, least first; a set needs what the most demanding of its policies does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Needs {
    /// Its ID alone: known from the first span on.
    TraceId,
    /// The summary that is kept as spans arrive.
    Summary,
    /// The header fields of its spans, read from their bytes.
    SpanHeaders,
    /// Attributes of spans, scopes and resources, read from their bytes.
    Attributes,
}

/// The circumstances of a decision.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// When it is made.
    pub now: Moment,
}

/// A policy could not vote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PolicyError {
    /// Why.
    pub reason: String,
}
