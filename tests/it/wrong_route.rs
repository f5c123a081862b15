//! A wrong content type, path or method is told apart, and who sends logs or metrics hears that traces only are taken.

use prost::Message;
use tonic::Code;

use crate::support::grpc::framed;
use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{request, span};

#[tokio::test]
async fn over_http_they_are_415_404_and_405_with_a_status_as_body() {
    let replica = Replica::start("", KEEP_ALL).await;
    let body = request(vec![span(1, 1)]).encode_to_vec();
    for (content_type, advice) in [
        ("text/plain", "application/x-protobuf"),
        ("", "application/x-protobuf"),
        ("application/grpc", "4317"),
    ] {
        let answer = http::post(replica.http, &[("content-type", content_type)], &body).await;
        assert_eq!(answer.status, 415, "{content_type}");
        let status = answer.json();
        assert!(
            status["message"].as_str().unwrap().contains(advice),
            "{status}"
        );
    }
    for path in ["/", "/v1/trace", "/v1/traces/", "/v1/logs", "/v1/metrics"] {
        let answer = http::request(replica.http, "POST", path, &[http::PROTOBUF], &body).await;
        assert_eq!(answer.status, 404, "{path}");
        let message = answer.protobuf_status().message;
        let is_other_signal = path.ends_with("logs") || path.ends_with("metrics");
        assert_eq!(
            message.contains("traces only"),
            is_other_signal,
            "{path}: {message}"
        );
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = http::request(replica.http, method, "/v1/traces", &[http::JSON], b"").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "POST"),
            "{method}"
        );
        assert!(answer.json()["message"].is_string(), "{method}");
    }
    assert_eq!(replica.settle().await.spans.received, 0);
    replica.stop().await;
}

#[tokio::test]
async fn over_grpc_other_services_are_unimplemented() {
    let replica = Replica::start("", KEEP_ALL).await;
    let client = replica.client().await;
    for signal in ["logs", "metrics"] {
        let service = if signal == "logs" {
            "LogsService"
        } else {
            "MetricsService"
        };
        let path = format!("/opentelemetry.proto.collector.{signal}.v1.{service}/Export");
        let answer = client.call(&path, &[], framed(0, &[])).await;
        assert_eq!(answer.code(), Code::Unimplemented, "{signal}");
        assert!(
            answer.status().message().contains("traces only"),
            "{signal}"
        );
    }
    let answer = client
        .call("/some.Service/Method", &[], framed(0, &[]))
        .await;
    assert_eq!(answer.code(), Code::Unimplemented);
    let json = [("content-type", "application/json")];
    let answer = client
        .call(crate::support::grpc::EXPORT, &json, framed(0, &[]))
        .await;
    assert_eq!(answer.http_status, 415);
    replica.stop().await;
}
