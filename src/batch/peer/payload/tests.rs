//! Payloads hold exactly the spans of their sub-batches, each within its own resource and scope.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::batch::key::KeyHash;
use crate::batch::sub_batch::{SharedRequest, TraceSpans};
use crate::memory::Budget;
use crate::otlp::wire::walk_request;

/// A span, and the names of its resource and scope.
type Placed = (String, String, Vec<u8>);

/// A request of scopes, each given as resource, name, and its spans' traces and name lengths.
/// Number of the resource, number of the scope, and of each span its trace and its size.
type Scope = (u8, u8, Vec<(u8, u16)>);

fn request(scopes: &[Scope]) -> ExportTraceServiceRequest {
    let mut number = 0_u64;
    let resource_spans = scopes.iter().map(|(resource, scope, spans)| {
        let spans = spans.iter().map(|(trace, length)| {
            number += 1;
            Span {
                trace_id: vec![*trace; 16],
                span_id: number.to_be_bytes().to_vec(),
                name: "n".repeat(usize::from(*length)),
                ..Span::default()
            }
        });
        ResourceSpans {
            schema_url: format!("r{resource}"),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: format!("s{scope}"),
                    ..InstrumentationScope::default()
                }),
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

/// All spans of a request as one sub-batch, grouped by trace.
fn sub_batch(request: &ExportTraceServiceRequest) -> SubBatch {
    let body = Bytes::from(request.encode_to_vec());
    let walked = walk_request(&body).unwrap();
    let charge = Budget::new(0).charge(0);
    let mut spans = walked.spans;
    spans.sort_by_key(|span| span.trace_id.0);
    let mut traces: Vec<TraceSpans> = Vec::new();
    for span in &spans {
        if traces
            .last()
            .is_none_or(|last| last.trace_id != span.trace_id)
        {
            traces.push(TraceSpans {
                trace_id: span.trace_id,
                hash: KeyHash::of(span.trace_id, None),
                span_count: 0,
                span_bytes: 0,
            });
        }
        let last = traces.last_mut().unwrap();
        last.span_count += 1;
        last.span_bytes += u64::from(span.length);
    }
    let room = charge.budget().charge(0);
    let request = Arc::new(SharedRequest {
        body,
        scopes: walked.scopes,
        metadata: None,
        origin: None,
        charge,
    });
    SubBatch {
        request,
        traces,
        spans,
        room,
    }
}

fn placed(request: &ExportTraceServiceRequest) -> Vec<Placed> {
    let mut placed = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            let name = scope.scope.as_ref().unwrap().name.clone();
            for span in &scope.spans {
                let resource = resource.schema_url.clone();
                placed.push((resource, name.clone(), span.encode_to_vec()));
            }
        }
    }
    placed.sort();
    placed
}

proptest! {
    #[test]
    fn payloads_hold_the_spans_of_their_sub_batches_each_in_its_scope(
        requests in vec(vec((0_u8..2, 0_u8..2, vec((1_u8..5, 0_u16..300), 0..8)), 0..4), 1..4),
        bytes_max in 100_usize..3_000,
    ) {
        let requests: Vec<_> = requests.iter().map(|scopes| request(scopes)).collect();
        let mut payloads = Vec::new();
        let mut writer = PayloadWriter::default();
        for request in &requests {
            let part = sub_batch(request);
            let mut spans = SpansToWrite::new(&part);
            loop {
                writer.append(&mut spans, bytes_max);
                if spans.is_done() {
                    break;
                }
                payloads.push(std::mem::take(&mut writer));
            }
        }
        payloads.push(writer);
        let mut found = Vec::new();
        for writer in payloads {
            let spans = writer.spans();
            let payload = writer.finish();
            prop_assert!(payload.len() <= bytes_max || spans == 1);
            let decoded = ExportTraceServiceRequest::decode(payload.as_slice()).unwrap();
            let of_payload = placed(&decoded);
            prop_assert_eq!(of_payload.len() as u64, spans);
            found.extend(of_payload);
        }
        found.sort();
        let mut sent: Vec<Placed> = requests.iter().flat_map(placed).collect();
        sent.sort();
        prop_assert_eq!(found, sent);
    }
}

#[test]
fn spans_of_one_scope_share_it_over_requests_and_where_traces_alternate() {
    let first = request(&[(0, 0, vec![(1, 5), (2, 5)]), (0, 1, vec![(1, 5), (2, 5)])]);
    let second = request(&[(0, 1, vec![(3, 5)])]);
    let mut writer = PayloadWriter::default();
    let mut bytes_max = 0;
    for request in [first, second] {
        let part = sub_batch(&request);
        let mut spans = SpansToWrite::new(&part);
        bytes_max += spans.bytes_max();
        writer.append(&mut spans, usize::MAX);
    }
    let payload = writer.finish();
    assert!(payload.len() <= bytes_max);
    let decoded = ExportTraceServiceRequest::decode(payload.as_slice()).unwrap();
    let scopes: Vec<usize> = decoded
        .resource_spans
        .iter()
        .map(|resource| resource.scope_spans.len())
        .collect();
    assert_eq!(scopes, [2]);
}
