//! A trace of 20 spans with 10 attributes each, from four services, as it came in one request.

use std::ops::ControlFlow;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tailsieve::otlp::ids::TraceId;
use tailsieve::otlp::wire::{WalkedRequest, walk_request};
use tailsieve::sampler::trace_summary::TraceSummary;
use tailsieve::sampler::trace_view::{SpanView, Spans, TraceView};

const SERVICES: u64 = 4;
const SPANS_A_SERVICE: u64 = 5;

/// A trace as it came in one request.
pub(crate) struct Trace {
    body: Bytes,
    walked: WalkedRequest,
    summary: TraceSummary,
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn span(number: u64) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: (number + 1).to_be_bytes().to_vec(),
        parent_span_id: vec![1; 8],
        name: "GET /api/v1/orders/{order_id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + number,
        end_time_unix_nano: 1_700_000_000_020_000_000 + number,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", "/api/v1/orders/{order_id}"),
            text("url.path", "/api/v1/orders/8c2f7f5e-1a54-4f0e"),
            text("server.address", "orders.shop.svc.cluster.local"),
            attribute("http.response.status_code", Value::IntValue(200)),
            text("db.system.name", "postgresql"),
            attribute("db.response.returned_rows", Value::IntValue(1)),
            text("app.tenant", "acme"),
            attribute("app.debug", Value::BoolValue(false)),
            text("thread.name", "http-nio-8080-exec-17"),
        ],
        ..Span::default()
    }
}

pub(crate) fn trace() -> Trace {
    let services = (0..SERVICES).map(|service| ResourceSpans {
        resource: Some(Resource {
            attributes: vec![
                text("service.name", &format!("service-{service}")),
                text("service.namespace", "shop"),
                text("host.name", "worker-2"),
            ],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: (0..SPANS_A_SERVICE)
                .map(|number| span(service * SPANS_A_SERVICE + number))
                .collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    let request = ExportTraceServiceRequest {
        resource_spans: services.collect(),
    };
    let body = Bytes::from(request.encode_to_vec());
    let walked = walk_request(&body).expect("a valid request");
    let mut summary = TraceSummary::default();
    for span in &walked.spans {
        summary.add(span);
    }
    Trace {
        body,
        walked,
        summary,
    }
}

impl Trace {
    /// As policies see it.
    pub(crate) fn view(&self) -> TraceView<'_> {
        TraceView {
            trace_id: TraceId([7; 16]),
            summary: &self.summary,
            spans: self,
        }
    }
}

impl Spans for Trace {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for span in &self.walked.spans {
            let envelope = self.walked.scopes.get(span.scope_index as usize);
            let envelope = envelope.expect("every span has one");
            let begin = span.offset as usize;
            let encoded = self.body.get(begin..begin + span.length as usize);
            let view = SpanView {
                resource: &envelope.resource,
                scope: &envelope.scope,
                span: encoded.expect("within the body"),
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}
