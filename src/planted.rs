//! Faults put into the product on purpose, one at a time, to see that the simulation of a cluster finds them.
//!
//! Outside tests nothing can be planted, and what asks whether it is compiles to nothing. A fault is planted in the
//! thread that runs a simulated replica, for as long as that runs.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    /// Every life of an ID has the same incarnation: names, orders and deaths of one are taken for the other's.
    OneIncarnation,
    /// A holder releases what it gives away after a while, whatever is undecided.
    TimerForRelease,
    /// A slot is released before its decisions are handed over.
    ReleaseBeforeDecisions,
    /// A pause is not noticed: what fell due in it is decided at once.
    DeadlinesAfterPause,
    /// Spans that have gone through too many replicas are acknowledged, and gone.
    DropAtHopLimit,
    /// They are taken where they are.
    TakeAtHopLimit,
    /// One trace that was taken under a name counts for all of the batch.
    NamesPerBatch,
    /// A release does not bring the slot's names along.
    NamesLeftBehind,
    /// The table's owner holds what it claims without waiting for promises.
    ClaimWithoutPromise,
}

/// Whether this fault is planted here.
#[cfg(not(test))]
pub(crate) const fn is_planted(_: Planted) -> bool {
    false
}

#[cfg(test)]
pub(crate) use of_tests::{is_planted, plant};

#[cfg(test)]
mod of_tests {
    use std::cell::Cell;

    use crate::planted::Planted;

    thread_local! {
        static PRESENT: Cell<Option<Planted>> = const { Cell::new(None) };
    }

    pub(crate) fn is_planted(fault: Planted) -> bool {
        PRESENT.get() == Some(fault)
    }

    /// Plants a fault in this thread, or none.
    pub(crate) fn plant(fault: Option<Planted>) {
        PRESENT.set(fault);
    }
}
