//! The backend on requests handed to it directly.

use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::faults::{Fault, Faults};
use super::ledger::{Entry, Ledger};
use super::*;
use crate::memory::Budget;

fn span(trace: u8, id: u8, parent: u8) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: vec![parent; if parent == 0 { 0 } else { 8 }],
        start_time_unix_nano: 1_000_000 * u64::from(id),
        end_time_unix_nano: 1_000_000 * (u64::from(id) + 10),
        ..Span::default()
    }
}

fn failed(span: Span) -> Span {
    Span {
        status: Some(Status {
            code: 2,
            ..Status::default()
        }),
        ..span
    }
}

fn request(spans: Vec<Span>) -> ReceivedRequest {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    received(request.encode_to_vec().into())
}

fn received(body: Bytes) -> ReceivedRequest {
    ReceivedRequest {
        charge: Budget::new(0).charge(body.len() as u64),
        body,
        metadata: None,
    }
}

fn backend(faults: Faults) -> Backend {
    Backend::new(faults, Clock::manual(), Some(Ledger::new(5)), None)
}

#[tokio::test]
async fn traces_roots_errors_and_duplicates_are_counted() {
    let backend = backend(Faults::default());
    let first = request(vec![span(1, 1, 0), span(1, 2, 1), failed(span(2, 1, 9))]);
    let second = request(vec![span(1, 2, 1), span(1, 3, 1), span(0, 1, 0)]);
    for request in [first, second] {
        assert_eq!(backend.ingest(request).await, Ok(Accepted::default()));
    }
    let report = backend.report();
    assert_eq!((report.requests, report.spans), (2, 6));
    assert_eq!(
        report.traces,
        Some(TraceCounts {
            traces: 2,
            with_root: 1,
            with_error: 1,
            unique_spans: 4,
            duplicate_spans: 1,
            nameless_spans: 1,
            untracked_spans: 0,
        })
    );
}

#[tokio::test]
async fn the_ledger_has_a_line_for_each_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let backend = backend(Faults::default());
    let spans = vec![failed(span(2, 5, 4)), span(1, 3, 1), span(1, 1, 0)];
    backend.ingest(request(spans)).await.unwrap();
    backend.finish(Some(File::create(&path).unwrap())).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let entries: Vec<Entry> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        entries[0],
        Entry {
            trace_id: "01".repeat(16),
            spans: 2,
            duplicates: 0,
            root: true,
            error: false,
            latency_ms: 12,
        }
    );
    assert!(entries[1].error && !entries[1].root);
    assert_eq!(entries.len(), 2);
}

#[tokio::test]
async fn spans_beyond_the_limit_are_counted_but_not_tracked() {
    let backend = backend(Faults::default());
    let spans = (1..=8).map(|id| span(1, id, 0)).collect();
    backend.ingest(request(spans)).await.unwrap();
    let counts = backend.report().traces.unwrap();
    assert_eq!((counts.unique_spans, counts.untracked_spans), (5, 3));
}

#[tokio::test]
async fn failing_requests_are_not_received() {
    let answer = |fault| async move {
        let backend = backend(Faults {
            outage_for: Duration::from_secs(1),
            fault,
            ..Faults::default()
        });
        let answer = backend.ingest(request(vec![span(1, 1, 0)])).await;
        let report = backend.report();
        assert_eq!((report.spans, report.failed_spans), (0, 1));
        answer
    };
    assert!(matches!(
        answer(Fault::Unavailable).await,
        Err(Refusal::Overloaded(_))
    ));
    assert!(matches!(
        answer(Fault::Refused).await,
        Err(Refusal::Refused(_))
    ));
    assert_eq!(
        answer(Fault::Partial)
            .await
            .unwrap()
            .rejected
            .unwrap()
            .spans,
        1
    );
}

#[tokio::test]
async fn what_is_no_request_is_undecodable() {
    let backend = backend(Faults::default());
    let answer = backend
        .ingest(received(Bytes::from_static(&[0x0a, 9])))
        .await;
    assert_eq!(
        answer,
        Err(Refusal::Undecodable("malformed protobuf at byte 2".into()))
    );
}

#[tokio::test]
async fn requests_are_copied_as_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let file = File::create(&path).unwrap();
    let backend = Backend::new(Faults::default(), Clock::manual(), None, Some(file));
    let bodies = [vec![span(1, 1, 0)], vec![span(1, 2, 1), span(2, 1, 0)]].map(request);
    let sent: Vec<Bytes> = bodies.iter().map(|request| request.body.clone()).collect();
    for body in bodies {
        backend.ingest(body).await.unwrap();
    }
    backend.finish(None).unwrap();
    assert!(backend.report().traces.is_none());
    let text = std::fs::read(path).unwrap();
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 3);
    for (line, sent) in lines.iter().zip(sent) {
        let read = json::decode_request(line).unwrap();
        assert_eq!(
            ExportTraceServiceRequest::decode(&*read).unwrap(),
            ExportTraceServiceRequest::decode(sent).unwrap()
        );
    }
}
