//! One export request: whole traces' spans, encoded once and shared by all exporters.

use std::sync::Arc;

use bytes::Bytes;

use super::metadata::RequestMetadata;
use crate::memory::Charge;

/// An encoded `ExportTraceServiceRequest` and what must be known to account for it.
///
/// Its bytes stay charged to the process's budget until every clone is dropped, that is until each exporter has
/// either delivered it or given it up.
#[derive(Debug, Clone)]
pub struct ExportBatch {
    /// The protobuf encoding, uncompressed.
    pub body: Bytes,
    /// Spans in `body`.
    pub spans: u64,
    /// Headers to send with it.
    pub metadata: Option<Arc<RequestMetadata>>,
    /// The budget's share that `body` holds.
    pub charge: Arc<Charge>,
}

impl ExportBatch {
    /// Encoded size in bytes, uncompressed.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.body.len() as u64
    }
}
