//! Limits on bodies, bytes in flight, memory and metadata combinations, on both transports.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use super::support::*;
use crate::receiver::config::ReceiverConfig;

const PROTOBUF: &str = "application/x-protobuf";

/// A body that does not tell its length.
struct Untold(Bytes);

impl http_body::Body for Untold {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let body = std::mem::take(&mut self.0);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }
}

fn limited(config: &mut ReceiverConfig, bytes: usize) {
    config.http.as_mut().unwrap().max_request_size_bytes = bytes;
    config.grpc.as_mut().unwrap().max_request_size_bytes = bytes;
}

#[tokio::test]
async fn an_http_body_beyond_the_limit_is_413_whether_its_length_is_told_or_not() {
    let fixture = Fixture::configured(|config| limited(config, 1 << 20)).await;
    let large = vec![0_u8; (1 << 20) + 1];
    let told = fixture.post(PROTOBUF, large.clone());
    let untold = fixture.post(PROTOBUF, reqwest::Body::wrap(Untold(large.into())));
    for post in [told, untold] {
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), 413);
        assert!(!answer.headers().contains_key("retry-after"));
        let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
        assert!(text.contains("max_request_size is 1048576"), "{text}");
    }
    assert_eq!(fixture.memory.used_bytes(), 0);
}

#[tokio::test]
async fn an_http_bomb_is_413_within_the_limit() {
    let bomb = bomb();
    let mut config = config();
    limited(&mut config, 4 << 20);
    // What was sent, gathered by doubling when it comes in pieces, and the limit with the byte that tells it from more.
    let memory_bytes = (4 << 20) + 1 + bomb.len() as u64;
    let fixture = Fixture::with(config, Recorder::new(), memory_bytes).await;
    let post = fixture
        .post(PROTOBUF, bomb)
        .header("content-encoding", "gzip");
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    assert!(text.contains("inflated"), "{text}");
    assert_eq!(fixture.memory.used_bytes(), 0);
}

#[tokio::test]
async fn a_body_declared_too_large_is_413_without_being_sent() {
    let fixture = Fixture::start().await;
    let mut stream = TcpStream::connect(fixture.http()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                expect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let fixture = Fixture::configured(|config| {
        config.http.as_mut().unwrap().read_timeout = Duration::from_millis(50);
    })
    .await;
    let mut stream = TcpStream::connect(fixture.http()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 10\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(fixture.memory.used_bytes(), 0);
}

#[tokio::test]
async fn without_room_in_memory_both_transports_say_overload() {
    let fixture = Fixture::with(config(), Recorder::new(), 1_000).await;
    let answer = fixture.post(PROTOBUF, request(200)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
    let client = RawClient::connect(fixture.grpc()).await;
    let status = client
        .export(None, vec![framed(0, &request(200))])
        .await
        .status();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("memory.limit"),
        "{}",
        status.message()
    );
    assert!(fixture.recorder.taken().is_empty());
}

#[tokio::test]
async fn bytes_in_flight_are_held_until_the_answer_and_refuse_what_comes_meanwhile() {
    let recorder = Recorder::holding();
    let body = request(10);
    let mut config = config();
    config.max_bytes_in_flight = body.len() as u64;
    let fixture = Fixture::with(config, recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let first = tokio::spawn({
        let (client, message) = (client.clone(), framed(0, &body));
        async move { client.export(None, vec![message]).await }
    });
    recorder.arrived(1).await;
    // Not even the ingest's letting go of the body makes room.
    drop(recorder.taken());
    let second = client.export(None, vec![framed(0, &body)]).await.status();
    assert_eq!(second.code(), Code::Unavailable);
    assert!(second.message().contains("max_bytes_in_flight"));
    recorder.release(2);
    assert_eq!(first.await.unwrap().code(), 0);
    assert_eq!(client.export(None, vec![framed(0, &body)]).await.code(), 0);
}

#[tokio::test]
async fn the_ingest_gets_the_charge_of_exactly_the_bytes_it_holds() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let body = request(100);
    client.export(None, vec![framed(0, &body)]).await;
    client
        .export(Some("gzip"), vec![framed(1, &gzip(&body))])
        .await;
    let taken = fixture.recorder.taken();
    assert_eq!(fixture.memory.used_bytes(), 2 * body.len() as u64);
    for request in &taken {
        assert_eq!(request.charge.bytes(), body.len() as u64);
    }
    drop(taken);
    assert_eq!(fixture.memory.used_bytes(), 0);
}

#[tokio::test]
async fn named_headers_are_shared_by_both_transports_and_their_combinations_limited() {
    let fixture = Fixture::configured(|config| {
        config.include_metadata = vec!["x-tenant".to_owned()];
        config.metadata_cardinality_limit = 2;
    })
    .await;
    let post = |tenant: &str| fixture.post(PROTOBUF, "").header("x-tenant", tenant).send();
    let client = RawClient::connect(fixture.grpc()).await;
    let call = async |tenant: &str| {
        let mut head = export_head(None);
        head.headers_mut()
            .insert("x-tenant", tenant.parse().unwrap());
        client.send(head, vec![framed(0, b"")]).await
    };
    assert_eq!(post("a").await.unwrap().status(), 200);
    assert_eq!(call("a").await.code(), 0);
    assert_eq!(call("b").await.code(), 0);
    let taken = fixture.recorder.taken();
    let of = |index: usize| taken[index].metadata.as_ref().unwrap();
    assert!(std::sync::Arc::ptr_eq(of(0), of(1)));
    assert_eq!(of(2).0, [("x-tenant".to_owned(), "b".to_owned())]);

    let refused = post("c").await.unwrap();
    assert_eq!(refused.status(), 503);
    let refused = call("c").await.status();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("metadata_cardinality_limit"));
    drop(taken);
    assert_eq!(call("c").await.code(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing_charged() {
    let fixture = Fixture::start().await;
    let mut stream = TcpStream::connect(fixture.http()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 10\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(fixture.receivers.finished(Duration::from_secs(10)).await);
    assert_eq!(fixture.memory.used_bytes(), 0);
    assert!(fixture.recorder.taken().is_empty());
}
