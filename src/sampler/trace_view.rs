//! A trace as policies see it: its summary at no cost, its spans as the raw bytes that they are.

use std::ops::ControlFlow;

use super::trace_summary::TraceSummary;
use crate::otlp::ids::TraceId;

/// A whole trace, borrowed from whoever holds it.
#[derive(Clone, Copy)]
pub struct TraceView<'a> {
    /// Its ID.
    pub trace_id: TraceId,
    /// What is known without reading spans.
    pub summary: &'a TraceSummary,
    /// Its spans.
    pub spans: &'a dyn Spans,
}

/// Spans in order of arrival, whatever they are held in.
pub trait Spans {
    /// Shows each span to `visitor` until it breaks.
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>);
}

/// One span's bytes with those around it.
#[derive(Debug, Clone, Copy)]
pub struct SpanView<'a> {
    /// Encoded fields of `ResourceSpans` other than `scope_spans`.
    pub resource: &'a [u8],
    /// Encoded fields of `ScopeSpans` other than `spans`.
    pub scope: &'a [u8],
    /// The encoded `Span`.
    pub span: &'a [u8],
}
