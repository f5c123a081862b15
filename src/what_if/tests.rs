//! What distinguishes the engine from a replica, and what must not.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::tally::{Tally, Totals};
use super::*;
use crate::config::policy_file;

const KEEP_ALL: &str = "policies: [{name: all, type: always_sample}]\n";

/// A request with a span of each of these traces.
fn request(traces: &[u128]) -> Vec<u8> {
    let spans = traces.iter().map(|trace| Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: vec![1; 8],
        ..Span::default()
    });
    let scope = ScopeSpans {
        spans: spans.collect(),
        ..ScopeSpans::default()
    };
    let resource_spans = vec![ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn replayed(policies: &str, requests: &[&[u128]]) -> (Tally, Totals) {
    let file = policy_file::parse("p.yaml", policies, &|_| None);
    let mut engine = WhatIf::new(&file.unwrap().config, 0);
    let mut tally = Tally::default();
    for traces in requests {
        tally.arrived(&engine.send(request(traces)).unwrap());
        tally.decided(engine.take_decided());
    }
    engine.decide_all();
    tally.decided(engine.take_decided());
    let totals = tally.totals(engine.policies());
    (tally, totals)
}

#[test]
fn the_end_of_the_window_is_not_that_of_a_process() {
    let policies = format!("drop_pending_traces_on_shutdown: true\n{KEEP_ALL}");
    let (_, totals) = replayed(&policies, &[&[1, 2], &[1]]);
    assert_eq!(totals.decisions.sampled, 2);
    assert_eq!((totals.traces, totals.spans), (2, 3));
    assert_eq!(totals.policies[0].1.decided, 2);
}

#[test]
fn traces_are_told_in_order_of_first_arrival_whenever_they_were_decided() {
    let policies = format!("num_traces: 1\n{KEEP_ALL}");
    let (tally, totals) = replayed(&policies, &[&[3], &[1], &[2, 3]]);
    let traces = tally.traces().iter();
    let seen: Vec<_> = traces
        .map(|trace| (trace.trace_id.0[15], trace.spans))
        .collect();
    assert_eq!(seen, [(3, 2), (1, 1), (2, 1)]);
    assert_eq!(totals.decisions.sampled, 3);
}

#[test]
fn discarded_traces_are_dropped_by_nobody() {
    let policies = format!("num_traces: 1\nnum_traces_overflow: discard\n{KEEP_ALL}");
    let (tally, totals) = replayed(&policies, &[&[3], &[1]]);
    assert_eq!((totals.decisions.dropped, totals.decisions.sampled), (1, 1));
    let verdict = tally.traces()[0].decided.as_ref().unwrap().verdict;
    assert_eq!(verdict.policy_index, None);
}

#[test]
fn what_a_receiver_refuses_does_not_arrive() {
    let (_, totals) = replayed(KEEP_ALL, &[&[0, 7]]);
    assert_eq!(
        (totals.traces, totals.spans, totals.refused_spans),
        (1, 1, 1)
    );
    let file = policy_file::parse("p.yaml", KEEP_ALL, &|_| None).unwrap();
    let mut engine = WhatIf::new(&file.config, 0);
    assert!(matches!(
        engine.send(vec![0xff; 4]),
        Err(WhatIfError::Malformed(_))
    ));
}

#[test]
fn more_traces_than_a_turn_decides_are_all_decided() {
    let traces: Vec<u128> = (1..=5_000).collect();
    let (_, totals) = replayed(KEEP_ALL, &[&traces]);
    assert_eq!((totals.traces, totals.decisions.sampled), (5_000, 5_000));
}
