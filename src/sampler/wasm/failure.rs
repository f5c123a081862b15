//! How a call fails, as metrics and messages call it.

use wasmtime::Trap;

use super::limits::Refused;

/// A call that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Of what kind.
    pub reason: Reason,
    /// What happened, in words.
    pub message: String,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It ran out of time.
    Deadline,
    /// It was refused memory, or room in a table.
    Memory,
    /// It ran out of stack.
    Stack,
    /// It asked the host for what cannot be.
    HostCall,
    /// It returned a verdict that is none.
    Verdict,
    /// It trapped for a reason of its own: a panic, most often.
    Trap,
    /// A new instance could not be started.
    Start,
}

/// What a host function refuses: the guest is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostRefusal {
    #[error("a trace, or a cursor over spans, was used outside of the call that it was lent for")]
    Stale,
    #[error("more than {0} cursors over spans at a time")]
    TooManyCursors(usize),
}

impl Reason {
    /// All, in the order that counters are kept in.
    pub const ALL: [Self; 7] = [
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::HostCall,
        Self::Verdict,
        Self::Trap,
        Self::Start,
    ];

    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::HostCall => "host_call",
            Self::Verdict => "verdict",
            Self::Trap => "trap",
            Self::Start => "start",
        }
    }
}

impl Failure {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, message }
    }

    /// What `error`, returned by wasmtime, means; `refused` is what the limiter refused meanwhile.
    pub(super) fn of(error: &wasmtime::Error, refused: Option<Refused>) -> Self {
        if let Some(refusal) = error.downcast_ref::<HostRefusal>() {
            return Self::new(Reason::HostCall, refusal.to_string());
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::new(Reason::Deadline, "ran past its deadline"),
            Some(Trap::StackOverflow) => Self::new(Reason::Stack, "ran out of stack"),
            _ => match refused {
                Some(refused) => Self::new(Reason::Memory, refused.to_string()),
                None => Self::new(Reason::Trap, format!("trapped: {}", error.root_cause())),
            },
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "wanted {bytes} bytes of memory"),
            Self::Table(entries) => write!(f, "wanted {entries} entries in its tables"),
        }
    }
}
