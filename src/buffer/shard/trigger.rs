//! What made a trace due.

/// What made a trace due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// `decision_wait` is over.
    Wait,
    /// `decision_wait_after_root_received` is over.
    Root,
    /// The budget or `num_traces` is used up.
    Memory,
    /// The trace is too large to be waited for.
    Size,
    /// The process ends.
    Shutdown,
    /// `sampling_strategy: span-ingest`: a batch of it was enough.
    Ingest,
    /// It is over `maximum_trace_size_bytes`: given up without asking the policies.
    TooLarge,
    /// `num_traces_overflow: discard`: given up for a newer one without asking the policies.
    Discarded,
    /// Another replica had decided it: its decision stands here too.
    Elsewhere,
}

impl Trigger {
    /// All of them, in the order that counters are kept in.
    pub const ALL: [Self; 9] = [
        Self::Wait,
        Self::Root,
        Self::Memory,
        Self::Size,
        Self::Shutdown,
        Self::Ingest,
        Self::TooLarge,
        Self::Discarded,
        Self::Elsewhere,
    ];

    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Root => "root",
            Self::Memory => "memory",
            Self::Size => "size",
            Self::Shutdown => "shutdown",
            Self::Ingest => "ingest",
            Self::TooLarge => "too_large",
            Self::Discarded => "discarded",
            Self::Elsewhere => "elsewhere",
        }
    }
}
