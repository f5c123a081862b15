//! Scenarios of one shard over hand-moved time: what is held, when it is decided, where it goes.

mod cluster;
mod ingest;
mod inspect;
mod limits;
mod marks;
mod reload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use parking_lot::Mutex;
use prost::Message;

use super::*;
use crate::batch::export::ExportBatch;
use crate::batch::metadata::RequestMetadata;
use crate::batch::origin::Origin;
use crate::batch::sub_batch::SharedRequest;
use crate::buffer::config::WindowConfig;
use crate::buffer::inbox::{Inbox, inbox};
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::otlp::wire::walk_request;
use crate::router::Splitter;
use crate::sampler::config::{EvaluationConfig, PolicyConfig, RuleConfig, StatusCode};
use crate::sampler::policy_set::PolicySet;

const MS: u64 = 1_000_000;
const ROOT: bool = true;

/// An exporter that takes what it is given while it has room.
#[derive(Clone, Default)]
struct Backend(Arc<Mutex<BackendState>>);

#[derive(Default)]
struct BackendState {
    is_full: bool,
    /// Bodies of the requests taken; their charge ends with taking them.
    requests: Vec<Bytes>,
}

struct World {
    inbox: Inbox,
    shard: Shard,
    budget: Budget,
    accounting: Arc<Accounting>,
    backend: Backend,
    registry: Registry,
    now: Moment,
}

impl Outlet for Backend {
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        let mut state = self.0.lock();
        if state.is_full {
            return Err(batch);
        }
        let request = ExportTraceServiceRequest::decode(batch.body.clone()).unwrap();
        let scopes = request
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans);
        assert_eq!(
            batch.spans,
            scopes.map(|scope| scope.spans.len() as u64).sum::<u64>()
        );
        state.requests.push(batch.body);
        Ok(())
    }
}

impl Backend {
    /// Span numbers that arrived, by trace.
    fn received(&self) -> BTreeMap<u8, Vec<u64>> {
        let mut received: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for body in &self.0.lock().requests {
            let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
            for resource_spans in request.resource_spans {
                for span in resource_spans
                    .scope_spans
                    .into_iter()
                    .flat_map(|scope| scope.spans)
                {
                    let number = u64::from_be_bytes(span.span_id.try_into().unwrap());
                    received.entry(span.trace_id[0]).or_default().push(number);
                }
            }
        }
        received
    }
}

impl World {
    fn new(limit_bytes: u64, windows: WindowConfig) -> Self {
        Self::with(
            limit_bytes,
            windows,
            EvaluationConfig::default(),
            BufferConfig::default(),
        )
    }

    fn with(
        limit_bytes: u64,
        windows: WindowConfig,
        evaluation: EvaluationConfig,
        config: BufferConfig,
    ) -> Self {
        Self::with_link(limit_bytes, windows, evaluation, config, None)
    }

    fn with_link(
        limit_bytes: u64,
        windows: WindowConfig,
        evaluation: EvaluationConfig,
        config: BufferConfig,
        link: Option<cluster::Neighbours>,
    ) -> Self {
        let registry = Registry::new();
        let budget = Budget::new(limit_bytes);
        let accounting = Arc::new(Accounting::default());
        let backend = Backend::default();
        let (inbox, receiver) = inbox(64);
        let rule = RuleConfig::StatusCode {
            status_codes: vec![StatusCode::Error],
        };
        let errors = PolicyConfig::new("errors", rule);
        let set = PolicySet::compile(&[errors], evaluation);
        let shard = Shard::new(ShardParts {
            number: 0,
            config,
            shards: 1,
            inbox: receiver,
            clock: Clock::manual(),
            policies: Arc::new(ActivePolicies::new(1, set, windows, &registry)),
            pressure: Arc::new(Pressure::new(budget.clone())),
            outlets: vec![Box::new(backend.clone())],
            accounting: Arc::clone(&accounting),
            metrics: registry.buffer(0),
            link: link.map(|link| Box::new(link) as Box<dyn ClusterLink>),
        });
        Self {
            inbox,
            shard,
            budget,
            accounting,
            backend,
            registry,
            now: Moment(0),
        }
    }

    fn send(&self, spans: &[Span]) {
        self.send_from(None, spans);
    }

    fn send_from(&self, origin: Option<Origin>, spans: &[Span]) {
        self.send_with(None, origin, spans);
    }

    fn send_with(
        &self,
        metadata: Option<&Arc<RequestMetadata>>,
        origin: Option<Origin>,
        spans: &[Span],
    ) {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource::default()),
                scope_spans: vec![ScopeSpans {
                    spans: spans.to_vec(),
                    ..Default::default()
                }],
                schema_url: "https://example.com".into(),
            }],
        };
        let body = Bytes::from(request.encode_to_vec());
        let walked = walk_request(&body).unwrap();
        let received = match &origin {
            None => &self.accounting.received,
            Some(_) => &self.accounting.received_from_peers,
        };
        received.add(spans.len() as u64);
        let shared = SharedRequest {
            charge: self.budget.charge(body.len() as u64),
            body,
            scopes: walked.scopes,
            metadata: metadata.cloned(),
            origin: origin.map(Box::new),
        };
        for (_, sub_batch) in Splitter::default().split(shared, &walked.spans, 1) {
            self.inbox.reserve().unwrap().send(sub_batch);
        }
    }

    /// Moves time on by `ms` in steps of 5 ms, with as many turns as the shard wants at each.
    fn pass(&mut self, ms: u64) {
        let end = Moment(self.now.0 + ms * MS);
        loop {
            while self.shard.turn(self.now) == Turn::Again {}
            if self.now >= end {
                break;
            }
            self.now = Moment((self.now.0 + 5 * MS).min(end.0));
        }
        assert_eq!(self.accounting.snapshot().unaccounted(), 0);
    }
}

fn span(trace: u8, number: u64, is_root: bool) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: number.to_be_bytes().to_vec(),
        parent_span_id: if is_root { vec![] } else { vec![9; 8] },
        name: "x".repeat(400),
        ..Default::default()
    }
}

fn failed(span: Span) -> Span {
    Span {
        status: Some(Status {
            code: 2,
            ..Default::default()
        }),
        ..span
    }
}

fn windows(decision_wait_ms: u64) -> WindowConfig {
    WindowConfig {
        decision_wait: Duration::from_millis(decision_wait_ms),
        ..WindowConfig::default()
    }
}

#[test]
fn a_trace_is_decided_when_its_window_closes_and_not_before() {
    let mut world = World::new(1 << 30, windows(500));
    world.send(&[span(1, 1, ROOT), span(2, 2, ROOT)]);
    world.pass(300);
    world.send(&[failed(span(1, 3, !ROOT))]);
    world.pass(195);
    assert_eq!(world.accounting.snapshot().buffered, 3);
    world.pass(30);
    assert_eq!(world.accounting.snapshot().buffered, 0);
    assert_eq!(world.accounting.snapshot().kept, 2);
    world.pass(250);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 3])]));
}

#[test]
fn a_root_moves_the_decision_earlier_and_never_later() {
    let after_root = |ms| WindowConfig {
        decision_wait_after_root: Some(Duration::from_millis(ms)),
        ..windows(400)
    };
    let mut sooner = World::new(1 << 30, after_root(100));
    sooner.send(&[span(1, 1, !ROOT)]);
    sooner.pass(50);
    sooner.send(&[span(1, 2, ROOT)]);
    sooner.pass(90);
    assert_eq!(sooner.accounting.snapshot().buffered, 2);
    sooner.pass(40);
    assert_eq!(sooner.accounting.snapshot().buffered, 0);
    let mut later = World::new(1 << 30, after_root(1_000));
    later.send(&[span(1, 2, ROOT)]);
    later.pass(430);
    assert_eq!(later.accounting.snapshot().buffered, 0);
}

#[test]
fn late_spans_follow_the_decision() {
    let mut world = World::new(1 << 30, windows(100));
    world.send(&[failed(span(1, 1, ROOT)), span(2, 2, ROOT)]);
    world.pass(150);
    world.send(&[span(1, 3, !ROOT), failed(span(2, 4, !ROOT))]);
    world.pass(500);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 3])]));
    let spans = world.accounting.snapshot();
    assert_eq!((spans.kept, spans.not_sampled), (2, 2));
}

#[test]
fn late_spans_of_a_dropped_trace_are_dropped_strict_or_not() {
    for strict in [false, true] {
        let evaluation = EvaluationConfig {
            strict,
            ..EvaluationConfig::default()
        };
        let mut world = World::new(1 << 30, windows(100));
        let errors = RuleConfig::StatusCode {
            status_codes: vec![StatusCode::Error],
        };
        let errors = PolicyConfig::new("errors", errors);
        let policies = [
            PolicyConfig::new("no-errors", RuleConfig::Drop(vec![errors])),
            PolicyConfig::new("all", RuleConfig::AlwaysSample),
        ];
        let set = PolicySet::compile(&policies, evaluation);
        let policies = ActivePolicies::new(2, set, windows(100), &world.registry);
        let policies = Arc::new(policies);
        assert!(world.inbox.control(Control::Policies(policies)));
        world.send(&[failed(span(1, 1, ROOT)), span(2, 2, ROOT)]);
        world.pass(150);
        // By itself it would be kept.
        world.send(&[span(1, 3, !ROOT), span(2, 4, !ROOT)]);
        world.pass(500);
        assert_eq!(world.backend.received(), BTreeMap::from([(2, vec![2, 4])]));
        let spans = world.accounting.snapshot();
        assert_eq!((spans.kept, spans.dropped), (2, 2));
    }
}

#[test]
fn a_span_sent_again_is_held_once() {
    let mut world = World::new(1 << 30, windows(100));
    let again = failed(span(1, 1, ROOT));
    world.send(&[again.clone(), span(1, 2, !ROOT)]);
    world.send(&[span(1, 2, !ROOT), again.clone(), again]);
    world.pass(500);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 2])]));
    assert_eq!(world.accounting.snapshot().deduplicated, 3);
}

#[test]
fn finishing_decides_and_releases_everything_at_once() {
    let mut world = World::new(1 << 30, windows(60_000));
    world.send(&[failed(span(1, 1, ROOT)), span(2, 1, ROOT)]);
    assert!(world.inbox.control(Control::Finish));
    while world.shard.turn(Moment(0)) != Turn::Finished {}
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1])]));
    assert_eq!(world.shard.left_spans(), 0);
}

#[test]
fn pending_traces_are_dropped_at_the_end_where_that_is_wanted() {
    let drops = EvaluationConfig {
        drop_pending_traces_on_shutdown: true,
        ..EvaluationConfig::default()
    };
    let mut world = World::with(1 << 30, windows(60_000), drops, BufferConfig::default());
    world.send(&[failed(span(1, 1, ROOT))]);
    assert!(world.inbox.control(Control::Finish));
    while world.shard.turn(Moment(0)) != Turn::Finished {}
    assert_eq!(world.backend.received(), BTreeMap::new());
    assert_eq!(world.accounting.snapshot().dropped, 1);
}

#[test]
fn the_charge_returns_to_zero_when_nothing_is_held() {
    let mut world = World::new(1 << 30, windows(100));
    for trace in 1..=50 {
        world.send(&[failed(span(trace, 1, ROOT)), span(trace + 100, 2, ROOT)]);
    }
    world.pass(50);
    let wire_bytes = 100 * 450;
    assert!(world.budget.used_bytes() > wire_bytes);
    world.pass(3_000);
    assert_eq!(world.accounting.snapshot().kept, 50);
    assert_eq!(world.budget.used_bytes(), 0);
}

#[test]
fn resource_and_scope_come_out_as_they_went_in() {
    let mut world = World::new(1 << 30, windows(50));
    world.send(&[failed(span(1, 1, ROOT)), span(1, 2, !ROOT)]);
    world.send(&[span(1, 3, !ROOT)]);
    world.pass(400);
    let state = world.backend.0.lock();
    let request = ExportTraceServiceRequest::decode(state.requests[0].clone()).unwrap();
    assert_eq!(request.resource_spans.len(), 1);
    assert_eq!(request.resource_spans[0].schema_url, "https://example.com");
    assert_eq!(request.resource_spans[0].scope_spans.len(), 1);
    assert_eq!(request.resource_spans[0].scope_spans[0].spans.len(), 3);
}
