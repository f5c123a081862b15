//! Full success leaves `partial_success` unset, in every encoding, for an empty request as well.

use prost::Message;

use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{request, span};
use crate::support::{grpc, http};

#[tokio::test]
async fn a_success_over_grpc_is_an_empty_message() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    let answer = client.export(&request(vec![span(1, 1), span(2, 1)])).await;
    assert_eq!(answer.message().len(), 0);
    let empty = client.call(grpc::EXPORT, &[], grpc::framed(0, &[])).await;
    assert_eq!(empty.message().len(), 0);
    let no_spans = client.export(&request(vec![])).await;
    assert_eq!(no_spans.message().len(), 0);
    assert_eq!(replica.settle().await.spans.kept, 2);
    replica.stop().await;
}

#[tokio::test]
async fn a_success_over_http_is_200_in_the_encoding_of_the_request() {
    let replica = Replica::start("", KEEP_ALL).await;
    let protobuf = request(vec![span(1, 1)]).encode_to_vec();
    for body in [&protobuf[..], &[]] {
        let answer = http::post(replica.http, &[http::PROTOBUF], body).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(answer.header("content-type"), "application/x-protobuf");
    }
    let json = tailsieve::otlp::json::encode_request(&protobuf).unwrap();
    for body in [&json[..], b"{}", b"{\"resourceSpans\":[]}"] {
        let answer = http::post(replica.http, &[http::JSON], body).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let spans = replica.settle().await.spans;
    assert_eq!((spans.received, spans.kept + spans.deduplicated), (2, 2));
    replica.stop().await;
}
