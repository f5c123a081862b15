//! Spans with a bad trace or span ID are refused by `partial_success`, and the rest of their request is taken.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{identifiers, request, span};

/// Two good spans among four bad ones; the first bad one is called `short`.
fn mixed() -> ExportTraceServiceRequest {
    let short = Span {
        trace_id: vec![7; 15],
        name: "short".into(),
        ..span(9, 1)
    };
    let zero_trace = span(0, 1);
    let zero_span = span(9, 0);
    let no_span = Span {
        span_id: vec![],
        ..span(9, 1)
    };
    request(vec![
        span(1, 1),
        short,
        zero_trace,
        span(2, 1),
        zero_span,
        no_span,
    ])
}

#[tokio::test]
async fn they_are_counted_and_the_first_is_shown() {
    let replica = Replica::start("", KEEP_ALL).await;
    let over_grpc = replica.client().await.export(&mixed()).await.response();
    let answer = http::post(replica.http, &[http::PROTOBUF], mixed().encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let over_http = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap();
    assert_eq!(over_grpc, over_http);
    let partial = over_grpc.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 4);
    let message = partial.error_message;
    assert!(message.contains("trace_id"), "{message}");
    assert!(
        message.contains("07070707"),
        "the first is shown: {message}"
    );

    let json = tailsieve::otlp::json::encode_request(&mixed().encode_to_vec()).unwrap();
    let answer = http::post(replica.http, &[http::JSON], json).await;
    let partial = &answer.json()["partialSuccess"];
    assert!(partial["rejectedSpans"] == json!("4") || partial["rejectedSpans"] == json!(4));

    let status = replica.settle().await;
    assert_eq!(status.spans.received, 18);
    assert_eq!(status.spans.refused, 12);
    let kept = replica.stop().await.kept;
    assert_eq!(
        identifiers(&kept),
        identifiers([&request(vec![span(1, 1), span(2, 1)])])
    );
}
