//! What policies cost: ten mixed ones against a trace of 20 spans with 10 attributes each. Figures are per trace.
//!
//! And what matching a regular expression costs beside remembering the result.
//!
//! `cargo bench --bench policies`

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot prepare its input has nothing to measure"
)]

use std::hint::black_box;
use std::ops::ControlFlow;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rapidhash::RapidHashMap;
use tailsieve::config::policy_file;
use tailsieve::otlp::ids::TraceId;
use tailsieve::otlp::wire::{WalkedRequest, walk_request};
use tailsieve::sampler::evaluation::Scratch;
use tailsieve::sampler::pattern::Pattern;
use tailsieve::sampler::policy::Context;
use tailsieve::sampler::policy_set::{PolicySet, Setting};
use tailsieve::sampler::precedence::Decision;
use tailsieve::sampler::trace_summary::TraceSummary;
use tailsieve::sampler::trace_view::{SpanView, Spans, TraceView};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TEN_POLICIES: &str = include_str!("ten_policies.yaml");
const SERVICES: u64 = 4;
const SPANS_A_SERVICE: u64 = 5;

/// A trace as it came in one request.
struct Trace {
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

fn trace() -> Trace {
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

fn decide(criterion: &mut Criterion) {
    let trace = trace();
    let view = TraceView {
        trace_id: TraceId([7; 16]),
        summary: &trace.summary,
        spans: &trace,
    };
    let file = policy_file::parse("ten_policies.yaml", TEN_POLICIES, &|_| None);
    let file = file.expect("a valid policy file").config;
    let setting = Setting {
        context: Context::default(),
        stopwatch: None,
    };
    let mut group = criterion.benchmark_group("policies");
    let mut scratch = Scratch::default();
    let mut measure = |name: &str, set: &PolicySet| {
        let verdict = set.decide(&view, &setting, &mut scratch);
        assert_eq!(verdict.decision, Decision::NotSampled, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| set.decide(black_box(&view), &setting, &mut scratch));
        });
    };
    let all = PolicySet::compile(&file.policies, file.evaluation);
    measure("ten together", &all);
    for policy in &file.policies {
        let alone = PolicySet::compile(std::slice::from_ref(policy), file.evaluation);
        measure(&format!("{} alone", policy.name), &alone);
    }
    group.finish();
}

/// What `cache_max_size` would spare: an expression matched each time, beside one look-up of the result by the value.
fn regex_or_cache(criterion: &mut Criterion) {
    let expression = r"^/(healthz|readyz|metrics)$|^/internal/|/v[0-9]+/orders/[0-9a-f]{8}";
    let pattern = Pattern::parse(expression).expect("a valid expression");
    let values: Vec<String> = (0..1_000_u32)
        .map(|number| {
            format!(
                "/api/v1/users/{:08x}-1a54-4f0e",
                number.wrapping_mul(0x9e37_79b9)
            )
        })
        .collect();
    let results: RapidHashMap<&[u8], bool> = values
        .iter()
        .map(|value| (value.as_bytes(), pattern.is_match(value.as_bytes())))
        .collect();
    let mut group = criterion.benchmark_group("regex");
    let mut measure = |name: &str, result: &dyn Fn(&[u8]) -> bool| {
        let mut next = values.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| result(black_box(next.next().map_or(&[], |value| value.as_bytes()))));
        });
    };
    measure("matched each time", &|value| pattern.is_match(value));
    measure("looked up in a map of 1,000 results", &|value| {
        results.get(value).copied().unwrap_or_default()
    });
    group.finish();
}

criterion_group!(benches, decide, regex_or_cache);
criterion_main!(benches);
