//! OTLP/gRPC: the trace service on raw bytes, and health, on one port.
//!
//! The one unary method is handled here and not by tonic's codec, which reserves memory on the word of a message's
//! prefix before it compares that with the limit, and answers a larger one with a code that OTLP clients retry. Nor does
//! tonic's transport serve the connections: with a grace it ends aged connections without the GOAWAY that lets clients
//! leave in time.

mod message;

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::ServiceExt;

use super::answer::{AnswerBody, grpc_success};
use super::config::GrpcConfig;
use super::connection::Answer;
use super::inflate::Compression;
use super::ingest::{Accepted, Ingest};
use super::intake::{Intake, SentBody};
use super::status::{Encoding, Failure};

/// The service that takes traces, as health checks name it.
pub(super) const TRACE_SERVICE: &str = "opentelemetry.proto.collector.trace.v1.TraceService";

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const HEALTH_PATH: &str = "/grpc.health.v1.Health/";
const COLLECTOR_PATH: &str = "/opentelemetry.proto.collector.";

/// Answers the requests of the gRPC port.
pub(super) struct GrpcService<I> {
    intake: Arc<Intake<I>>,
    health: HealthServer<HealthService>,
    message_bytes_max: usize,
}

impl<I: Ingest> GrpcService<I> {
    pub(super) fn new(config: &GrpcConfig, intake: Arc<Intake<I>>, health: HealthReporter) -> Self {
        Self {
            intake,
            health: HealthServer::new(HealthService::from_health_reporter(health)),
            message_bytes_max: config.max_request_size_bytes,
        }
    }

    async fn export(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let metrics = &self.intake.metrics.grpc;
        let started = self.intake.clock.now();
        metrics.requests_protobuf.increment(1);
        let (head, body) = request.into_parts();
        let answer = match self.try_export(&head.headers, body).await {
            Ok(accepted) => grpc_success(accepted),
            Err(failure) => self.refuse(&failure),
        };
        let took = self.intake.clock.now().since(started);
        metrics.request_duration.record(took.as_secs_f64());
        answer
    }

    async fn try_export(&self, headers: &HeaderMap, body: Incoming) -> Result<Accepted, Failure> {
        self.intake.admission.check_open()?;
        let hold = self.intake.admission.hold();
        let message = message::read(body, hold, self.message_bytes_max).await?;
        let sent = SentBody {
            compression: compression(headers, message.compressed)?,
            bytes: message.bytes,
            held: message.held,
            encoding: Encoding::Protobuf,
        };
        self.intake
            .take(sent, headers, self.message_bytes_max)
            .await
    }

    async fn check_health(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let Ok(response) = self.health.clone().oneshot(request).await;
        response.map(AnswerBody::Streamed)
    }

    fn refuse(&self, failure: &Failure) -> Response<AnswerBody> {
        failure.count(&self.intake.metrics.refused);
        failure.to_grpc(self.intake.retry_after)
    }
}

impl<I: Ingest> Answer for GrpcService<I> {
    async fn answer(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        if let Err(failure) = check_is_grpc(&request) {
            return self.refuse(&failure);
        }
        let path = request.uri().path();
        if path == EXPORT_PATH {
            return self.export(request).await;
        }
        if path.starts_with(HEALTH_PATH) {
            return self.check_health(request).await;
        }
        self.refuse(&Failure::UnknownPath(unknown_method(path)))
    }
}

/// gRPC is POST with a content type of its own; anything else gets an HTTP answer (gRPC over HTTP/2, "Requests").
fn check_is_grpc(request: &Request<Incoming>) -> Result<(), Failure> {
    let content_type = request.headers().get(CONTENT_TYPE);
    let is_grpc = content_type.is_some_and(|value| {
        let media_type = value.as_bytes().split(|byte| *byte == b';').next();
        let media_type = media_type.unwrap_or_default().trim_ascii();
        media_type.eq_ignore_ascii_case(b"application/grpc")
            || media_type.eq_ignore_ascii_case(b"application/grpc+proto")
    });
    if !is_grpc {
        return Err(Failure::UnsupportedType(
            "this port takes OTLP/gRPC (content type application/grpc); OTLP/HTTP has another port, by default 4318"
                .to_owned(),
        ));
    }
    if request.method() != Method::POST {
        return Err(Failure::UnsupportedMethod(
            "gRPC requests are POST".to_owned(),
        ));
    }
    Ok(())
}

/// How the message is compressed, by its own flag and the request's header (gRPC, `compression.md`).
fn compression(headers: &HeaderMap, compressed: bool) -> Result<Option<Compression>, Failure> {
    if !compressed {
        return Ok(None);
    }
    match headers.get("grpc-encoding").map(|value| value.as_bytes()) {
        Some(b"gzip") => Ok(Some(Compression::Gzip)),
        Some(b"zstd") => Ok(Some(Compression::Zstd)),
        None | Some(b"identity") => Err(Failure::Malformed(
            "the message's compressed flag is set, but grpc-encoding names no compression"
                .to_owned(),
        )),
        Some(other) => Err(Failure::UnsupportedCompression(format!(
            "grpc-encoding {:?} is not supported: use gzip, zstd or identity",
            String::from_utf8_lossy(other)
        ))),
    }
}

fn unknown_method(path: &str) -> String {
    let other_signal = ["logs", "metrics", "profiles"].iter().any(|signal| {
        path.strip_prefix(COLLECTOR_PATH)
            .is_some_and(|rest| rest.starts_with(signal))
    });
    if other_signal {
        return format!(
            "tailsieve takes traces only: {path} is not served, send logs, metrics and profiles elsewhere"
        );
    }
    format!("{path} is not served: traces are taken at {EXPORT_PATH}")
}
