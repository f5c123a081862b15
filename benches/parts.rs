//! The parts of the hot path, one by one: walk, split, insert, decide, encode. Figures are per request of 100 spans;
//! of ownership, per look-up and per table.
//!
//! `cargo bench --bench parts`

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot prepare its input has nothing to measure"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tailsieve::accounting::Accounting;
use tailsieve::batch::export::ExportBatch;
use tailsieve::batch::key::{SLOTS, Slot};
use tailsieve::batch::replica::ReplicaId;
use tailsieve::batch::sub_batch::{SharedRequest, SubBatch};
use tailsieve::buffer::config::{BufferConfig, WindowConfig};
use tailsieve::buffer::inbox::{Inbox, inbox};
use tailsieve::buffer::release::Outlet;
use tailsieve::buffer::shard::{ActivePolicies, Pressure, Shard, ShardParts};
use tailsieve::clock::{Clock, Moment};
use tailsieve::memory::Budget;
use tailsieve::metrics::Registry;
use tailsieve::otlp::wire::walk_request;
use tailsieve::router::Splitter;
use tailsieve::router::ownership::Ownership;
use tailsieve::sampler::config::{EvaluationConfig, PolicyConfig, RuleConfig, StatusCode};
use tailsieve::sampler::policy_set::PolicySet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: usize = 100;
const TRACES: usize = 20;

/// Takes everything at once.
struct Void;

impl Outlet for Void {
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        black_box(batch.body.len());
        Ok(())
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..Default::default()
    }
}

/// A request of 100 spans of about 485 bytes, 5 of each of 20 traces; no two requests share a trace.
fn request(number: u64) -> Bytes {
    let spans = (0..SPANS).map(|index| {
        let trace = number * TRACES as u64 + (index % TRACES) as u64 + 1;
        let mut trace_id = [0x5a; 16];
        trace_id[8..].copy_from_slice(&trace.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        Span {
            trace_id: trace_id.to_vec(),
            span_id: (number * SPANS as u64 + index as u64 + 1)
                .to_be_bytes()
                .to_vec(),
            parent_span_id: vec![1; 8],
            name: "GET /api/v1/orders/{order_id}".to_owned(),
            kind: 2,
            start_time_unix_nano: 1_700_000_000_000_000_000,
            end_time_unix_nano: 1_700_000_000_020_000_000,
            attributes: vec![
                attribute("http.request.method", "GET"),
                attribute("http.route", "/api/v1/orders/{order_id}"),
                attribute("url.path", "/api/v1/orders/8c2f7f5e-1a54-4f0e"),
                attribute("server.address", "orders.shop.svc.cluster.local"),
                attribute("network.protocol.version", "1.1"),
                attribute("user_agent.original", "okhttp/4.12.0"),
                attribute("client.address", "10.42.17.203"),
                attribute("http.response.status_code", "200"),
                attribute("thread.name", "http-nio-8080-exec-17"),
            ],
            ..Default::default()
        }
    });
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "orders")],
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "bench".to_owned(),
                    ..Default::default()
                }),
                spans: spans.collect(),
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    Bytes::from(request.encode_to_vec())
}

fn sub_batches(body: &Bytes, budget: &Budget, splitter: &mut Splitter) -> SubBatch {
    let walked = walk_request(body).expect("a valid request");
    let shared = SharedRequest {
        body: body.clone(),
        scopes: walked.scopes,
        metadata: None,
        origin: None,
        charge: budget.charge(body.len() as u64),
    };
    let mut routed = splitter.split(shared, &walked.spans, 1);
    routed.pop().expect("one shard").1
}

fn shard(budget: &Budget, decision_wait: Duration) -> (Inbox, Shard) {
    let policies = [
        RuleConfig::StatusCode {
            status_codes: vec![StatusCode::Error],
        },
        RuleConfig::Latency {
            threshold_ms: 1_000,
            upper_threshold_ms: 0,
        },
        RuleConfig::Probabilistic {
            sampling_percentage: 10.0,
            hash_salt: String::new(),
        },
    ];
    let policies: Vec<_> = policies
        .into_iter()
        .enumerate()
        .map(|(index, rule)| PolicyConfig::new(&format!("policy-{index}"), rule))
        .collect();
    let registry = Registry::new();
    let set = PolicySet::compile(&policies, EvaluationConfig::default());
    let windows = WindowConfig {
        decision_wait,
        ..WindowConfig::default()
    };
    let active = ActivePolicies::new(1, set, windows, &registry);
    let (inbox, receiver) = inbox(1_024);
    let shard = Shard::new(ShardParts {
        number: 0,
        config: BufferConfig::default(),
        shards: 1,
        inbox: receiver,
        clock: Clock::manual(),
        policies: Arc::new(active),
        pressure: Arc::new(Pressure::new(budget.clone())),
        outlets: vec![Box::new(Void)],
        accounting: Arc::new(Accounting::default()),
        metrics: registry.buffer(0),
        link: None,
    });
    (inbox, shard)
}

fn walk_and_split(criterion: &mut Criterion) {
    let body = request(1);
    let mut group = criterion.benchmark_group("router");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("walk", |bencher| {
        bencher.iter(|| walk_request(black_box(&body)))
    });
    let budget = Budget::new(1 << 40);
    let walked = walk_request(&body).expect("a valid request");
    let mut splitter = Splitter::default();
    for shards in [1, 4] {
        group.bench_function(format!("split into {shards}"), |bencher| {
            bencher.iter(|| {
                let shared = SharedRequest {
                    body: body.clone(),
                    scopes: walked.scopes.clone(),
                    metadata: None,
                    origin: None,
                    charge: budget.charge(0),
                };
                splitter.split(shared, black_box(&walked.spans), shards)
            });
        });
    }
    group.finish();
}

/// Inserts requests of new traces while `live` traces are held, and decides as many as come in.
fn insert_and_decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("buffer");
    group.throughput(Throughput::Elements(SPANS as u64));
    for live_traces in [1_000_u64, 100_000, 1_000_000] {
        let name = format!("insert, decide, encode at {live_traces} live");
        // The traces are set up inside, so that only what is asked for is.
        group.bench_function(name, |bencher| {
            let budget = Budget::new(1 << 40);
            let live_requests = live_traces / TRACES as u64;
            let (inbox, mut shard) = shard(&budget, Duration::from_millis(live_requests));
            let mut splitter = Splitter::default();
            let mut step = |number: u64| {
                let sub_batch = sub_batches(&request(number), &budget, &mut splitter);
                inbox.reserve().expect("room").send(sub_batch);
            };
            let mut number = 0;
            while number < live_requests {
                step(number);
                shard.turn(Moment(number * 1_000_000));
                number += 1;
            }
            bencher.iter_batched(
                || {
                    number += 1;
                    step(number);
                    number
                },
                |number| shard.turn(Moment(number * 1_000_000)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Who owns a slot, and what it costs to find that out for all slots when the members change.
fn ownership(criterion: &mut Criterion) {
    let member = |number| ReplicaId::new(&format!("tailsieve-{number}")).expect("an ID");
    let table = |replicas: u32| Ownership::new((0..replicas).map(|number| (member(number), 1)));
    let mut group = criterion.benchmark_group("ownership");
    let hundred = table(100);
    let mut slot = 0_u16;
    group.bench_function("look_up", |bencher| {
        bencher.iter(|| {
            slot = (slot + 2_039) % SLOTS;
            black_box(hundred.owner(Slot(slot)));
        });
    });
    for replicas in [3, 100] {
        group.bench_function(format!("table_of_{replicas}"), |bencher| {
            bencher.iter(|| black_box(table(replicas).hash()));
        });
    }
    group.finish();
}

criterion_group!(benches, walk_and_split, insert_and_decide, ownership);
criterion_main!(benches);
