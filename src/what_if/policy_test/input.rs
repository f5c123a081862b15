//! The spans of a test's trace, as one request: wherever they come from.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;

use super::jaeger::{self, JaegerError};
use crate::config::policy_test::{Source, TestTrace};
use crate::otlp::ids::TraceId;
use crate::otlp::wire::BadIdentifier;
use crate::tools::replay::recording::{RecordingError, RequestReader};
use crate::what_if::WhatIfError;

/// The spans of a trace cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file of OTLP cannot be read.
    #[error("cannot read the spans")]
    Otlp(#[from] RecordingError),
    /// A file of Jaeger cannot be read.
    #[error("cannot read the spans")]
    Jaeger(#[from] JaegerError),
    /// A file's protobuf cannot be read back.
    #[error("cannot read the spans")]
    Decode(#[from] prost::DecodeError),
    /// There are none.
    #[error("the file holds no spans")]
    NoSpans,
    /// There are none of the trace asked for.
    #[error("the file holds no span of trace {0}")]
    NoSuchTrace(TraceId),
    /// A receiver would refuse the request.
    #[error("a receiver would refuse the spans")]
    Malformed(#[from] WhatIfError),
    /// A receiver would refuse a span.
    #[error("a receiver would refuse a span: {0}")]
    Refused(BadIdentifier),
}

/// The request that brings all spans. Those in short form get the trace ID `id`, and start at `start_ns` since the Unix
/// epoch.
pub(super) fn request(
    trace: &TestTrace,
    id: TraceId,
    start_ns: u64,
) -> Result<Vec<u8>, InputError> {
    match &trace.source {
        Source::Spans(resource_spans) => {
            Ok(stamped(resource_spans.clone(), id, start_ns).encode_to_vec())
        }
        Source::Otlp(paths) => selected(read_otlp(paths)?, trace.trace_id),
        Source::Jaeger(path) => selected(jaeger::read(path)?.encode_to_vec(), trace.trace_id),
    }
}

/// Requests one after another are one request: its only field repeats.
fn read_otlp(paths: &[PathBuf]) -> Result<Vec<u8>, InputError> {
    let mut all = Vec::new();
    let mut reader = RequestReader::default();
    for path in paths {
        reader.read(path, |_, request| {
            all.extend_from_slice(&request);
            Ok::<(), RecordingError>(())
        })?;
    }
    Ok(all)
}

/// The spans of `trace_id` alone, if there is one.
fn selected(request: Vec<u8>, trace_id: Option<[u8; 16]>) -> Result<Vec<u8>, InputError> {
    let Some(trace_id) = trace_id else {
        return Ok(request);
    };
    let mut request = ExportTraceServiceRequest::decode(request.as_slice())?;
    for resource in &mut request.resource_spans {
        for scope in &mut resource.scope_spans {
            scope.spans.retain(|span| span.trace_id == trace_id);
        }
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
    }
    let resources = &mut request.resource_spans;
    resources.retain(|resource| !resource.scope_spans.is_empty());
    if resources.is_empty() {
        return Err(InputError::NoSuchTrace(TraceId(trace_id)));
    }
    Ok(request.encode_to_vec())
}

fn stamped(
    mut resource_spans: Vec<ResourceSpans>,
    id: TraceId,
    start_ns: u64,
) -> ExportTraceServiceRequest {
    let scopes = resource_spans
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        stamp(span, id, start_ns);
    }
    ExportTraceServiceRequest { resource_spans }
}

fn stamp(span: &mut Span, id: TraceId, start_ns: u64) {
    span.trace_id = id.0.to_vec();
    span.start_time_unix_nano += start_ns;
    span.end_time_unix_nano += start_ns;
    for event in &mut span.events {
        event.time_unix_nano += start_ns;
    }
}
