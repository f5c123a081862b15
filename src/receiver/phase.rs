//! How far the receivers have gone towards their end. Each connection holds a receiver of it, and so is counted.

/// Phases in their order; none is ever left backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are admitted.
    Serving,
    /// Requests are refused, so that clients learn it from an answer; open connections are asked to leave.
    Draining,
    /// No new connections; those opened meanwhile are asked to leave too.
    Closing,
    /// Connections are dropped.
    Aborted,
}

impl Phase {
    /// When a connection opened in this phase is asked to leave.
    pub(super) fn leave_at(self) -> Self {
        match self {
            Self::Serving => Self::Draining,
            Self::Draining => Self::Closing,
            Self::Closing | Self::Aborted => Self::Aborted,
        }
    }
}
