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
}

impl Trigger {
    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Root => "root",
            Self::Memory => "memory",
            Self::Size => "size",
            Self::Shutdown => "shutdown",
        }
    }
}
