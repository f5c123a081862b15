//! Spans as policies see them: those of a trace held, and those of a batch that has just arrived.

use std::ops::ControlFlow;

use crate::batch::sub_batch::SubBatch;
use crate::buffer::envelopes::Envelopes;
use crate::buffer::span_store::SpanStore;
use crate::otlp::wire::SpanHeader;
use crate::sampler::trace_view::{SpanView, Spans};

/// Stored spans with the envelopes around them.
pub(super) struct StoredSpans<'a> {
    pub(super) spans: &'a SpanStore,
    pub(super) envelopes: &'a Envelopes,
}

/// Spans that are still in their request.
pub(super) struct ArrivingSpans<'a> {
    pub(super) sub_batch: &'a SubBatch,
    pub(super) spans: &'a [SpanHeader],
}

impl Spans for StoredSpans<'_> {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for record in self.spans.iter() {
            let resource = self.envelopes.resource(record.envelope);
            let view = SpanView {
                resource: resource.map_or(&[], |(_, fields)| fields),
                scope: self.envelopes.scope(record.envelope),
                span: record.span,
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}

impl Spans for ArrivingSpans<'_> {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for span in self.spans {
            let scopes = &self.sub_batch.request.scopes;
            let envelope = scopes.get(span.scope_index as usize);
            let view = SpanView {
                resource: envelope.map_or(&[], |envelope| &envelope.resource),
                scope: envelope.map_or(&[], |envelope| &envelope.scope),
                span: self.sub_batch.span_bytes(span),
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}
