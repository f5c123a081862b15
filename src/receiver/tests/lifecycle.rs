//! Start, age of connections, and the end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::support::*;
use crate::clock::Clock;
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::receiver::Receivers;

/// Far more than anything here takes; reached only when a test fails.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_endpoint_and_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = taken.local_addr().unwrap();
    let mut config = config();
    config.http.as_mut().unwrap().endpoint = endpoint;
    let metrics = Registry::new().receiver();
    let memory = Budget::new(1);
    let error = Receivers::start(config, Recorder::new(), memory, metrics, Clock::system())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {endpoint} (receivers.otlp.protocols.http.endpoint)")
    );
}

#[tokio::test]
async fn a_protocol_that_is_not_configured_is_not_served() {
    let fixture = Fixture::configured(|config| config.http = None).await;
    assert!(fixture.receivers.http_addr.is_none());
    assert!(fixture.receivers.grpc_addr.is_some());
}

#[tokio::test]
async fn requests_after_stop_admitting_are_refused_as_retryable_on_both_transports() {
    let fixture = Fixture::start().await;
    fixture.receivers.stop_admitting();
    let client = RawClient::connect(fixture.grpc()).await;
    let status = client.export(None, vec![framed(0, b"")]).await.status();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unavailable, "shutting down")
    );
    assert!(!status.details().is_empty(), "RetryInfo");
    let answer = fixture.post("application/json", "{}").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
    assert!(fixture.recorder.taken().is_empty());
}

#[tokio::test]
async fn a_request_under_way_at_shutdown_is_answered() {
    let recorder = Recorder::holding();
    let fixture = Fixture::with(config(), recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let call = tokio::spawn(async move { client.export(None, vec![framed(0, b"")]).await });
    let post = tokio::spawn(fixture.post("application/json", "{}").send());
    recorder.arrived(2).await;
    let finished = tokio::spawn(fixture.receivers.finished(LONG));
    recorder.release(2);
    assert_eq!(call.await.unwrap().code(), 0);
    assert_eq!(post.await.unwrap().unwrap().status(), 200);
    assert!(finished.await.unwrap());
}

#[tokio::test]
async fn connections_that_outlast_the_grace_are_dropped() {
    let recorder = Recorder::holding();
    let fixture = Fixture::with(config(), recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let (answer, mut stream) = client.open(export_head(None)).await;
    stream.send_data(framed(0, b""), true).unwrap();
    recorder.arrived(1).await;
    assert!(!fixture.receivers.finished(Duration::ZERO).await);
    assert!(answer.await.is_err());
}

#[tokio::test]
async fn health_checks_learn_of_the_shutdown_and_do_not_hold_it_up() {
    let fixture = Fixture::start().await;
    let endpoint = Channel::from_shared(format!("http://{}", fixture.grpc())).unwrap();
    let mut health = HealthClient::new(endpoint.connect().await.unwrap());
    let watch = HealthCheckRequest::default();
    let mut changes = health.watch(watch.clone()).await.unwrap().into_inner();
    let first = changes.message().await.unwrap().unwrap();
    assert_eq!(first.status, ServingStatus::Serving as i32);
    fixture.receivers.stop_admitting();
    let second = changes.message().await.unwrap().unwrap();
    assert_eq!(second.status, ServingStatus::NotServing as i32);
    let mut another = HealthClient::new(endpoint.connect().await.unwrap());
    let now = another.check(watch).await.unwrap().into_inner();
    assert_eq!(now.status, ServingStatus::NotServing as i32);
    assert!(fixture.receivers.finished(LONG).await);
    assert_eq!(changes.message().await.unwrap(), None);
}

#[tokio::test]
async fn an_idle_connection_is_asked_to_leave_at_shutdown() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::connect(fixture.grpc()).await;
    assert_eq!(client.export(None, vec![framed(0, b"")]).await.code(), 0);
    assert!(fixture.receivers.finished(LONG).await);
    client.ended().await;
}

#[tokio::test]
async fn a_connection_of_the_maximum_age_is_asked_to_leave() {
    let fixture = Fixture::configured(|config| {
        let keepalive = &mut config.grpc.as_mut().unwrap().keepalive;
        keepalive.max_connection_age = Some(Duration::from_millis(20));
        keepalive.max_connection_age_grace = LONG;
    })
    .await;
    let mut client = RawClient::connect(fixture.grpc()).await;
    client.ended().await;
}

#[tokio::test]
async fn a_request_under_way_at_the_maximum_age_is_answered_within_the_grace() {
    let recorder = Recorder::holding();
    let mut config = config();
    let keepalive = &mut config.grpc.as_mut().unwrap().keepalive;
    keepalive.max_connection_age = Some(Duration::from_millis(20));
    keepalive.max_connection_age_grace = LONG;
    let fixture = Fixture::with(config, recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let (answer, mut stream) = client.open(export_head(None)).await;
    stream.send_data(framed(0, b""), true).unwrap();
    recorder.arrived(1).await;
    // The GOAWAY has arrived when no new stream may be opened.
    while client.may_open().await {
        tokio::task::yield_now().await;
    }
    recorder.release(1);
    assert_eq!(read_answer(answer).await.code(), 0);
}

#[tokio::test]
async fn a_request_that_outlasts_the_grace_of_the_maximum_age_loses_its_connection() {
    let recorder = Recorder::holding();
    let mut config = config();
    let keepalive = &mut config.grpc.as_mut().unwrap().keepalive;
    keepalive.max_connection_age = Some(Duration::from_millis(20));
    keepalive.max_connection_age_grace = Duration::from_millis(20);
    let fixture = Fixture::with(config, recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let (answer, mut stream) = client.open(export_head(None)).await;
    stream.send_data(framed(0, b""), true).unwrap();
    assert!(answer.await.is_err());
}

#[tokio::test]
async fn clients_are_told_how_many_streams_they_may_open() {
    let fixture = Fixture::configured(|config| {
        config.grpc.as_mut().unwrap().max_concurrent_streams = 2;
    })
    .await;
    let client = RawClient::connect(fixture.grpc()).await;
    assert_eq!(client.export(None, vec![framed(0, b"")]).await.code(), 0);
    assert_eq!(client.streams_max(), 2);
}

#[tokio::test]
async fn a_peer_that_answers_no_pings_loses_its_connection() {
    let fixture = Fixture::configured(|config| {
        let keepalive = &mut config.grpc.as_mut().unwrap().keepalive;
        keepalive.time = Duration::from_millis(20);
        keepalive.timeout = Duration::from_millis(20);
    })
    .await;
    let mut stream = TcpStream::connect(fixture.grpc()).await.unwrap();
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let opening = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(),
        &empty_settings,
    ]
    .concat();
    stream.write_all(&opening).await.unwrap();
    let mut sent_to_us = Vec::new();
    stream.read_to_end(&mut sent_to_us).await.unwrap();
    assert!(!sent_to_us.is_empty());
}
