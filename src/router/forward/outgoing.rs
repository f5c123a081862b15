//! A frame on its way out, and those who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::stream::OwnName;
use super::{ForwardFailure, Outcome, Route};
use crate::accounting::Accounting;
use crate::batch::metadata::RequestMetadata;
use crate::batch::peer::frame::{FrameKind, Payload};
use crate::batch::replica::BatchName;
use crate::clock::Moment;
use crate::memory::{Budget, Charge};
use crate::metrics::ForwardMetrics;

/// What a frame takes beside its payload, in bytes, about.
pub(super) const FRAME_BYTES: u64 = 512;

/// A frame that is full, or about to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) name: Name,
    pub(super) route: Route,
    pub(super) metadata: Option<Arc<RequestMetadata>>,
    pub(super) kind: FrameKind,
    pub(super) payload: Payload,
    pub(super) spans: u64,
    pub(super) room: Room,
    pub(super) waiters: Option<Arc<Waiters>>,
    /// When the first of its spans came.
    pub(super) born: Moment,
    /// Attempts that failed.
    pub(super) attempts: u32,
}

/// Under which name a frame goes.
#[derive(Debug, Clone)]
pub(super) enum Name {
    /// It was never sent.
    None,
    Own(Arc<OwnName>),
    /// Passed on under its sender's.
    Received {
        name: BatchName,
        low_water: u64,
    },
}

/// Whose bytes a frame's are.
#[derive(Debug)]
pub(super) enum Room {
    /// Its callers still have the spans.
    InFlight {
        of_destination: Charge,
        memory: Charge,
    },
    /// This replica owes them.
    Held(Charge),
}

/// Who waits for a frame, or for the pieces that it was split into.
#[derive(Debug)]
pub(super) struct Waiters {
    pieces: AtomicUsize,
    senders: Mutex<Vec<oneshot::Sender<Outcome>>>,
}

impl Route {
    /// Books spans that wait here from now on.
    pub(super) fn book_begun(&self, spans: u64, accounting: &Accounting) {
        if self.received.is_none() && self.owed.is_none() {
            accounting.held.add(spans);
        }
    }

    /// Books spans that another replica has now.
    pub(super) fn book_acked(&self, spans: u64, accounting: &Accounting) {
        if self.received.is_none() {
            accounting.held.subtract(spans);
            accounting.forwarded.add(spans);
        }
    }

    /// Books spans that nobody took: whoever owes them still does.
    pub(super) fn book_failed(&self, spans: u64, accounting: &Accounting) {
        if self.received.is_none() && self.owed.is_none() {
            accounting.held.subtract(spans);
            accounting.refused.add(spans);
        }
    }
}

impl Outgoing {
    /// Whether this replica owes its spans, having acknowledged them.
    pub(super) fn is_owed(&self) -> bool {
        matches!(self.room, Room::Held(_))
    }

    /// Whether its caller, and not this, knows what to do when it is not taken: it was received from another replica,
    /// which still has it, or it holds traces that the caller keeps until they are acknowledged.
    pub(super) fn is_callers(&self) -> bool {
        self.route.received.is_some() || matches!(self.kind, FrameKind::HandedOver(_))
    }

    /// It was sent and not answered, and never may be.
    pub(super) fn may_be_stray(&self) {
        if let Name::Own(name) = &self.name {
            name.may_be_stray();
        }
    }

    /// Takes it into the hold queue and tells its callers; says whether there was room.
    pub(super) fn hold(&mut self, hold: &Budget) -> bool {
        if self.is_owed() {
            return true;
        }
        let bytes = self.payload.bytes.len() as u64 + FRAME_BYTES;
        let Ok(charge) = hold.reserve(bytes) else {
            return false;
        };
        self.room = Room::Held(charge);
        if let Some(waiters) = self.waiters.take() {
            waiters.piece_is_done(Outcome::Held);
        }
        true
    }

    /// Tells its callers that it is done.
    pub(super) fn settle(self, outcome: Outcome) {
        if let Some(waiters) = self.waiters {
            waiters.piece_is_done(outcome);
        }
    }

    /// Tells its callers that it failed.
    pub(super) fn fail(self, failure: ForwardFailure, accounting: &Accounting) {
        self.route.book_failed(self.spans, accounting);
        if let Some(waiters) = self.waiters {
            waiters.tell(&Outcome::Failed(failure));
        }
    }
}

impl Room {
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Takes over what `other`, of the same kind, has.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        match (self, other) {
            (
                Self::InFlight {
                    of_destination,
                    memory,
                },
                Self::InFlight {
                    of_destination: other_of_destination,
                    memory: other_memory,
                },
            ) => {
                of_destination.absorb(other_of_destination);
                memory.absorb(other_memory);
            }
            (Self::Held(charge), Self::Held(other)) => charge.absorb(other),
            _ => {}
        }
    }

    /// Cuts off all but `bytes`.
    pub(super) fn split_off_beyond(&mut self, bytes: u64) -> Self {
        let beyond = |charge: &mut Charge| {
            let rest = charge.bytes().saturating_sub(bytes);
            charge.split_off(rest)
        };
        match self {
            Self::InFlight {
                of_destination,
                memory,
            } => Self::InFlight {
                of_destination: beyond(of_destination),
                memory: beyond(memory),
            },
            Self::Held(charge) => Self::Held(beyond(charge)),
        }
    }

    /// Gives back what is charged beyond `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        drop(self.split_off_beyond(bytes));
    }

    /// Sets what is charged to what is there.
    pub(super) fn set(&mut self, bytes: u64) {
        match self {
            Self::InFlight {
                of_destination,
                memory,
            } => {
                of_destination.set(bytes);
                memory.set(bytes);
            }
            Self::Held(charge) => charge.set(bytes),
        }
    }

    /// Cuts off the room of a piece of `bytes`.
    pub(super) fn split_off(&mut self, bytes: u64) -> Self {
        match self {
            Self::InFlight {
                of_destination,
                memory,
            } => Self::InFlight {
                of_destination: of_destination.split_off(bytes),
                memory: memory.split_off(bytes),
            },
            Self::Held(charge) => Self::Held(charge.split_off(bytes)),
        }
    }
}

impl Waiters {
    pub(super) fn new(senders: Vec<oneshot::Sender<Outcome>>) -> Arc<Self> {
        Arc::new(Self {
            pieces: AtomicUsize::new(1),
            senders: Mutex::new(senders),
        })
    }

    /// The frame, or a piece of it, is `pieces` from now on.
    pub(super) fn is_split_into(&self, pieces: usize) {
        self.pieces.fetch_add(pieces, Ordering::AcqRel);
        self.piece_is_done(Outcome::Acked);
    }

    /// A piece has come to its end; the last one tells.
    pub(super) fn piece_is_done(&self, outcome: Outcome) {
        if self.pieces.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tell(&outcome);
        }
    }

    fn tell(&self, outcome: &Outcome) {
        for sender in self.senders.lock().drain(..) {
            // Who went away meanwhile does not want to know.
            let _ = sender.send(outcome.clone());
        }
    }
}

/// Counts `spans` spans that were not taken.
pub(super) fn count_failed(metrics: &ForwardMetrics, failure: ForwardFailure, spans: u64) {
    let counter = match failure {
        ForwardFailure::Overloaded => &metrics.spans_failed_overloaded,
        ForwardFailure::Unreachable | ForwardFailure::NotMe | ForwardFailure::Closed => {
            &metrics.spans_failed_unreachable
        }
        ForwardFailure::TimedOut => &metrics.spans_failed_timed_out,
        ForwardFailure::Malformed => &metrics.spans_failed_malformed,
    };
    counter.increment(spans);
}
