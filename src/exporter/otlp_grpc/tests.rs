//! One attempt over gRPC against a backend on a real socket: every code, every answer.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::exporter::outcome::Retry;
use crate::exporter::test_backend::{Answer, Backend, batch};
use crate::memory::Budget;

async fn attempt(config: &OtlpConfig, text: &str) -> Result<Accepted, Failure> {
    let batch = batch(&Budget::new(0), 5, text);
    GrpcSink::new(config).unwrap().attempt(&batch).await
}

async fn answered(answer: Answer) -> Result<Accepted, Failure> {
    let backend = Backend::start().await;
    backend.will_answer([answer]);
    attempt(&backend.plain_config(), "body").await
}

fn with_retry_info(code: Code, wait: Option<Duration>) -> Status {
    Status::with_error_details(code, "busy", ErrorDetails::with_retry_info(wait))
}

const SOON: Retry = Retry::After(Duration::ZERO);

#[tokio::test]
async fn exactly_the_codes_of_the_specification_are_retried() {
    for code in (1..=16).map(Code::from_i32) {
        let retried = matches!(
            code,
            Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss
        );
        let status = Status::new(code, "no");
        for answer in [Answer::grpc_error(&status), Answer::grpc(&status, &[])] {
            let failure = answered(answer).await.unwrap_err();
            assert_eq!(failure.reason, Reason::Grpc(code));
            assert_eq!(failure.retry == SOON, retried, "{code:?}");
            assert_eq!(failure.retry == Retry::Never, !retried, "{code:?}");
        }
    }
}

#[tokio::test]
async fn resource_exhausted_is_retried_only_with_retry_info() {
    let wait = Duration::from_millis(7_500);
    let cases = [
        (Status::resource_exhausted("no"), Retry::Never),
        (
            with_retry_info(Code::ResourceExhausted, Some(wait)),
            Retry::After(wait),
        ),
        (with_retry_info(Code::ResourceExhausted, None), SOON),
        (
            with_retry_info(Code::Unavailable, Some(wait)),
            Retry::After(wait),
        ),
        (
            with_retry_info(Code::InvalidArgument, Some(wait)),
            Retry::Never,
        ),
    ];
    for (status, retry) in cases {
        let failure = answered(Answer::grpc_error(&status)).await.unwrap_err();
        assert_eq!(failure.retry, retry, "{status:?}");
    }
}

#[tokio::test]
async fn an_answer_of_an_intermediary_counts_as_the_code_that_grpc_gives_it() {
    let cases = [
        (503, Code::Unavailable, SOON),
        (429, Code::Unavailable, SOON),
        (404, Code::Unimplemented, Retry::Never),
        (401, Code::Unauthenticated, Retry::Never),
        (500, Code::Unknown, Retry::Never),
    ];
    for (http, code, retry) in cases {
        let failure = answered(Answer::http(http)).await.unwrap_err();
        assert_eq!((failure.reason, failure.retry), (Reason::Grpc(code), retry));
    }
    let failure = answered(Answer::http(200)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::InvalidResponse);
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
    assert_eq!(seen.path, EXPORT_PATH);
    assert_eq!(&seen.body[..], b"\0\0\0\0\x08the body");
    let header = |name| seen.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/grpc");
    assert_eq!(header("te"), "trailers");
    assert_eq!(header("grpc-timeout"), "10000m");
    assert_eq!(header("authorization"), "Bearer abc");
    assert_eq!(header("x-tenant"), "blue");
    assert!(header("user-agent").starts_with(USER_AGENT));
    assert!(!seen.headers.contains_key("grpc-encoding"));
}

#[tokio::test]
async fn a_compressed_message_can_be_decoded_by_the_server() {
    let backend = Backend::start().await;
    let text = "span ".repeat(100_000);
    for (compression, name) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")] {
        let config = OtlpConfig {
            compression,
            ..backend.plain_config()
        };
        let accepted = attempt(&config, &text).await.unwrap();
        let seen = backend.take_seen().pop().unwrap();
        assert_eq!(seen.headers.get("grpc-encoding").unwrap(), name);
        let (prefix, message) = seen.body.split_at(5);
        assert_eq!(prefix[0], 1);
        assert_eq!(message.len() as u64, accepted.wire_bytes);
        assert!(message.len() < text.len() / 10);
        let plain = match compression {
            Compression::Zstd => zstd::stream::decode_all(message).unwrap(),
            _ => gunzip(message),
        };
        assert_eq!(plain, text.as_bytes());
    }
}

fn gunzip(message: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(message);
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    plain
}

#[tokio::test]
async fn a_partial_success_tells_what_was_rejected() {
    let response = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too old".to_owned(),
        }),
    };
    let answer = Answer::grpc(&Status::ok(""), &response.encode_to_vec());
    let accepted = answered(answer).await.unwrap();
    assert_eq!(accepted.rejected_spans, 2);
    assert_eq!(accepted.message, "too old");
}

#[tokio::test]
async fn an_ok_status_acknowledges_even_when_its_message_cannot_be_read() {
    let answer = Answer::grpc(&Status::ok(""), b"\xff\xff");
    let accepted = answered(answer).await.unwrap();
    assert_eq!(accepted.rejected_spans, 0);
    assert!(accepted.message.contains("cannot be read"));
}

#[tokio::test]
async fn an_endless_answer_is_not_read_beyond_its_limit() {
    let answer = Answer::grpc(&Status::ok(""), &vec![0; 100_000]);
    let failure = answered(answer).await.unwrap_err();
    assert_eq!(failure.reason, Reason::InvalidResponse);
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

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_an_error_at_start() {
    for endpoint in [
        "",
        "localhost:4317",
        "ftp://localhost",
        "http://",
        "http://a b",
    ] {
        let config = OtlpConfig {
            endpoint: endpoint.to_owned(),
            ..OtlpConfig::default()
        };
        let error = GrpcSink::new(&config).err().unwrap();
        assert!(
            matches!(error, StartError::Endpoint { .. }),
            "{endpoint}: {error}"
        );
    }
}
