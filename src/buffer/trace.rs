//! One undecided trace: its spans, what is known of them, and when it is due.

use std::sync::Arc;

use super::envelopes::EnvelopeId;
use super::shard::ActivePolicies;
use super::span_store::SpanStore;
use crate::batch::key::KeyHash;
use crate::batch::metadata::RequestMetadata;
use crate::clock::Moment;
use crate::otlp::ids::TraceId;
use crate::sampler::trace_summary::TraceSummary;

#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: TraceId,
    pub(super) hash: KeyHash,
    pub(super) metadata: Option<Arc<RequestMetadata>>,
    pub(super) first_arrival: Moment,
    pub(super) deadline: Moment,
    /// Whether the root's arrival moved the deadline.
    pub(super) is_due_by_root: bool,
    pub(super) summary: TraceSummary,
    pub(super) spans: SpanStore,
    /// Under `span-ingest`, the policies that its first batch was judged by: they judge the others too.
    pub(super) judged_by: Option<Arc<ActivePolicies>>,
    /// Envelopes in use by `spans`, one for each run of spans that share it.
    pub(super) envelopes: Vec<EnvelopeId>,
}

impl Trace {
    pub(super) fn new(
        id: TraceId,
        hash: KeyHash,
        metadata: Option<Arc<RequestMetadata>>,
        now: Moment,
        deadline: Moment,
    ) -> Self {
        Self {
            id,
            hash,
            metadata,
            first_arrival: now,
            deadline,
            is_due_by_root: false,
            summary: TraceSummary::default(),
            spans: SpanStore::default(),
            judged_by: None,
            envelopes: Vec::new(),
        }
    }

    /// Bytes that this trace holds of the process's memory, its place in table, ring and queue included.
    pub(super) fn held_bytes(&self) -> u64 {
        const TABLE_RING_AND_QUEUE_BYTES: usize = 64;
        let fixed = size_of::<Self>() + TABLE_RING_AND_QUEUE_BYTES;
        let envelopes = self.envelopes.capacity() * size_of::<EnvelopeId>();
        self.spans.held_bytes() + (fixed + envelopes) as u64
    }
}
