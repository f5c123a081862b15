//! One attempt over HTTP against a backend on a real socket: every status, every answer.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

use super::*;
use crate::exporter::outcome::Retry;
use crate::exporter::test_backend::{Answer, Backend, batch};
use crate::memory::Budget;

async fn attempt(config: &OtlpConfig, text: &str) -> Result<Accepted, Failure> {
    let batch = batch(&Budget::new(0), 5, text);
    let sink = HttpSink::new(config, Clock::manual()).unwrap();
    sink.attempt(&batch).await
}

async fn answered(answer: Answer) -> Result<Accepted, Failure> {
    let backend = Backend::start().await;
    backend.will_answer([answer]);
    attempt(&backend.plain_config(), "body").await
}

const SOON: Retry = Retry::After(Duration::ZERO);

#[tokio::test]
async fn exactly_the_codes_of_the_specification_are_retried() {
    let statuses = [
        301, 307, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 501, 502, 503, 504, 505,
    ];
    for status in statuses {
        let retried = matches!(status, 429 | 502 | 503 | 504);
        let answer = Answer::http(status).with("location", "/v1/traces");
        let failure = answered(answer).await.unwrap_err();
        let expected = if retried { SOON } else { Retry::Never };
        assert_eq!(failure.retry, expected, "{status}");
        assert_eq!(failure.reason.label().get(..5), Some("http_"));
    }
}

#[tokio::test]
async fn retry_after_is_the_least_wait_in_seconds_or_as_a_date() {
    // The manual clock stands at the epoch.
    let dates = [("7", 7), ("Thu, 01 Jan 1970 00:01:00 GMT", 60)];
    for (retry_after, seconds) in dates {
        let answer = Answer::http(503).with("retry-after", retry_after);
        let failure = answered(answer).await.unwrap_err();
        let wait_min = Duration::from_secs(seconds);
        assert_eq!(failure.retry, Retry::After(wait_min));
    }
}

#[tokio::test]
async fn a_request_arrives_as_the_protocol_wants_it_with_its_headers() {
    let backend = Backend::start().await;
    let config = OtlpConfig {
        headers: vec![("authorization".to_owned(), "Bearer abc".to_owned())],
        ..backend.plain_config()
    };
    let accepted = attempt(&config, "the body").await.unwrap();
    assert_eq!(accepted.wire_bytes, 8);
    let seen = backend.take_seen().pop().unwrap();
    assert_eq!(seen.path, "/v1/traces");
    assert_eq!(&seen.body[..], b"the body");
    let header = |name| seen.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/x-protobuf");
    assert_eq!(header("authorization"), "Bearer abc");
    assert_eq!(header("x-tenant"), "blue");
    assert_eq!(header("user-agent"), USER_AGENT);
    assert!(!seen.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_path_in_the_endpoint_is_used_as_it_is() {
    let backend = Backend::start().await;
    let mut config = backend.plain_config();
    config.endpoint.push_str("/otlp/v1/traces");
    attempt(&config, "body").await.unwrap();
    let seen = backend.take_seen().pop().unwrap();
    assert_eq!(seen.path, "/otlp/v1/traces");
}

#[tokio::test]
async fn a_compressed_body_can_be_decoded_by_the_server() {
    let backend = Backend::start().await;
    let text = "span ".repeat(100_000);
    for (compression, name) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")] {
        let config = OtlpConfig {
            compression,
            ..backend.plain_config()
        };
        attempt(&config, &text).await.unwrap();
        let seen = backend.take_seen().pop().unwrap();
        assert_eq!(seen.headers.get("content-encoding").unwrap(), name);
        assert!(seen.body.len() < text.len() / 10);
        let mut plain = Vec::new();
        if compression == Compression::Zstd {
            plain = zstd::stream::decode_all(&*seen.body).unwrap();
        } else {
            let mut decoder = flate2::read::GzDecoder::new(&*seen.body);
            std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
        }
        assert_eq!(plain, text.as_bytes());
    }
}

#[tokio::test]
async fn a_partial_success_tells_what_was_rejected() {
    let response = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too old".to_owned(),
        }),
    };
    let answer = Answer::protobuf(200, response.encode_to_vec());
    let accepted = answered(answer).await.unwrap();
    assert_eq!(accepted.rejected_spans, 2);
    assert_eq!(accepted.message, "too old");
}

#[tokio::test]
async fn a_success_acknowledges_whatever_its_body_is() {
    let json = Answer::http(202)
        .with("content-type", "application/json")
        .with_body("{}");
    assert_eq!(answered(json).await.unwrap().message, "");
    for body in [vec![0xff; 4], vec![0; 100_000]] {
        let accepted = answered(Answer::protobuf(200, body)).await.unwrap();
        assert_eq!(accepted.rejected_spans, 0);
        assert!(accepted.message.contains("cannot be read"));
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_kept() {
    let status = tonic_types::Status {
        code: 3,
        message: "bad span".to_owned(),
        details: Vec::new(),
    };
    let failure = answered(Answer::protobuf(400, status.encode_to_vec())).await;
    assert_eq!(
        failure.unwrap_err().message,
        "HTTP 400 Bad Request bad span"
    );
    let failure = answered(Answer::http(401).with_body("who?")).await;
    assert_eq!(failure.unwrap_err().message, "HTTP 401 Unauthorized who?");
}

#[tokio::test]
async fn silence_and_absence_are_retried() {
    let backend = Backend::start().await;
    backend.will_answer([Answer::never()]);
    let config = OtlpConfig {
        timeout: Duration::from_millis(50),
        ..backend.plain_config()
    };
    let failure = attempt(&config, "body").await.unwrap_err();
    assert_eq!((failure.reason, failure.retry), (Reason::Timeout, SOON));
    let config = OtlpConfig {
        timeout: Duration::from_secs(10),
        ..config
    };
    drop(backend);
    let failure = attempt(&config, "body").await.unwrap_err();
    assert_eq!((failure.reason, failure.retry), (Reason::Connection, SOON));
}

#[test]
fn an_endpoint_that_is_no_url_is_an_error_at_start() {
    for endpoint in [
        "",
        "localhost:4318",
        "ftp://localhost",
        "http://",
        "http://a b",
    ] {
        let error = traces_url(endpoint).unwrap_err();
        assert!(
            matches!(error, StartError::Endpoint { .. }),
            "{endpoint}: {error}"
        );
    }
}

#[test]
fn only_this_machine_is_reached_past_a_proxy() {
    let here = |text: &str| is_this_machine(&Url::parse(text).unwrap());
    assert!(here("http://localhost:4318"));
    assert!(here("http://127.0.0.1:4318"));
    assert!(here("http://[::1]:4318"));
    assert!(!here("http://tempo.example:4318"));
    assert!(!here("http://10.0.0.1:4318"));
}
