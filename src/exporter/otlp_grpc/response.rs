//! Reading the answer to a gRPC call, and which answers are worth another attempt.
//!
//! Retryable are exactly the codes that the OTLP specification lists ("OTLP/gRPC Response", "Failures"); of them
//! RESOURCE_EXHAUSTED only when the server says when to come back (RetryInfo).

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::exporter::outcome::Failure;
use crate::exporter::reason::Reason;
use crate::otlp::grpc_status::read_status;

/// Longest answer that is read, in bytes.
const RESPONSE_BYTES_MAX: usize = 64 << 10;

/// Reads the answer to a call to the end.
///
/// A call that ended with OK gives its message, or `None` if that cannot be read.
pub(super) async fn read_answer(
    response: Response<Body>,
) -> Result<Option<ExportTraceServiceResponse>, Failure> {
    let (head, body) = response.into_parts();
    // "Trailers-only": an error without a message comes in the headers.
    if let Some(status) = read_status(&head.headers)
        && status.code() != Code::Ok
    {
        return Err(failure_of(&status));
    }
    if head.status != StatusCode::OK {
        return Err(failure_without_grpc(head.status));
    }
    let (data, trailers) = read_body(body).await?;
    let status = trailers
        .as_ref()
        .and_then(read_status)
        .or_else(|| read_status(&head.headers));
    match status {
        None => Err(Failure::permanent(
            Reason::InvalidResponse,
            "the answer has no grpc-status: is this a gRPC endpoint?",
        )),
        Some(status) if status.code() != Code::Ok => Err(failure_of(&status)),
        Some(_) => Ok(decode_message(data)),
    }
}

async fn read_body(mut body: Body) -> Result<(Bytes, Option<HeaderMap>), Failure> {
    let mut data = BytesMut::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|status| Failure::connection(&status))?;
        match frame.into_data() {
            Ok(chunk) if data.len() + chunk.len() > RESPONSE_BYTES_MAX => {
                let message = format!("the answer is longer than {RESPONSE_BYTES_MAX} bytes");
                return Err(Failure::permanent(Reason::InvalidResponse, &message));
            }
            Ok(chunk) => data.extend_from_slice(&chunk),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok((data.freeze(), trailers))
}

fn decode_message(mut data: Bytes) -> Option<ExportTraceServiceResponse> {
    let compressed = data.try_get_u8().ok()?;
    let length = data.try_get_u32().ok()?;
    // No encoding was offered to the server, so a compressed answer is its mistake.
    if compressed != 0 || usize::try_from(length).ok()? != data.len() {
        return None;
    }
    ExportTraceServiceResponse::decode(data).ok()
}

fn failure_of(status: &Status) -> Failure {
    let reason = Reason::Grpc(status.code());
    let message = format!("{:?}: {}", status.code(), status.message());
    let retry_info = status.get_details_retry_info();
    let listed = match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => retry_info.is_some(),
        _ => false,
    };
    if !listed {
        return Failure::permanent(reason, &message);
    }
    let wait_min = retry_info.and_then(|info| info.retry_delay);
    Failure::passing(reason, &message, wait_min.unwrap_or(Duration::ZERO))
}

/// What an intermediary answered in HTTP, as the gRPC specification translates it ("HTTP to gRPC Status Code Mapping").
fn failure_without_grpc(status: StatusCode) -> Failure {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    failure_of(&Status::new(
        code,
        format!("HTTP {status} without a gRPC status"),
    ))
}
