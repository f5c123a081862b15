//! What is no OTLP is refused for good, with the offending field and byte offset, in the encoding of the request.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use tonic::Code;

use crate::support::grpc::{EXPORT, framed};
use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};

/// `resource_spans` of four bytes: `scope_spans` of two, in which `spans` begins and does not end.
const CUT_SHORT: [u8; 6] = [0x0a, 4, 0x12, 2, 0x12, 9];

/// What both transports must say of [`CUT_SHORT`].
fn assert_names_field_and_offset(message: &str) {
    assert!(message.contains("resource_spans"), "{message}");
    assert!(message.contains("scope_spans"), "{message}");
    let offset = message.split(" at byte ").nth(1).expect("an offset");
    let digits: String = offset.chars().take_while(char::is_ascii_digit).collect();
    let offset: usize = digits.parse().unwrap();
    assert!((4..=6).contains(&offset), "{message}");
}

#[tokio::test]
async fn protobuf_cut_short_names_the_field() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    let answer = client.call(EXPORT, &[], framed(0, &CUT_SHORT)).await;
    assert_eq!(answer.code(), Code::InvalidArgument);
    assert_eq!(answer.retry_after(), None);
    assert_names_field_and_offset(answer.status().message());
    let details = answer.details();
    assert_eq!(details.code, Code::InvalidArgument as i32);
    assert_names_field_and_offset(&details.message);

    let answer = http::post(replica.http, &[http::PROTOBUF], CUT_SHORT).await;
    assert_eq!(answer.status, 400);
    assert_names_field_and_offset(&answer.protobuf_status().message);
    assert_eq!(replica.settle().await.spans.received, 0);
    replica.stop().await;
}

#[tokio::test]
async fn json_of_a_wrong_type_names_the_field() {
    let replica = Replica::start("", KEEP_ALL).await;
    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#;
    let answer = http::post(replica.http, &[http::JSON], body).await;
    assert_eq!(answer.status, 400);
    let status = answer.json();
    assert_eq!(status["code"], Code::InvalidArgument as i32);
    let message = status["message"].as_str().unwrap();
    assert!(
        message.contains("resourceSpans[0].scopeSpans[0].spans[0].traceId"),
        "{message}"
    );
    assert!(message.contains(" at byte "), "{message}");
    let cut = http::post(replica.http, &[http::JSON], "{\"resourceSpans\":[").await;
    assert_eq!(cut.status, 400);
    assert!(
        cut.json()["message"]
            .as_str()
            .unwrap()
            .contains(" at byte ")
    );
    replica.stop().await;
}

#[tokio::test]
async fn broken_compression_is_undecodable() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    let mut cut = GzEncoder::new(Vec::new(), Compression::default());
    cut.write_all(&[0; 1_000]).unwrap();
    let mut cut = cut.finish().unwrap();
    cut.truncate(cut.len() - 4);
    for (encoding, body) in [
        ("gzip", &cut[..]),
        ("gzip", b"no gzip"),
        ("zstd", b"no zstd"),
    ] {
        let headers = [http::PROTOBUF, ("content-encoding", encoding)];
        let answer = http::post(replica.http, &headers, body).await;
        assert_eq!(answer.status, 400, "{encoding}");
        assert!(answer.protobuf_status().message.contains(encoding));
        let answer = client
            .call(EXPORT, &[("grpc-encoding", encoding)], framed(1, body))
            .await;
        assert_eq!(answer.code(), Code::InvalidArgument, "{encoding}");
    }
    replica.stop().await;
}
