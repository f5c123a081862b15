//! OTLP/HTTP as clients of OpenTelemetry use it.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic_types::pb::Status;

use super::support::*;
use crate::receiver::ingest::{Accepted, Refusal, Rejected};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The answer's code and its body as a `google.rpc.Status`, checked to be in the encoding of `content_type`.
async fn failure(answer: reqwest::Response, content_type: &str) -> (u16, Status) {
    let code = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], content_type);
    let body = answer.bytes().await.unwrap();
    if content_type == PROTOBUF {
        return (code, Status::decode(body).unwrap());
    }
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let status = Status {
        code: json["code"].as_i64().unwrap().try_into().unwrap(),
        message: json["message"].as_str().unwrap().to_owned(),
        details: Vec::new(),
    };
    (code, status)
}

fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut out).unwrap();
    out
}

#[tokio::test]
async fn full_success_is_200_with_a_body_of_the_requests_type_and_nothing_in_it() {
    let fixture = Fixture::start().await;
    for (content_type, sent, expected) in [
        (PROTOBUF, request(100), ""),
        (JSON, Bytes::from(r#"{"resourceSpans":[]}"#), "{}"),
        ("application/json; charset=utf-8", Bytes::from("{}"), "{}"),
    ] {
        let answer = fixture.post(content_type, sent).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answered_type = answer.headers()["content-type"].to_str().unwrap();
        assert!(content_type.starts_with(answered_type));
        assert_eq!(
            answer.headers()["content-length"],
            expected.len().to_string()
        );
        assert_eq!(answer.text().await.unwrap(), expected);
    }
    assert_eq!(fixture.recorder.taken()[0].body, request(100));
}

#[tokio::test]
async fn an_empty_body_is_an_empty_request_and_succeeds() {
    let fixture = Fixture::start().await;
    let answer = fixture.post(PROTOBUF, "").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(fixture.recorder.only_body(), "");
}

#[tokio::test]
async fn json_reaches_the_ingest_as_protobuf() {
    let fixture = Fixture::start().await;
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"07070707070707070707070707070707","spanId":"0000000000000001","name":"operation 0"}
    ]}]}]}"#;
    let answer = fixture.post(JSON, json).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let taken = fixture.recorder.taken();
    assert_eq!(taken[0].body, request(1));
    assert!(taken[0].charge.bytes() >= taken[0].body.len() as u64);
}

#[tokio::test]
async fn gzip_and_zstd_bodies_reach_the_ingest_inflated() {
    let fixture = Fixture::start().await;
    let bodies = [
        ("gzip", gzip(&request(100))),
        ("zstd", zstd(&request(100))),
        ("identity", request(100)),
    ];
    for (encoding, body) in bodies {
        let post = fixture.post(PROTOBUF, body);
        let answer = post
            .header("content-encoding", encoding)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{encoding}");
        assert_eq!(fixture.recorder.only_body(), request(100));
    }
    let post = fixture.post(JSON, gzip(b"{}"));
    let answer = post
        .header("content-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "{}");
}

#[tokio::test]
async fn rejected_spans_are_told_by_partial_success_in_the_requests_encoding() {
    let rejected = Rejected {
        spans: 3,
        message: "no trace ID".to_owned(),
    };
    let accepted = Accepted {
        rejected: Some(rejected),
    };
    let fixture = Fixture::answering(Ok(accepted)).await;
    let answer = fixture.post(PROTOBUF, request(5)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(body).unwrap();
    let partial = partial.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, &*partial.error_message),
        (3, "no trace ID")
    );

    let answer = fixture.post(JSON, "{}").send().await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let expected = serde_json::json!(
        {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "no trace ID"}}
    );
    assert_eq!(json, expected);
}

#[tokio::test]
async fn answers_are_gzipped_where_asked_for() {
    let fixture = Fixture::start().await;
    for (content_type, sent, expected) in [
        (PROTOBUF, "", ""),
        (JSON, "{}", "{}"),
        (JSON, "{", "{\"code\":3"),
    ] {
        let post = fixture.post(content_type, sent);
        let answer = post.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        let body = gunzip(&answer.bytes().await.unwrap());
        assert!(String::from_utf8(body).unwrap().starts_with(expected));

        let post = fixture.post(content_type, sent);
        let answer = post
            .header("accept-encoding", "gzip;q=0")
            .send()
            .await
            .unwrap();
        assert!(!answer.headers().contains_key("content-encoding"));
    }
}

#[tokio::test]
async fn undecodable_is_400_in_the_requests_encoding_and_names_the_place() {
    let why = "resource_spans[0]: wrong wire type at byte 17";
    let fixture = Fixture::answering(Err(Refusal::Undecodable(why.to_owned()))).await;
    for (content_type, body) in [(PROTOBUF, request(1)), (JSON, Bytes::from("{}"))] {
        let answer = fixture.post(content_type, body).send().await.unwrap();
        let (code, status) = failure(answer, content_type).await;
        assert_eq!((code, status.code, &*status.message), (400, 3, why));
        if content_type == PROTOBUF {
            let detail = &status.details[0];
            assert_eq!(detail.type_url, "type.googleapis.com/google.rpc.BadRequest");
        }
    }
}

#[tokio::test]
async fn broken_json_and_broken_compression_are_400_with_the_offset() {
    let fixture = Fixture::start().await;
    let json = r#"{"resourceSpans":[{"scopeSpans":17}]}"#;
    let answer = fixture.post(JSON, json).send().await.unwrap();
    let (code, status) = failure(answer, JSON).await;
    assert_eq!((code, status.code), (400, 3));
    assert!(
        status.message.contains("resourceSpans[0].scopeSpans")
            && status.message.contains("at byte"),
        "{}",
        status.message
    );
    let whole = gzip(&request(9));
    let cut = whole.slice(..whole.len() - 9);
    let post = fixture.post(PROTOBUF, cut.clone());
    let answer = post
        .header("content-encoding", "gzip")
        .send()
        .await
        .unwrap();
    let (code, status) = failure(answer, PROTOBUF).await;
    assert_eq!(code, 400);
    assert!(
        status
            .message
            .contains(&format!("at byte {0} of {0}", cut.len()))
    );
    assert!(fixture.recorder.taken().is_empty());
}

#[tokio::test]
async fn overload_and_shutdown_are_503_with_retry_after_in_whole_seconds() {
    for refusal in [
        Refusal::Overloaded("full".to_owned()),
        Refusal::ShuttingDown,
    ] {
        let fixture = Fixture::answering(Err(refusal.clone())).await;
        let answer = fixture.post(PROTOBUF, request(1)).send().await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "2");
        let (code, status) = failure(answer, PROTOBUF).await;
        assert_eq!(
            (code, status.code, status.message),
            (503, 14, refusal.to_string())
        );
    }
}

#[tokio::test]
async fn what_the_ingest_does_not_want_is_403() {
    let fixture = Fixture::answering(Err(Refusal::Refused("no".to_owned()))).await;
    let answer = fixture.post(JSON, "{}").send().await.unwrap();
    let (code, status) = failure(answer, JSON).await;
    assert_eq!((code, status.code), (403, 7));
}

#[tokio::test]
async fn another_content_type_is_415_and_told_what_would_be_right() {
    let fixture = Fixture::start().await;
    for content_type in ["text/plain", "application/protobuf", "application/grpc"] {
        let answer = fixture.post(content_type, "x").send().await.unwrap();
        let (code, status) = failure(answer, JSON).await;
        assert_eq!(code, 415);
        assert!(
            status.message.contains("application/x-protobuf") || status.message.contains("4317"),
            "{}",
            status.message
        );
    }
    let bare = client().post(fixture.url("/v1/traces")).body("x");
    let (code, _) = failure(bare.send().await.unwrap(), JSON).await;
    assert_eq!(code, 415);
}

#[tokio::test]
async fn another_content_encoding_is_415_with_accept_encoding() {
    let fixture = Fixture::start().await;
    let post = fixture.post(PROTOBUF, "x").header("content-encoding", "br");
    let answer = post.send().await.unwrap();
    assert_eq!(answer.headers()["accept-encoding"], "identity,gzip,zstd");
    let (code, status) = failure(answer, PROTOBUF).await;
    assert_eq!(code, 415);
    assert!(status.message.contains("gzip, zstd"));
}

#[tokio::test]
async fn other_paths_are_404_and_other_signals_told_traces_only() {
    let fixture = Fixture::start().await;
    for (path, hint) in [
        ("/v1/logs", "traces only"),
        ("/v1/metrics", "traces only"),
        ("/v1development/profiles", "traces only"),
        ("/v1/traces/", "/v1/traces"),
        ("/", "/v1/traces"),
    ] {
        let post = client()
            .post(fixture.url(path))
            .header("content-type", PROTOBUF);
        let answer = post.body("x").send().await.unwrap();
        let (code, status) = failure(answer, PROTOBUF).await;
        assert_eq!(code, 404);
        assert!(status.message.contains(hint), "{}", status.message);
    }
}

#[tokio::test]
async fn other_methods_are_405_with_allow() {
    let fixture = Fixture::start().await;
    for method in [http::Method::GET, http::Method::PUT, http::Method::OPTIONS] {
        let answer = client().request(method, fixture.url("/v1/traces"));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.headers()["allow"], "POST");
        let (code, _) = failure(answer, JSON).await;
        assert_eq!(code, 405);
    }
}

#[tokio::test]
async fn http2_without_tls_is_served_too() {
    let fixture = Fixture::start().await;
    let client = client_builder().http2_prior_knowledge().build().unwrap();
    let post = client
        .post(fixture.url("/v1/traces"))
        .header("content-type", PROTOBUF);
    let answer = post.body(request(100)).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, http::Version::HTTP_2)
    );
    assert_eq!(fixture.recorder.only_body(), request(100));
}
