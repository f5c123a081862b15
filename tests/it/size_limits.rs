//! A body beyond the limit, as sent or as inflated, is refused for good, and a bomb is not inflated beyond the limit.

use std::io::{Write, copy, repeat};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tonic::Code;

use crate::support::grpc::{EXPORT, GrpcAnswer, framed};
use crate::support::http::{self, HttpAnswer};
use crate::support::replica::{KEEP_ALL, Replica};

const LIMITS: &str = "\
receivers: {otlp: {protocols: {grpc: {max_request_size: 64KiB}, http: {max_request_size: 64KiB}}}}
";
const LIMIT_BYTES: usize = 64 << 10;
const GZIP_BOMB_BYTES: u64 = 64 << 20;
const ZSTD_BOMB_BYTES: u64 = 1 << 30;
/// Far above what the process needs, far below what the larger bomb would take.
const PEAK_BYTES_MAX: u64 = 400 << 20;

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    copy(
        &mut std::io::Read::take(repeat(0), GZIP_BOMB_BYTES),
        &mut encoder,
    )
    .unwrap();
    encoder.finish().unwrap()
}

fn zstd_bomb() -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..ZSTD_BOMB_BYTES >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn assert_too_large_over_grpc(answer: &GrpcAnswer, what: &str) {
    let status = answer.status();
    assert_eq!(status.code(), Code::ResourceExhausted, "{what}: {status:?}");
    assert_eq!(answer.retry_after(), None, "{what}: a retry cannot help");
    assert!(
        status.message().contains("max_request_size"),
        "{what}: {status:?}"
    );
}

fn assert_too_large_over_http(answer: &HttpAnswer, what: &str) {
    assert_eq!(answer.status, 413, "{what}");
    assert_eq!(
        answer.header("retry-after"),
        "",
        "{what}: a retry cannot help"
    );
    let status = answer.protobuf_status();
    assert_eq!(status.code, Code::ResourceExhausted as i32, "{what}");
    assert!(
        status.message.contains("max_request_size"),
        "{what}: {status:?}"
    );
}

#[tokio::test]
async fn a_body_too_large_as_sent_is_refused() {
    let replica = Replica::start(LIMITS, KEEP_ALL).await;
    let client = replica.client().await;
    let large = vec![0; LIMIT_BYTES + 1];
    let answer = client.call(EXPORT, &[], framed(0, &large)).await;
    assert_too_large_over_grpc(&answer, "message");
    let answer = http::post(replica.http, &[http::PROTOBUF], &large).await;
    assert_too_large_over_http(&answer, "body");
    replica.settle().await;
    replica.stop().await;
}

#[tokio::test]
async fn a_declared_length_is_refused_before_its_bytes_arrive() {
    let replica = Replica::start(LIMITS, KEEP_ALL).await;
    let client = replica.client().await;
    for (flag, encoding) in [(0, "identity"), (1, "gzip"), (1, "zstd")] {
        let mut prefix = vec![flag];
        prefix.extend(u32::MAX.to_be_bytes());
        let headers = [("grpc-encoding", encoding)];
        let answer = client.call(EXPORT, &headers, Bytes::from(prefix)).await;
        assert_too_large_over_grpc(&answer, encoding);
    }
    replica.stop().await;
}

#[tokio::test]
async fn a_bomb_is_refused_at_the_limit() {
    let default_limits = "";
    let replica = Replica::start(default_limits, KEEP_ALL).await;
    let small_limits = Replica::start(LIMITS, KEEP_ALL).await;
    for (encoding, bomb) in [("gzip", gzip_bomb()), ("zstd", zstd_bomb())] {
        let client = small_limits.client().await;
        let headers = [("grpc-encoding", encoding)];
        let answer = client.call(EXPORT, &headers, framed(1, &bomb)).await;
        assert_too_large_over_grpc(&answer, encoding);
        let headers = [http::PROTOBUF, ("content-encoding", encoding)];
        let answer = http::post(small_limits.http, &headers, &bomb).await;
        assert_too_large_over_http(&answer, encoding);
    }
    let headers = [http::PROTOBUF, ("content-encoding", "zstd")];
    let answer = http::post(replica.http, &headers, zstd_bomb()).await;
    assert_too_large_over_http(&answer, "beyond the default limit");
    for replica in [replica, small_limits] {
        if let Some(peak) = replica.peak_memory_bytes() {
            assert!(peak < PEAK_BYTES_MAX, "{peak} bytes at the peak");
        }
        replica.settle().await;
        replica.returns_memory().await;
        replica.stop().await;
    }
}
