//! A trace as policies see it: its summary at no cost, its spans as the raw bytes that they are.

use std::ops::ControlFlow;

use super::trace_summary::TraceSummary;
use crate::otlp::ids::TraceId;
use crate::otlp::wire::{SpanHeader, read_span_header};

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
    fn visit(&self, visitor: &mut dyn FnMut(SpanView<'_>) -> ControlFlow<()>);
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

impl TraceView<'_> {
    /// Whether any span's header satisfies `condition`, asked in order of arrival until one does.
    pub fn any_header(&self, mut condition: impl FnMut(&SpanHeader) -> bool) -> bool {
        let mut found = false;
        self.spans.visit(&mut |view| {
            found = view.header().is_some_and(|header| condition(&header));
            if found {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        found
    }
}

impl SpanView<'_> {
    /// Reads the span's header fields from its bytes.
    #[must_use]
    pub fn header(&self) -> Option<SpanHeader> {
        read_span_header(self.span)
    }
}

#[cfg(test)]
pub(crate) mod test_support {
    //! Traces for the policies' own tests.

    use prost::Message;

    use super::*;

    /// A trace of spans with nothing but identifiers and times.
    pub(crate) struct TraceFixture {
        summary: TraceSummary,
        spans: Vec<Vec<u8>>,
    }

    impl TraceFixture {
        pub(crate) fn with_times(times_ns: &[(u64, u64)]) -> Self {
            let spans: Vec<Vec<u8>> = times_ns
                .iter()
                .map(|(start, end)| {
                    let span = opentelemetry_proto::tonic::trace::v1::Span {
                        trace_id: vec![7; 16],
                        span_id: vec![1; 8],
                        start_time_unix_nano: *start,
                        end_time_unix_nano: *end,
                        ..Default::default()
                    };
                    span.encode_to_vec()
                })
                .collect();
            let mut summary = TraceSummary::default();
            for span in &spans {
                summary.add(&read_span_header(span).unwrap());
            }
            Self { summary, spans }
        }

        pub(crate) fn view(&self) -> TraceView<'_> {
            TraceView {
                trace_id: TraceId([7; 16]),
                summary: &self.summary,
                spans: self,
            }
        }
    }

    impl Spans for TraceFixture {
        fn visit(&self, visitor: &mut dyn FnMut(SpanView<'_>) -> ControlFlow<()>) {
            for span in &self.spans {
                let view = SpanView {
                    resource: &[],
                    scope: &[],
                    span,
                };
                if visitor(view).is_break() {
                    return;
                }
            }
        }
    }
}
