//! Spans to send, and spans that arrived by trace.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// A span with all that policies and exporters look at.
pub(crate) fn span(trace: u128, number: u64) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: number.to_be_bytes().to_vec(),
        parent_span_id: if number == 1 {
            vec![]
        } else {
            1_u64.to_be_bytes().to_vec()
        },
        name: format!("operation {number}"),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_250_000_000,
        attributes: vec![attribute(
            "http.route",
            any_value::Value::StringValue("/cart/{id}".into()),
        )],
        ..Span::default()
    }
}

/// The same span with status ERROR.
pub(crate) fn failed(span: Span) -> Span {
    let status = Some(Status {
        code: 2,
        message: "timed out".into(),
    });
    Span { status, ..span }
}

/// The same span, larger by `bytes`.
pub(crate) fn padded(mut span: Span, bytes: usize) -> Span {
    span.attributes.push(attribute(
        "padding",
        any_value::Value::StringValue("x".repeat(bytes)),
    ));
    span
}

/// An attribute.
pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A request with these spans of one service.
pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let service = any_value::Value::StringValue("checkout".into());
    let resource = Resource {
        attributes: vec![attribute("service.name", service)],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "tests".into(),
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A span with the resource and scope around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedSpan {
    pub(crate) resource: Option<Resource>,
    pub(crate) scope: Option<InstrumentationScope>,
    pub(crate) span: Span,
}

/// All spans of some requests, by trace ID; those of a trace by span ID, so that order plays no part.
pub(crate) fn by_trace<'a>(
    requests: impl IntoIterator<Item = &'a ExportTraceServiceRequest>,
) -> BTreeMap<Vec<u8>, Vec<PlacedSpan>> {
    let mut traces: BTreeMap<Vec<u8>, Vec<PlacedSpan>> = BTreeMap::new();
    for request in requests {
        for resource_spans in &request.resource_spans {
            for scope_spans in &resource_spans.scope_spans {
                for span in &scope_spans.spans {
                    traces
                        .entry(span.trace_id.clone())
                        .or_default()
                        .push(PlacedSpan {
                            resource: resource_spans.resource.clone(),
                            scope: scope_spans.scope.clone(),
                            span: span.clone(),
                        });
                }
            }
        }
    }
    for spans in traces.values_mut() {
        spans.sort_by(|one, other| one.span.span_id.cmp(&other.span.span_id));
    }
    traces
}

/// The identifiers of all spans of some requests.
pub(crate) fn identifiers<'a>(
    requests: impl IntoIterator<Item = &'a ExportTraceServiceRequest>,
) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let spans = by_trace(requests).into_values().flatten();
    spans
        .map(|placed| (placed.span.trace_id, placed.span.span_id))
        .collect()
}

/// The number of spans in some requests.
pub(crate) fn count<'a>(requests: impl IntoIterator<Item = &'a ExportTraceServiceRequest>) -> u64 {
    let scopes = requests
        .into_iter()
        .flat_map(|request| &request.resource_spans);
    let scopes = scopes.flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}
