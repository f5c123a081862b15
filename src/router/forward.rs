//! Forwarding: spans owned by other replicas, on their way there.
//!
//! # Life of a forwarded part
//! [`Forwarder::forward`] copies a sub-batch's spans into the frame that its destination's `queue` is filling. A frame
//! is sent at once when nothing is in flight there; else it goes on filling until an answer comes or it is full, so that
//! frames grow with the load. `connection` sends frames and reads answers; what is lost with a connection is sent again
//! under the same name. What is refused is split anew by the present table ([`Reroute`]), pieces keeping the name.
//!
//! While a destination is suspect or out of reach, or a slot has no holder, parts go to the hold queue: their callers
//! have success at once, and this replica owes the spans until another has acknowledged them. What others owe (a frame
//! that is passed on, a trace handed over) is never held: its caller is told.
//!
//! # Limits
//! What waits for or is in flight to a destination: 32 MiB each, charged to the memory; the hold queue: a budget of its
//! own. Beyond either callers get [`ForwardFailure::Overloaded`]. Destinations share nothing but the hold queue, so that
//! one that is slow or gone does not stall another.

mod config;
mod connection;
mod destination;
mod dial;
mod outgoing;
mod queue;
mod rerouting;
mod shared;
mod stream;
#[cfg(test)]
mod tests;
mod unary;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::accounting::Accounting;
use crate::batch::metadata::RequestMetadata;
use crate::batch::peer::frame::{HandedOverTrace, Mark};
use crate::batch::replica::{BatchName, Life, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::SubBatch;
use crate::clock::Clock;
use crate::memory::Budget;
use crate::metrics::ForwardMetrics;
use crate::otlp::ids::TraceId;

pub use config::ForwardConfig;
pub use connection::ConnectionError;
pub use dial::{Dial, Dialling, Duplex, TcpDial};
pub use shared::ForwardStatus;

use shared::Shared;
use stream::OwnName;

/// Sends spans and orders to other replicas until it is dropped. Clones share everything.
#[derive(Debug, Clone)]
pub struct Forwarder(Arc<Handle>);

/// What a [`Forwarder`] is made of.
pub struct ForwardParts {
    /// Settings.
    pub config: ForwardConfig,
    /// This replica's present life.
    pub life: Life,
    /// Time.
    pub clock: Clock,
    /// The process's memory.
    pub memory: Budget,
    /// The share of it that the hold queue may take.
    pub hold: Budget,
    /// Makes connections.
    pub dial: Arc<dyn Dial>,
    /// Splits by the present table.
    pub reroute: Arc<dyn Reroute>,
    /// Handles.
    pub metrics: ForwardMetrics,
    /// The replica's books: what is appended is held, what is acknowledged is forwarded, what fails is refused. Of frames
    /// that are passed on whoever passes them keeps the books.
    pub accounting: Arc<Accounting>,
}

/// What is said of a part's spans beside where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The lives that the spans have gone through, this one last.
    pub path: Vec<Life>,
    /// Set where this replica passes them to the target of a move of its own, or received them so marked.
    pub mark: Option<Mark>,
    /// Names under which the spans were acknowledged here before, where this replica sends them on as its own.
    pub first_names: Vec<BatchName>,
    /// Set where this replica has answered for the spans: then they are in the books as held already, and stay there
    /// when they are not taken.
    pub owed: Option<OwedName>,
    /// Set for a part of a received frame that is passed on.
    pub received: Option<ReceivedName>,
}

/// The name that a received frame keeps when it is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedName {
    /// The name.
    pub name: BatchName,
    /// The low-water mark of its stream, as the frame had it.
    pub low_water: u64,
}

/// A name for spans that this replica owes, which they bear as a first name in every attempt to deliver them: each
/// attempt is a batch of its own, and one that was taken may seem to have failed. Known to takers until the last clone
/// is dropped.
#[derive(Debug, Clone)]
pub struct OwedName(Arc<OwnName>);

/// What becomes of a forwarded part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Other replicas have all of it.
    Acked,
    /// Some of it, or all, is in this replica's hold queue; the rest is with other replicas.
    Held,
    /// Of a part that was passed on, the spans of these slots were taken by nobody.
    Refused(Box<SlotSet>),
    /// Not all of it was taken. Some may have been.
    Failed(ForwardFailure),
}

/// Why a part was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForwardFailure {
    /// No room, here or there.
    #[error("no room for spans that another replica owns")]
    Overloaded,
    /// Its destination cannot be reached, and it is not to be held.
    #[error("the replica that owns the spans cannot be reached")]
    Unreachable,
    /// The replica at the destination is another life than the one that was meant.
    #[error("the replica that owned the spans has begun another life")]
    NotMe,
    /// No replica took it in time.
    #[error("no replica took the spans in time")]
    TimedOut,
    /// The destination cannot read it.
    #[error("another replica cannot read the spans")]
    Malformed,
    /// The forwarder has ended.
    #[error("forwarding has ended")]
    Closed,
}

/// A part on its way.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    begun: Outcome,
    frames: Vec<oneshot::Receiver<Outcome>>,
}

/// Splits spans by the table as it is now. Called by tasks of the runtime: must not wait for anything.
pub trait Reroute: Send + Sync + 'static {
    /// Splits the spans of `frame` that lie in its slots. What belongs here is taken here, under the frame's name if it
    /// has one; everything else is given back. What belongs here and finds no room is given back to [`Whither::Later`].
    ///
    /// # Errors
    /// A sentence when the payload cannot be read.
    fn reroute(&self, frame: &ReturnedFrame<'_>) -> Result<Vec<ReroutedPart>, String>;
}

/// A frame that was not taken where it was sent, or only in part.
#[derive(Debug)]
pub struct ReturnedFrame<'a> {
    /// Its name, if it was ever sent.
    pub name: Option<&'a BatchName>,
    /// What is known of its spans.
    pub route: &'a Route,
    /// Its metadata.
    pub metadata: Option<&'a Arc<RequestMetadata>>,
    /// The encoding of an `ExportTraceServiceRequest`.
    pub payload: &'a Bytes,
    /// The slots that were refused; `None`: all.
    pub slots: Option<&'a SlotSet>,
}

/// Spans for somebody else.
#[derive(Debug)]
pub struct ReroutedPart {
    /// Whom.
    pub to: Whither,
    /// The spans.
    pub part: SubBatch,
    /// The mark to send them with.
    pub mark: Option<Mark>,
}

/// Where spans go by the present table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whither {
    /// To this replica.
    There(ReplicaId),
    /// Their slot has no holder: to the hold queue, until the table changes.
    Nobody,
    /// They are to be split again after a wait.
    Later,
}

/// Why an order was not answered.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no connection to that replica now.
    #[error("there is no connection to {0}")]
    NotConnected(ReplicaId),
    /// The call failed, or did not end in time. Whether the order was taken is not known.
    #[error("the call failed")]
    Call(#[source] ConnectionError),
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

impl Forwarder {
    /// Starts without destinations. Must be called within a runtime.
    #[must_use]
    pub fn new(parts: ForwardParts) -> Self {
        Self(Arc::new(Handle {
            shared: Shared::start(parts),
        }))
    }

    /// This replica lives on as `life`; names drawn from now on are of that life.
    pub fn set_life(&self, life: Life) {
        self.0.shared.set_life(life);
    }

    /// Makes `life` known at `address`, or changes what is known. Nothing is sent to a suspect.
    pub fn set_destination(&self, life: &Life, address: SocketAddr, is_suspect: bool) {
        Shared::set_destination(&self.0.shared, life, address, is_suspect);
    }

    /// Forgets a destination that died or left; what it has not acknowledged is split anew.
    pub fn remove_destination(&self, replica: &ReplicaId) {
        self.0.shared.remove_destination(replica);
    }

    /// The route table has changed: what is held for nobody, or for who cannot be reached, is split anew.
    pub fn table_changed(&self) {
        self.0.shared.table_changed();
    }

    /// Sends the spans of `part` to `to`, which is to be known, or holds them if it cannot be reached. The spans are
    /// copied; `part` may go at once.
    pub fn forward(&self, to: &ReplicaId, part: &SubBatch, route: &Route) -> Pending {
        self.0.shared.destination(to).append(part, route)
    }

    /// Holds the spans of `part`, whose slots have no holder, until the table changes.
    pub fn hold(&self, part: &SubBatch, route: &Route) -> Pending {
        self.0.shared.nobody().append(part, route)
    }

    /// Draws a name for spans that this replica owes.
    #[must_use]
    pub fn draw_owed_name(&self) -> OwedName {
        OwedName(self.0.shared.draw_owed_name())
    }

    /// Hands over undecided traces, whose `spans` spans `payload` holds; the caller keeps them until they are
    /// acknowledged (rule 10).
    pub fn hand_over(
        &self,
        to: &ReplicaId,
        traces: Vec<HandedOverTrace>,
        metadata: Option<Arc<RequestMetadata>>,
        payload: Bytes,
        spans: u64,
        route: Route,
    ) -> Pending {
        let destination = self.0.shared.destination(to);
        destination.hand_over(traces, metadata, payload, spans, route)
    }

    /// Sends an order to `to` and gives the answer.
    ///
    /// # Errors
    /// [`OrderError`].
    pub async fn order(&self, to: &ReplicaId, order: Bytes) -> Result<Bytes, OrderError> {
        self.0.shared.order(to, order).await
    }

    /// Asks `to` what it knows of a trace; for people, with 3 s to answer.
    ///
    /// # Errors
    /// [`OrderError`].
    pub async fn about(&self, to: &ReplicaId, trace_id: TraceId) -> Result<Bytes, OrderError> {
        self.0.shared.about(to, trace_id).await
    }

    /// Whether nothing waits, is in flight or is held (rule 16).
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.shared.is_idle()
    }

    /// The traces of what nobody has answered for yet.
    #[cfg(test)]
    pub(crate) fn waiting_traces(&self) -> Vec<crate::otlp::ids::TraceId> {
        let all = self.0.shared.all();
        all.iter().flat_map(|it| it.traces()).collect()
    }

    /// What waits for whom, for those who ask.
    #[must_use]
    pub fn status(&self) -> Vec<ForwardStatus> {
        self.0.shared.status()
    }
}

impl Route {
    /// Of spans that a client sent to this replica.
    #[must_use]
    pub fn of_client(life: Life) -> Self {
        Self {
            path: vec![life],
            mark: None,
            first_names: Vec::new(),
            owed: None,
            received: None,
        }
    }
}

impl OwedName {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &BatchName {
        &self.0.name
    }

    /// An attempt has failed, perhaps after it was taken: copies may arrive later than the last clone lives.
    pub fn may_be_stray(&self) {
        self.0.may_be_stray();
    }
}

impl PartialEq for OwedName {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for OwedName {}

impl Pending {
    /// Waits until all of the part has come to its end.
    pub async fn settled(self) -> Outcome {
        let mut settled = self.begun;
        for frame in self.frames {
            let outcome = frame
                .await
                .unwrap_or(Outcome::Failed(ForwardFailure::Closed));
            settled = settled.and(outcome);
        }
        settled
    }
}

impl Outcome {
    /// The outcome of two parts together: the worse one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed(failure), _) | (_, Self::Failed(failure)) => Self::Failed(failure),
            (Self::Refused(mut one), Self::Refused(other)) => {
                for slot in other.iter() {
                    one.insert(slot);
                }
                Self::Refused(one)
            }
            (Self::Refused(slots), _) | (_, Self::Refused(slots)) => Self::Refused(slots),
            (Self::Held, _) | (_, Self::Held) => Self::Held,
            (Self::Acked, Self::Acked) => Self::Acked,
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl std::fmt::Debug for ForwardParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForwardParts")
    }
}
