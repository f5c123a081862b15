//! A span with an attribute that cannot be decoded is taken without it, decided and exported; the client is warned.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tonic::Code;

use crate::support::grpc::{EXPORT, framed};
use crate::support::http;
use crate::support::replica::Replica;
use crate::support::spans::{attribute, by_trace, failed, request, span};

const KEEP_ERRORS: &str = "decision_wait: 50ms\n\
    policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n";
const METRIC: &str = "tailsieve_router_attributes_malformed_total";

/// A trace of two spans, one of them failed, and one of a trace without errors.
fn spans(trace: u128) -> ExportTraceServiceRequest {
    request(vec![
        span(trace, 1),
        failed(span(trace, 2)),
        span(trace + 1, 1),
    ])
}

/// The same encoded, the failed span with an attribute more: its text is Latin-1.
fn with_malformed(trace: u128) -> Vec<u8> {
    let mut request = spans(trace);
    let text = Value::StringValue("caf\u{0}".to_owned());
    let attributes = &mut request.resource_spans[0].scope_spans[0].spans[1].attributes;
    attributes.insert(0, attribute("place", text));
    let mut bytes = request.encode_to_vec();
    let at = bytes.windows(4).position(|four| four == b"caf\0").unwrap();
    bytes[at + 3] = 0xe9;
    assert!(ExportTraceServiceRequest::decode(bytes.as_slice()).is_err());
    bytes
}

/// The warning: nothing rejected, and which attribute.
fn assert_warns(response: ExportTraceServiceResponse) {
    let partial = response.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 0);
    let message = partial.error_message;
    assert!(
        message.starts_with("1 malformed attributes left out"),
        "{message}"
    );
    assert!(
        message.contains("spans.attributes.value.string_value at byte "),
        "{message}"
    );
}

#[tokio::test]
async fn its_trace_is_decided_and_kept_with_all_other_attributes() {
    let replica = Replica::start("", KEEP_ERRORS).await;
    let client = replica.client().await;
    assert_eq!(replica.metric(METRIC).await, 0.0);
    let answer = client
        .call(EXPORT, &[], framed(0, &with_malformed(1)))
        .await;
    assert_warns(answer.response());
    let answer = http::post(replica.http, &[http::PROTOBUF], with_malformed(11)).await;
    assert_eq!(answer.status, 200);
    assert_warns(ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap());
    let answer = client.export(&spans(21)).await;
    assert_eq!(answer.response().partial_success, None);

    let status = replica.settle().await;
    assert_eq!((status.spans.received, status.spans.refused), (9, 0));
    assert_eq!(replica.metric(METRIC).await, 2.0);
    replica.returns_memory().await;
    let message = "malformed attributes were left out of a request";
    assert_eq!(replica.times_logged(message), 1);

    let sent = [spans(1), spans(11), spans(21)];
    let mut expected = by_trace(&sent);
    expected.retain(|_, spans| spans.len() == 2);
    let kept = replica.stop().await.kept;
    assert_eq!(by_trace(&kept), expected);
}

#[tokio::test]
async fn another_string_that_is_not_utf8_refuses_the_request_as_ever() {
    let replica = Replica::start("", KEEP_ERRORS).await;
    let mut bytes = with_malformed(1);
    let name = b"operation 2";
    let at = bytes.windows(name.len()).position(|it| it == name).unwrap();
    bytes[at] = 0xff;
    let client = replica.client().await;
    let answer = client.call(EXPORT, &[], framed(0, &bytes)).await;
    assert_eq!(answer.code(), Code::InvalidArgument);
    let message = answer.status().message().to_owned();
    assert!(message.contains("spans.name at byte "), "{message}");
    assert_eq!(replica.settle().await.spans.received, 0);
    assert_eq!(replica.metric(METRIC).await, 0.0);
    replica.stop().await;
}
