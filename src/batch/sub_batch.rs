//! The spans of one request that belong to one shard, grouped by trace.

use std::sync::Arc;

use bytes::Bytes;

use super::key::KeyHash;
use super::metadata::RequestMetadata;
use super::origin::Origin;
use crate::memory::{Charge, Exhausted};
use crate::otlp::ids::TraceId;
use crate::otlp::wire::{ScopeEnvelope, SpanHeader};

/// What all sub-batches of a request share; dropped with the last of them.
#[derive(Debug)]
pub struct SharedRequest {
    /// The inflated protobuf body that the span headers point into.
    pub body: Bytes,
    /// Envelopes by [`SpanHeader::scope_index`].
    pub scopes: Vec<ScopeEnvelope>,
    /// Headers that are part of the traces' keys.
    pub metadata: Option<Arc<RequestMetadata>>,
    /// How another replica sent it; `None` of a client.
    pub origin: Option<Box<Origin>>,
    /// The budget's share that body and headers hold.
    pub charge: Charge,
}

/// What is handed to a shard: never empty.
#[derive(Debug)]
pub struct SubBatch {
    /// The request it is cut from.
    pub request: Arc<SharedRequest>,
    /// Its traces in order of their first span.
    pub traces: Vec<TraceSpans>,
    /// Headers of all its spans, those of a trace together and in order of the request.
    pub spans: Vec<SpanHeader>,
    /// The budget's share for the copies that its shard makes of the spans; nothing until [`SubBatch::reserve_room`].
    pub room: Charge,
}

/// One trace of a sub-batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceSpans {
    /// Its ID.
    pub trace_id: TraceId,
    /// Hash of its key.
    pub hash: KeyHash,
    /// How many of [`SubBatch::spans`] are its own, following those of the trace before it.
    pub span_count: u32,
    /// Sum of these spans' lengths, in bytes.
    pub span_bytes: u64,
}

/// What a shard holds for a trace besides its spans, at most.
const TRACE_BYTES: u64 = 512;
/// What a shard holds for a span besides its encoding, at most.
const SPAN_BYTES: u64 = 24;

impl SubBatch {
    /// Reserves room for the copies that its shard makes, so that what is admitted fits below the limit twice: in its
    /// request and in its traces. A quarter of the limit at most, or a very large request would never get in.
    ///
    /// # Errors
    /// [`Exhausted`] when there is none.
    pub fn reserve_room(&mut self) -> Result<(), Exhausted> {
        let encoded = self.traces.iter().map(|trace| trace.span_bytes);
        let encoded: u64 = encoded.sum();
        // A long trace grows by an eighth at a time, in blocks that are an eighth apart.
        let copies = encoded + encoded / 4;
        let around = self.traces.len() as u64 * TRACE_BYTES + self.spans.len() as u64 * SPAN_BYTES;
        let bytes_max = self.room.budget().limit_bytes() / 4;
        self.room.grow((copies + around).min(bytes_max))
    }

    /// Traces with their spans.
    pub fn iter(&self) -> impl Iterator<Item = (&TraceSpans, &[SpanHeader])> {
        let mut rest = self.spans.as_slice();
        self.traces.iter().map(move |trace| {
            let (own, others) = rest
                .split_at_checked(trace.span_count as usize)
                .unwrap_or((rest, &[]));
            rest = others;
            (trace, own)
        })
    }

    /// The encoding of one of its spans.
    #[must_use]
    pub fn span_bytes(&self, span: &SpanHeader) -> &[u8] {
        let begin = span.offset as usize;
        self.request
            .body
            .get(begin..begin + span.length as usize)
            .unwrap_or_default()
    }
}
