//! What stands behind a receiver: whoever takes decoded request bodies and answers for them.
//!
//! The replica's router is one; the test backend of `tailsieve sink` is another.

use std::sync::Arc;

use bytes::Bytes;

use crate::batch::metadata::RequestMetadata;
use crate::memory::Charge;

/// One `ExportTraceServiceRequest` as a receiver hands it over: inflated, and as protobuf whatever the client sent.
#[derive(Debug)]
pub struct ReceivedRequest {
    /// The protobuf encoding, inflated. JSON has been transcoded.
    pub body: Bytes,
    /// The headers named by `include_metadata`, where that is set and the request has any of them.
    pub metadata: Option<Arc<RequestMetadata>>,
    /// The budget's share that `body` holds; it must live as long as the body does.
    pub charge: Charge,
}

/// What was taken of a request that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// `partial_success`; `None` on full success. Of no spans it is a warning.
    pub rejected: Option<Rejected>,
}

/// Spans that a successful request did not get in (OTLP's `partial_success`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// How many.
    pub spans: u64,
    /// Why, showing the first of them; or, where all spans were taken, what they were taken without.
    pub message: String,
}

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no `ExportTraceServiceRequest`. The message names field and byte offset. The client's fault.
    #[error("{0}")]
    Undecodable(String),
    /// No room now; the client is told to retry after the receiver's `retry_after`.
    #[error("{0}")]
    Overloaded(String),
    /// The process is ending; the client is told to retry (elsewhere).
    #[error("shutting down")]
    ShuttingDown,
    /// The request is not wanted and a retry will not help. The client's fault.
    #[error("{0}")]
    Refused(String),
}

/// Takes request bodies. Must be cheap to clone.
pub trait Ingest: Clone + Send + Sync + 'static {
    /// Takes the request whole or refuses it whole, and says which. Success means contract I1.
    ///
    /// # Errors
    /// [`Refusal`], which the receiver turns into the status that OTLP prescribes.
    fn ingest(
        &self,
        request: ReceivedRequest,
    ) -> impl Future<Output = Result<Accepted, Refusal>> + Send;
}
