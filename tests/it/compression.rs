//! Bodies may be plain, gzipped or zstd on both transports, and HTTP answers are gzipped where that is asked for.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;

use crate::support::grpc::{EXPORT, framed};
use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{identifiers, request, span};

fn compressed(encoding: &str, body: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(body, 3).unwrap(),
        _ => body.to_vec(),
    }
}

#[tokio::test]
async fn every_compression_is_taken_on_both_transports() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    let mut sent = Vec::new();
    for (number, encoding) in (1..).zip(["identity", "gzip", "zstd"]) {
        let flag = u8::from(encoding != "identity");
        let over_grpc = request(vec![span(number, 1)]);
        let body = compressed(encoding, &over_grpc.encode_to_vec());
        let answer = client
            .call(EXPORT, &[("grpc-encoding", encoding)], framed(flag, &body))
            .await;
        assert_eq!(answer.message().len(), 0, "{encoding}");

        let over_http = request(vec![span(number, 2)]);
        let body = compressed(encoding, &over_http.encode_to_vec());
        let headers = [http::PROTOBUF, ("content-encoding", encoding)];
        let answer = http::post(replica.http, &headers, body).await;
        assert_eq!(answer.status, 200, "{encoding}");

        let as_json = request(vec![span(number, 3)]);
        let json = tailsieve::otlp::json::encode_request(&as_json.encode_to_vec()).unwrap();
        let headers = [http::JSON, ("content-encoding", encoding)];
        let answer = http::post(replica.http, &headers, compressed(encoding, &json)).await;
        assert_eq!(answer.status, 200, "{encoding}");
        sent.extend([over_grpc, over_http, as_json]);
    }
    replica.settle().await;
    let kept = replica.stop().await.kept;
    assert_eq!(identifiers(&kept), identifiers(&sent));
}

#[tokio::test]
async fn an_answer_is_gzipped_where_that_is_asked_for() {
    let replica = Replica::start("", KEEP_ALL).await;
    let bad = request(vec![span(0, 1)]).encode_to_vec();
    let plain = http::post(replica.http, &[http::PROTOBUF], &bad).await;
    assert_eq!(plain.header("content-encoding"), "");
    let headers = [http::PROTOBUF, ("accept-encoding", "gzip")];
    let gzipped = http::post(replica.http, &headers, &bad).await;
    assert_eq!(gzipped.header("content-encoding"), "gzip");
    let mut inflated = Vec::new();
    GzDecoder::new(gzipped.body.as_slice())
        .read_to_end(&mut inflated)
        .unwrap();
    assert_eq!(inflated, plain.body);
    replica.settle().await;
    replica.stop().await;
}

#[tokio::test]
async fn a_compression_not_known_is_refused_with_those_that_are() {
    let replica = Replica::start("", KEEP_ALL).await;
    let headers = [http::PROTOBUF, ("content-encoding", "br")];
    let answer = http::post(replica.http, &headers, b"x").await;
    assert_eq!(answer.status, 415);
    assert!(answer.header("accept-encoding").contains("zstd"));
    let client = replica.client().await;
    let answer = client
        .call(EXPORT, &[("grpc-encoding", "br")], framed(1, b"x"))
        .await;
    assert_eq!(answer.code(), tonic::Code::Unimplemented);
    assert!(
        answer.headers["grpc-accept-encoding"]
            .to_str()
            .unwrap()
            .contains("zstd")
    );
    replica.stop().await;
}
