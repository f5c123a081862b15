//! Real shards with a limit of the whole cluster, over time that is moved by hand.

use std::collections::VecDeque;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::*;
use crate::batch::replica::{Incarnation, Life};
use crate::batch::sub_batch::SharedRequest;
use crate::buffer::config::{BufferConfig, WindowConfig};
use crate::buffer::inbox::{Inbox, inbox};
use crate::buffer::shard::{
    ActivePolicies, Control, Pressure, Shard, ShardParts, SlotOrder, SlotState, Turn,
};
use crate::clock::Clock;
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::otlp::wire::walk_request;
use crate::replica::cluster::Entrance;
use crate::router::Splitter;
use crate::sampler::config::{EvaluationConfig, LimitScope, PolicyConfig, RuleConfig};
use crate::sampler::policy_set::PolicySet;

const SPANS_PER_SECOND: i64 = 300;
const SPANS_OF_A_TRACE: usize = 5;
const STEP_MS: u64 = 25;

/// One replica: a shard, its figures, and what it told the others lately.
struct Replica {
    shard: Shard,
    inbox: Inbox,
    budget: Budget,
    accounting: Arc<Accounting>,
    figures: Figures,
    record: Record,
    said: VecDeque<Known>,
}

fn life(replica: &str) -> Life {
    Life {
        replica: ReplicaId::new(replica).unwrap(),
        incarnation: Incarnation(1),
    }
}

impl Replica {
    fn new(id: &str) -> Self {
        let registry = Registry::new();
        let accounting = Arc::new(Accounting::default());
        let entrance = Entrance::new(&Clock::manual(), &registry);
        let budget = Budget::new(1 << 30);
        let rule = RuleConfig::RateLimiting {
            spans_per_second: SPANS_PER_SECOND,
            burst_capacity: 0,
            scope: LimitScope::Cluster,
        };
        let limited = [PolicyConfig::new("limited", rule)];
        let set = PolicySet::compile(&limited, EvaluationConfig::default());
        let windows = WindowConfig {
            decision_wait: Duration::from_secs(1),
            ..WindowConfig::default()
        };
        let (inbox, receiver) = inbox(1_024);
        let shard = Shard::new(ShardParts {
            number: 0,
            config: BufferConfig::default(),
            shards: 1,
            inbox: receiver,
            clock: Clock::manual(),
            policies: Arc::new(ActivePolicies::new(1, set, windows, &registry)),
            pressure: Arc::new(Pressure::new(budget.clone())),
            outlets: Vec::new(),
            accounting: Arc::clone(&accounting),
            metrics: registry.buffer(0),
            link: Some(entrance.link(0)),
        });
        let all_here = SlotOrder::Set(SlotSet::all(), SlotState::Here);
        assert!(inbox.control(Control::Slots(Box::new(all_here))));
        Self {
            shard,
            inbox,
            budget,
            figures: Figures::new(entrance.metrics, Arc::clone(&accounting), entrance.share),
            accounting,
            record: Record::for_tests(id, 1, MemberState::Joining),
            said: VecDeque::new(),
        }
    }

    fn send(&self, trace: u64) {
        let mut trace_id = [1; 16];
        trace_id[..8].copy_from_slice(&trace.to_be_bytes());
        let spans = (1..=SPANS_OF_A_TRACE as u8).map(|span| Span {
            trace_id: trace_id.to_vec(),
            span_id: vec![span; 8],
            ..Span::default()
        });
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: spans.collect(),
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let body = Bytes::from(request.encode_to_vec());
        let walked = walk_request(&body).unwrap();
        self.accounting.received.add(walked.spans.len() as u64);
        let shared = SharedRequest {
            charge: self.budget.charge(body.len() as u64),
            body,
            scopes: walked.scopes,
            metadata: None,
            origin: None,
        };
        for (_, sub_batch) in Splitter::default().split(shared, &walked.spans, 1) {
            self.inbox.reserve().unwrap().send(sub_batch);
        }
    }

    /// What the others know: what it said a second ago.
    fn known(&self) -> Option<Known> {
        self.said.front().cloned()
    }

    fn say(&mut self) {
        let mut digest = Digest::default();
        self.figures.put_in(&mut digest, 1);
        self.said.push_back(Known {
            record: Arc::new(self.record.clone()),
            digest: Arc::new(digest),
            is_suspect: false,
        });
        if self.said.len() > 10 {
            self.said.pop_front();
        }
    }
}

/// Gives each of `members` slots in proportion to its weight.
fn deal_slots(replicas: &mut [Replica], weights: &[u16]) {
    let all: u16 = weights.iter().sum();
    let mut first = 0;
    for (replica, weight) in replicas.iter_mut().zip(weights) {
        let end =
            first + u16::try_from(u32::from(SLOTS) * u32::from(*weight) / u32::from(all)).unwrap();
        replica.record.holds = (first..end).map(Slot).collect();
        replica.record.state = match (*weight > 0, replica.record.state) {
            (true, _) => MemberState::Active,
            (false, MemberState::Active) => MemberState::Leaving,
            (false, state) => state,
        };
        first = end;
    }
}

/// Three replicas of which one joins at 50 s and another leaves at 100 s, each with ten times as many spans as the limit
/// lets through: over any 30 s the limit holds within a tenth, both ways.
#[test]
fn a_limit_of_the_cluster_holds_while_replicas_come_and_go() {
    let mut replicas: Vec<Replica> = ["a", "b", "c"].map(Replica::new).into();
    let mut kept_at: Vec<u64> = Vec::new();
    let mut traces = 0;
    for step in 0..150 * 1_000 / STEP_MS {
        let now = Moment(0).after(Duration::from_millis(step * STEP_MS));
        let weights: [u16; 3] = match step * STEP_MS / 1_000 {
            0..50 => [1, 2, 0],
            50..100 => [1, 2, 3],
            _ => [0, 1, 1],
        };
        deal_slots(&mut replicas, &weights);
        for (replica, weight) in replicas.iter_mut().zip(weights) {
            for _ in 0..weight * 3 {
                traces += 1;
                replica.send(traces);
            }
            while replica.shard.turn(now) == Turn::Again {}
        }
        if (step * STEP_MS).is_multiple_of(100) {
            let known: Vec<Option<Known>> = replicas.iter().map(Replica::known).collect();
            for (number, replica) in replicas.iter_mut().enumerate() {
                let others = known.iter().enumerate();
                let others = others.filter(|(other, _)| *other != number);
                let others = others.filter_map(|(_, known)| known.as_ref());
                let slots = replica.record.holds.len();
                replica.figures.share_limits(slots, others, now);
                replica.say();
            }
        }
        if (step * STEP_MS).is_multiple_of(1_000) {
            let kept = replicas.iter().map(|replica| replica.accounting.kept.get());
            kept_at.push(kept.sum());
        }
    }
    // Buckets begin full: what they held is granted once more, in the first seconds.
    for window in kept_at[5..].windows(31) {
        let kept = (window[30] - window[0]) as f64 / 30.0;
        let limit = SPANS_PER_SECOND as f64;
        assert!((kept / limit - 1.0).abs() < 0.1, "{kept} {kept_at:?}");
    }
}

#[test]
fn slots_that_come_and_go_are_counted_and_timed() {
    let registry = Registry::new();
    let mut figures = Figures::new(registry.cluster(), Arc::default(), ClusterShare::new());
    let second = |second: u64| Moment(0).after(Duration::from_secs(second));
    let set = |slots: std::ops::Range<u16>| slots.map(Slot).collect::<SlotSet>();
    let mut record = Record::for_tests("a", 1, MemberState::Active);
    record.holds = set(0..10);
    figures.note_record(&record, second(0));
    record.targets = [(life("b").replica, set(0..4))].into();
    figures.note_record(&record, second(10));
    assert_eq!(figures.giving(), 4);
    record.holds = set(2..10);
    record.targets = [(life("b").replica, set(2..4))].into();
    figures.note_record(&record, second(15));
    let text = registry.render();
    let has = |line: &str| assert!(text.contains(line), "{line} is not in\n{text}");
    has("tailsieve_cluster_slots_adopted_total 10");
    has("tailsieve_cluster_slots_released_total 2");
    has("tailsieve_cluster_release_seconds_sum 10");
    has("tailsieve_cluster_release_seconds_bucket{le=\"3\"} 0");
    has("tailsieve_cluster_release_seconds_bucket{le=\"10\"} 2");
    has("tailsieve_cluster_release_seconds_bucket{le=\"900\"} 2");
    // What a life that was declared dead held is not released.
    figures.note_new_life();
    figures.note_record(&Record::for_tests("a", 2, MemberState::Active), second(20));
    assert!(registry.render().contains("slots_released_total 2"));
}

#[test]
fn other_policies_are_told_after_thirty_seconds_and_another_table_at_once() {
    let registry = Registry::new();
    let mut figures = Figures::new(registry.cluster(), Arc::default(), ClusterShare::new());
    let mut record = Record::for_tests("b", 1, MemberState::Active);
    record.policy_hash = 2;
    let other = Known {
        record: Arc::new(record),
        digest: Arc::new(Digest {
            table: 7,
            ..Digest::default()
        }),
        is_suspect: false,
    };
    let mut compare = |policies, table, second| {
        let now = Moment(0).after(Duration::from_secs(second));
        let found = figures.compare(policies, table, [&other].into_iter(), now);
        (found.policies.len(), found.tables.len())
    };
    assert_eq!(compare(1, 7, 0), (0, 0));
    assert_eq!(compare(1, 8, 30), (0, 1));
    assert_eq!(compare(1, 7, 31), (1, 0));
    assert_eq!(compare(2, 7, 32), (0, 0));
    assert_eq!(compare(1, 7, 40), (0, 0), "from the beginning again");
}
