//! Recorded traces as policies see them, for asking one policy by itself.
//!
//! Spans are gathered by trace over all requests, in order of arrival, and read where they lie. All of it is held: what
//! a recording may hold bounds it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::otlp::ids::TraceId;
use crate::otlp::wire::{ScopeEnvelope, SpanHeader, WireError, walk_request};
use crate::sampler::trace_summary::TraceSummary;
use crate::sampler::trace_view::{SpanView, Spans, TraceView};
use crate::tools::replay::recording::{RecordingError, RequestReader};

/// Traces in order of their first span.
#[derive(Debug, Default)]
pub struct Traces {
    traces: Vec<WholeTrace>,
    places: HashMap<TraceId, usize>,
    refused_spans: u64,
}

/// A trace with all its spans.
#[derive(Debug)]
pub struct WholeTrace {
    trace_id: TraceId,
    summary: TraceSummary,
    spans: Vec<(Arc<Request>, SpanHeader)>,
}

/// Traces cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A file is no recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A receiver would not take a request.
    #[error("{}:{line} is no valid trace request", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: Box<WireError>,
    },
}

#[derive(Debug)]
struct Request {
    body: Bytes,
    scopes: Vec<ScopeEnvelope>,
}

impl Traces {
    /// Reads files of OTLP/JSON lines, plain or gzipped, one after another.
    ///
    /// # Errors
    /// [`TracesError`], with file and line.
    pub fn read(paths: &[impl AsRef<Path>]) -> Result<Self, TracesError> {
        let mut traces = Self::default();
        let mut reader = RequestReader::default();
        for path in paths.iter().map(AsRef::as_ref) {
            reader.read(path, |line, request| {
                traces
                    .add(request)
                    .map_err(|source| TracesError::Malformed {
                        path: path.to_owned(),
                        line,
                        source,
                    })
            })?;
        }
        Ok(traces)
    }

    /// Adds the spans of a request, encoded as protobuf. Those with identifiers that a receiver refuses are left out and
    /// counted.
    ///
    /// # Errors
    /// What makes the request no request.
    pub fn add(&mut self, protobuf: Vec<u8>) -> Result<(), Box<WireError>> {
        let body = Bytes::from(protobuf);
        let walked = walk_request(&body)?;
        self.refused_spans += walked.rejected.count;
        let scopes = walked.scopes;
        let request = Arc::new(Request { body, scopes });
        for span in walked.spans {
            let count = self.traces.len();
            let place = *self.places.entry(span.trace_id).or_insert(count);
            if place == count {
                self.traces.push(WholeTrace::new(span.trace_id));
            }
            if let Some(trace) = self.traces.get_mut(place) {
                trace.summary.add(&span);
                trace.spans.push((Arc::clone(&request), span));
            }
        }
        Ok(())
    }

    /// The traces.
    #[must_use]
    pub fn all(&self) -> &[WholeTrace] {
        &self.traces
    }

    /// Their spans.
    #[must_use]
    pub fn span_count(&self) -> u64 {
        self.traces.iter().map(WholeTrace::span_count).sum()
    }

    /// Spans that were left out.
    #[must_use]
    pub fn refused_spans(&self) -> u64 {
        self.refused_spans
    }
}

impl WholeTrace {
    fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            summary: TraceSummary::default(),
            spans: Vec::new(),
        }
    }

    /// As a policy sees it.
    #[must_use]
    pub fn view(&self) -> TraceView<'_> {
        TraceView {
            trace_id: self.trace_id,
            summary: &self.summary,
            spans: self,
        }
    }

    /// Its ID.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Its spans.
    #[must_use]
    pub fn span_count(&self) -> u64 {
        self.summary.span_count
    }
}

impl Spans for WholeTrace {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for (request, span) in &self.spans {
            let envelope = request.scopes.get(span.scope_index as usize);
            let begin = span.offset as usize;
            let encoded = request.body.get(begin..begin + span.length as usize);
            let view = SpanView {
                resource: envelope.map_or(&[], |envelope| &envelope.resource),
                scope: envelope.map_or(&[], |envelope| &envelope.scope),
                span: encoded.unwrap_or_default(),
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message;

    use super::*;

    /// A request with a span for each byte, which is its trace's ID 16 times.
    fn request(traces: &[u8]) -> Vec<u8> {
        let spans = traces.iter().map(|trace| Span {
            trace_id: vec![*trace; 16],
            span_id: vec![1; 8],
            name: format!("of {trace}"),
            ..Span::default()
        });
        let resource_spans = vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    #[test]
    fn spans_of_a_trace_are_gathered_over_requests() {
        let mut traces = Traces::default();
        traces.add(request(&[1, 2, 1])).unwrap();
        traces.add(request(&[2, 3, 0])).unwrap();
        let counts = traces.all().iter().map(WholeTrace::span_count);
        assert_eq!(counts.collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!((traces.span_count(), traces.refused_spans()), (5, 1));
        let mut names = Vec::new();
        traces.all()[1].visit(&mut |view| {
            names.push(Span::decode(view.span).unwrap().name);
            ControlFlow::Continue(())
        });
        assert_eq!(names, ["of 2", "of 2"]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(Traces::default().add(vec![0xff]).is_err());
    }
}
