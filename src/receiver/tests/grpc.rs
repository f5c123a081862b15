//! OTLP/gRPC as clients of OpenTelemetry use it.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::support::*;
use crate::receiver::ingest::{Accepted, Refusal, Rejected};

async fn channel(fixture: &Fixture) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{}", fixture.grpc())).unwrap();
    endpoint.connect().await.unwrap()
}

/// An Export call by tonic's own client.
async fn export(fixture: &Fixture) -> Result<ExportTraceServiceResponse, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel(fixture).await);
    client.ready().await.unwrap();
    let message = ExportTraceServiceRequest::decode(request(100)).unwrap();
    let path = http::uri::PathAndQuery::from_static(EXPORT_PATH);
    let codec = tonic_prost::ProstCodec::default();
    let response = client.unary(tonic::Request::new(message), path, codec);
    response.await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn full_success_leaves_partial_success_unset() {
    let fixture = Fixture::start().await;
    let response = export(&fixture).await.unwrap();
    assert_eq!(response.partial_success, None);
    assert_eq!(fixture.recorder.only_body(), request(100));
}

#[tokio::test]
async fn gzip_and_zstd_messages_reach_the_ingest_inflated() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let body = request(100);
    for (encoding, compressed) in [("gzip", gzip(&body)), ("zstd", zstd(&body))] {
        let message = framed(1, &compressed);
        let answer = client.export(Some(encoding), vec![message]).await;
        assert_eq!((answer.code(), answer.data.as_slice()), (0, &[0; 5][..]));
        assert_eq!(fixture.recorder.only_body(), body, "{encoding}");
    }
}

#[tokio::test]
async fn an_empty_request_succeeds() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let answer = client.export(None, vec![framed(0, b"")]).await;
    assert_eq!(answer.code(), 0);
    assert_eq!(fixture.recorder.only_body(), "");
}

#[tokio::test]
async fn rejected_spans_are_told_by_partial_success() {
    let rejected = Rejected {
        spans: 3,
        message: "span 1 has no trace ID".to_owned(),
    };
    let accepted = Accepted {
        rejected: Some(rejected),
    };
    let fixture = Fixture::answering(Ok(accepted)).await;
    let partial = export(&fixture).await.unwrap().partial_success;
    let partial = partial.unwrap();
    assert_eq!(partial.rejected_spans, 3);
    assert_eq!(partial.error_message, "span 1 has no trace ID");
}

#[tokio::test]
async fn undecodable_is_invalid_argument_and_names_the_place() {
    let why = "resource_spans[0].scope_spans: wrong wire type at byte 17";
    let refusal = Refusal::Undecodable(why.to_owned());
    let fixture = Fixture::answering(Err(refusal)).await;
    let status = export(&fixture).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, why)
    );
    let details = status.get_error_details();
    assert!(details.retry_info().is_none());
    assert_eq!(
        details.bad_request().unwrap().field_violations[0].description,
        why
    );
}

#[tokio::test]
async fn a_broken_compressed_message_is_invalid_argument_with_the_offset() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let message = framed(1, b"this is not gzip");
    let status = client.export(Some("gzip"), vec![message]).await.status();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "gzip body: no gzip header at byte 0 of 16"
    );
}

#[tokio::test]
async fn overload_and_shutdown_are_unavailable_with_retry_info() {
    for refusal in [
        Refusal::Overloaded("the inbox is full".to_owned()),
        Refusal::ShuttingDown,
    ] {
        let message = refusal.to_string();
        let fixture = Fixture::answering(Err(refusal)).await;
        let status = export(&fixture).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, &*message)
        );
        let delay = status.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(std::time::Duration::from_millis(1_500)));
    }
}

#[tokio::test]
async fn what_the_ingest_does_not_want_is_refused_for_good() {
    let refusal = Refusal::Refused("not today".to_owned());
    let fixture = Fixture::answering(Err(refusal)).await;
    let status = export(&fixture).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.get_details_retry_info().is_none());
}

#[tokio::test]
async fn logs_metrics_and_profiles_are_unimplemented_and_told_traces_only() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    for path in [
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
    ] {
        let status = client
            .send(grpc_head(path), vec![framed(0, b"")])
            .await
            .status();
        assert_eq!(status.code(), Code::Unimplemented);
        assert!(
            status.message().contains("traces only"),
            "{}",
            status.message()
        );
    }
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let status = client
        .send(grpc_head("/some.Service/Method"), vec![])
        .await
        .status();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains(EXPORT_PATH));
}

#[tokio::test]
async fn health_is_served_for_the_process_and_the_trace_service() {
    let fixture = Fixture::start().await;
    let mut health = HealthClient::new(channel(&fixture).await);
    for service in ["", "opentelemetry.proto.collector.trace.v1.TraceService"] {
        let check = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(check).await.unwrap().into_inner();
        assert_eq!(answer.status, ServingStatus::Serving as i32);
    }
}

#[tokio::test]
async fn many_streams_of_one_connection_are_under_way_together() {
    let recorder = Recorder::holding();
    let fixture = Fixture::with(config(), recorder.clone(), 1 << 30).await;
    let client = RawClient::connect(fixture.grpc()).await;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.export(None, vec![framed(0, &request(1))]).await })
        })
        .collect();
    recorder.arrived(50).await;
    recorder.release(50);
    for call in calls {
        assert_eq!(call.await.unwrap().code(), 0);
    }
}

#[tokio::test]
async fn requests_bytes_and_refusals_are_counted() {
    let fixture = Fixture::start().await;
    let client = RawClient::connect(fixture.grpc()).await;
    let sent = gzip(&request(100));
    client.export(Some("gzip"), vec![framed(1, &sent)]).await;
    client.export(None, vec![framed(1, b"x")]).await;
    for line in [
        r#"tailsieve_receiver_requests_received_total{transport="grpc",encoding="protobuf"} 2"#
            .to_owned(),
        r#"tailsieve_receiver_requests_refused_total{reason="undecodable"} 1"#.to_owned(),
        format!(
            r#"tailsieve_receiver_bytes_received_total{{kind="wire"}} {}"#,
            sent.len()
        ),
        format!(
            r#"tailsieve_receiver_bytes_received_total{{kind="inflated"}} {}"#,
            request(100).len()
        ),
        r#"tailsieve_receiver_request_duration_seconds_count{transport="grpc"} 2"#.to_owned(),
        r#"tailsieve_receiver_connections{transport="grpc"} 1"#.to_owned(),
    ] {
        assert!(
            fixture.has_metric(&line),
            "{line}\n{}",
            fixture.registry.render()
        );
    }
}
