//! Health is told on the gRPC port by `grpc.health.v1`, and on the admin port for probes.

use prost::Message;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::grpc::framed;
use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};

#[tokio::test]
async fn a_running_replica_is_serving() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    let trace_service = "opentelemetry.proto.collector.trace.v1.TraceService";
    for service in ["", trace_service] {
        let service = service.to_owned();
        let request = HealthCheckRequest { service }.encode_to_vec();
        let answer = client
            .call("/grpc.health.v1.Health/Check", &[], framed(0, &request))
            .await;
        let response = HealthCheckResponse::decode(answer.message()).unwrap();
        assert_eq!(response.status(), ServingStatus::Serving);
    }
    let request = HealthCheckRequest {
        service: "unknown".into(),
    }
    .encode_to_vec();
    let answer = client
        .call("/grpc.health.v1.Health/Check", &[], framed(0, &request))
        .await;
    assert_eq!(answer.code(), tonic::Code::NotFound);
    for page in ["/healthz", "/readyz"] {
        assert_eq!(http::get(replica.admin, page).await.status, 200, "{page}");
    }
    replica.stop().await;
}
