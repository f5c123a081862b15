//! Why spans were given up or attempts failed: the bounded set of `reason` labels.

use http::StatusCode;
use tonic::Code;

/// Why spans were given up or an attempt failed: the bounded set of `reason` labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The connection could not be made, or broke before an answer.
    Connection,
    /// No answer within `timeout`.
    Timeout,
    /// A gRPC status.
    Grpc(Code),
    /// An HTTP status.
    Http(StatusCode),
    /// An answer that is not the protocol's.
    InvalidResponse,
    /// `partial_success`.
    PartialSuccess,
    /// A header to forward that cannot be one.
    InvalidMetadata,
    /// The request could not be compressed or turned into JSON.
    Encoding,
    /// The file could not be written.
    File,
    /// `overflow: drop_oldest` made room.
    DroppedOldest,
    /// The grace period of a shutdown ended first.
    Shutdown,
}

impl Reason {
    /// The value of the label `reason`.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Grpc(code) => grpc_label(code),
            Self::Http(status) => http_label(status),
            Self::InvalidResponse => "invalid_response",
            Self::PartialSuccess => "partial_success",
            Self::InvalidMetadata => "invalid_metadata",
            Self::Encoding => "encoding",
            Self::File => "file",
            Self::DroppedOldest => "dropped_oldest",
            Self::Shutdown => "shutdown",
        }
    }
}

fn grpc_label(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

fn http_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "http_400",
        401 => "http_401",
        403 => "http_403",
        404 => "http_404",
        405 => "http_405",
        413 => "http_413",
        415 => "http_415",
        429 => "http_429",
        500 => "http_500",
        502 => "http_502",
        503 => "http_503",
        504 => "http_504",
        _ if status.is_redirection() => "http_3xx",
        _ if status.is_client_error() => "http_4xx",
        _ if status.is_server_error() => "http_5xx",
        _ => "http_other",
    }
}
