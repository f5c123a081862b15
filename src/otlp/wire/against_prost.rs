//! The walk held against prost's decoding of the same bytes. For property tests here and for the fuzz target `walk`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "only tests and fuzzing build this, and there a panic is the finding"
)]

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::{
    Counted, ScopeEnvelope, SpanHeader, SpanStatus, WalkedRequest, read_span_header, walk_request,
};

/// Panics unless the walk of `bytes` has prost's verdict, and finds the same spans with the same header fields in the
/// same resources and scopes.
pub fn assert_same_as_prost(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let walked = walk_request(&body);
    if let Ok(walked) = &walked {
        let counted = Counted::of(&body);
        let spans = walked.spans.len() + walked.rejected.count as usize;
        assert_eq!(counted.spans, spans);
        assert!(counted.scopes >= walked.scopes.len());
    }
    let decoded = ExportTraceServiceRequest::decode(bytes);
    assert_eq!(
        walked.is_ok(),
        decoded.is_ok(),
        "walk {walked:?}, prost {decoded:?}"
    );
    if let (Ok(walked), Ok(decoded)) = (walked, decoded) {
        assert_same_spans(bytes, &walked, &decoded);
    }
}

fn assert_same_spans(bytes: &[u8], walked: &WalkedRequest, decoded: &ExportTraceServiceRequest) {
    let mut headers = walked.spans.iter();
    let mut rejected = 0;
    for resource_spans in &decoded.resource_spans {
        for scope_spans in &resource_spans.scope_spans {
            for span in &scope_spans.spans {
                if !has_good_identifiers(span) {
                    rejected += 1;
                    continue;
                }
                let header = headers.next().expect("prost found one span more");
                assert_same_header(bytes, header, span);
                let envelope = &walked.scopes[header.scope_index as usize];
                assert_envelope(envelope, resource_spans, scope_spans);
            }
        }
    }
    assert_eq!(headers.next(), None);
    assert_eq!(walked.rejected.count, rejected);
    assert_eq!(walked.rejected.first.is_some(), rejected > 0);
}

fn has_good_identifiers(span: &Span) -> bool {
    let is_good = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    is_good(&span.trace_id, 16)
        && is_good(&span.span_id, 8)
        && matches!(span.parent_span_id.len(), 0 | 8)
        && span.links.iter().all(|link| {
            matches!(link.trace_id.len(), 0 | 16) && matches!(link.span_id.len(), 0 | 8)
        })
}

fn assert_same_header(bytes: &[u8], header: &SpanHeader, span: &Span) {
    assert_eq!(header.trace_id.0, span.trace_id.as_slice());
    assert_eq!(header.span_id.0, span.span_id.as_slice());
    assert_eq!(header.start_ns, span.start_time_unix_nano);
    assert_eq!(header.end_ns, span.end_time_unix_nano);
    let has_no_parent = span.parent_span_id.iter().all(|byte| *byte == 0);
    assert_eq!(header.is_root, has_no_parent);
    assert_eq!(header.has_sampled_flag, span.flags & 1 == 1);
    let status = match span.status.as_ref().map_or(0, |status| status.code) {
        0 => SpanStatus::Unset,
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => SpanStatus::Unknown,
    };
    assert_eq!(header.status, status);
    let range = header.offset as usize..(header.offset + header.length) as usize;
    let raw = &bytes[range];
    assert_eq!(encoded(&Span::decode(raw).unwrap()), encoded(span));
    assert_eq!(read_span_header(raw).unwrap().span_id, header.span_id);
}

fn assert_envelope(
    envelope: &ScopeEnvelope,
    resource_spans: &ResourceSpans,
    scope_spans: &ScopeSpans,
) {
    let resource = ResourceSpans::decode(envelope.resource.clone()).unwrap();
    assert_eq!(
        resource.resource.as_ref().map(encoded),
        resource_spans.resource.as_ref().map(encoded)
    );
    assert_eq!(resource.schema_url, resource_spans.schema_url);
    assert!(resource.scope_spans.is_empty());
    let scope = ScopeSpans::decode(envelope.scope.clone()).unwrap();
    assert_eq!(
        scope.scope.as_ref().map(encoded),
        scope_spans.scope.as_ref().map(encoded)
    );
    assert_eq!(scope.schema_url, scope_spans.schema_url);
    assert!(scope.spans.is_empty());
}

/// Messages are compared encoded: a double that is not a number differs from itself.
fn encoded(message: &impl Message) -> Vec<u8> {
    message.encode_to_vec()
}
