//! What goes wrong with a request, and the gRPC or HTTP status that says so. The only place that builds either.
//!
//! Codes follow the OTLP specification ("Failures", "Failures 1", "OTLP/HTTP Response") and, for framing, gRPC's own
//! `statuscodes.md` and `compression.md`. `RetryInfo` and `Retry-After` are sent for overload and shutdown only: they
//! are what tells a client to try again.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use prost::Message;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt};

use crate::batch::peer::Malformed;
use crate::batch::peer::hello::Stranger;
use crate::metrics::RefusedRequests;
use crate::otlp::json;

use super::answer::AnswerBody;
use super::ingest::Refusal;

/// Compressions understood on both transports, as their headers list them.
pub(super) const ENCODINGS_ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,zstd");

/// Longest message sent to a client, in bytes: it travels in a header, and clients limit those.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// The encoding of a request's body, hence of its answer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Beyond `max_request_size`.
    #[error("the request has {size} bytes {state}, max_request_size is {limit}")]
    TooLarge {
        /// Its size, or what is known of it.
        size: SizeKnown,
        /// `as sent` or `inflated`.
        state: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The bytes are not what they should be; says where.
    #[error("{0}")]
    Undecodable(String),
    /// A gRPC message that is not framed as one.
    #[error("{0}")]
    Malformed(String),
    /// None or several messages for a method that takes one.
    #[error("{0}")]
    Cardinality(&'static str),
    /// No room now.
    #[error("{0}")]
    Overloaded(String),
    /// The process is ending.
    #[error("shutting down")]
    ShuttingDown,
    /// The ingest does not want it.
    #[error("{0}")]
    Unwanted(String),
    /// The body is of a type not taken here.
    #[error("{0}")]
    UnsupportedType(String),
    /// The body is compressed in a way not taken here.
    #[error("{0}")]
    UnsupportedCompression(String),
    /// Nothing is served under that path or method name.
    #[error("{0}")]
    UnknownPath(String),
    /// Another HTTP method than POST.
    #[error("{0}")]
    UnsupportedMethod(String),
    /// The body did not arrive in time.
    #[error("the request's body was not complete after {0:?}")]
    TimedOut(Duration),
    /// A replica that this one does not talk to.
    #[error("{0}")]
    Stranger(Stranger),
    /// A call on the peer port before the greeting, or after one that failed.
    #[error("the greeting comes first: Hello, then Prove, once each")]
    NotGreeted,
    /// The client went away; nobody reads the answer.
    #[error("the connection ended before the request was complete")]
    Disconnected,
}

/// A size that was declared, or that was reached when reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeKnown {
    /// Exactly so many bytes.
    Exactly(u64),
    /// More than the limit.
    Beyond(usize),
}

impl std::fmt::Display for SizeKnown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(bytes) => write!(f, "{bytes}"),
            Self::Beyond(bytes) => write!(f, "more than {bytes}"),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Undecodable(why) => Self::Undecodable(why),
            Refusal::Overloaded(why) => Self::Overloaded(why),
            Refusal::ShuttingDown => Self::ShuttingDown,
            Refusal::Refused(why) => Self::Unwanted(why),
        }
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}

impl From<Stranger> for Failure {
    fn from(stranger: Stranger) -> Self {
        Self::Stranger(stranger)
    }
}

impl Failure {
    /// Counts this failure under its reason.
    pub(super) fn count(&self, refused: &RefusedRequests) {
        let counter = match self {
            Self::TooLarge { .. } => &refused.too_large,
            Self::Undecodable(_) | Self::Malformed(_) | Self::Cardinality(_) => {
                &refused.undecodable
            }
            Self::Overloaded(_) => &refused.overloaded,
            Self::ShuttingDown => &refused.shutting_down,
            Self::Unwanted(_) | Self::Stranger(_) | Self::NotGreeted => &refused.unwanted,
            Self::UnsupportedType(_)
            | Self::UnsupportedCompression(_)
            | Self::UnknownPath(_)
            | Self::UnsupportedMethod(_) => &refused.unsupported,
            Self::TimedOut(_) => &refused.timed_out,
            Self::Disconnected => &refused.disconnected,
        };
        counter.increment(1);
    }

    /// The trailers-only gRPC answer; a wrong content type or HTTP method is answered as HTTP, as gRPC has it.
    pub(super) fn to_grpc(&self, retry_after: Duration) -> Response<AnswerBody> {
        if matches!(self, Self::UnsupportedType(_) | Self::UnsupportedMethod(_)) {
            return self.to_http(Encoding::Json, retry_after);
        }
        let mut response = self.to_tonic(retry_after).into_http();
        if matches!(self, Self::UnsupportedCompression(_)) {
            response.headers_mut().insert(
                HeaderName::from_static("grpc-accept-encoding"),
                ENCODINGS_ACCEPTED,
            );
        }
        response
    }

    /// The end of a stream that was answered until now: `grpc-status` and `grpc-message`.
    pub(super) fn to_trailers(&self, retry_after: Duration) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // Only values that no header can hold would fail, and the message is escaped.
        let _ = self.to_tonic(retry_after).add_header(&mut trailers);
        trailers
    }

    /// The HTTP answer: its body is a `google.rpc.Status` in the request's encoding.
    pub(super) fn to_http(
        &self,
        encoding: Encoding,
        retry_after: Duration,
    ) -> Response<AnswerBody> {
        let body = match encoding {
            Encoding::Json => json::encode_status(self.code() as i32, &self.message()),
            Encoding::Protobuf => self.to_protobuf(retry_after),
        };
        let mut response = Response::new(AnswerBody::whole(Bytes::from(body)));
        *response.status_mut() = self.http_status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, encoding.content_type());
        self.add_http_headers(headers, retry_after);
        response
    }

    fn to_tonic(&self, retry_after: Duration) -> tonic::Status {
        match self.details(retry_after) {
            None => tonic::Status::new(self.code(), self.message()),
            Some(details) => {
                tonic::Status::with_error_details(self.code(), self.message(), details)
            }
        }
    }

    /// `RetryInfo` where a retry helps, `BadRequest` where the data is bad, as OTLP asks for.
    fn details(&self, retry_after: Duration) -> Option<ErrorDetails> {
        match self {
            Self::Overloaded(_) | Self::ShuttingDown => {
                Some(ErrorDetails::with_retry_info(Some(retry_after)))
            }
            Self::Undecodable(why) => Some(ErrorDetails::with_bad_request_violation(
                "ExportTraceServiceRequest",
                clip(why),
            )),
            _ => None,
        }
    }

    fn to_protobuf(&self, retry_after: Duration) -> Vec<u8> {
        let status = self.to_tonic(retry_after);
        if !status.details().is_empty() {
            // With details, tonic keeps the whole `google.rpc.Status` encoded.
            return status.details().to_vec();
        }
        tonic_types::pb::Status {
            code: self.code() as i32,
            message: self.message(),
            details: Vec::new(),
        }
        .encode_to_vec()
    }

    fn message(&self) -> String {
        clip(&self.to_string()).to_owned()
    }

    fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::ResourceExhausted,
            Self::Undecodable(_) | Self::UnsupportedType(_) => Code::InvalidArgument,
            Self::Malformed(_) => Code::Internal,
            Self::Overloaded(_) | Self::ShuttingDown => Code::Unavailable,
            Self::Unwanted(_) => Code::PermissionDenied,
            Self::Stranger(Stranger::WrongSecret) | Self::NotGreeted => Code::Unauthenticated,
            Self::Stranger(_) => Code::FailedPrecondition,
            Self::Cardinality(_)
            | Self::UnsupportedCompression(_)
            | Self::UnknownPath(_)
            | Self::UnsupportedMethod(_) => Code::Unimplemented,
            Self::TimedOut(_) => Code::DeadlineExceeded,
            Self::Disconnected => Code::Cancelled,
        }
    }

    fn http_status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Undecodable(_)
            | Self::Malformed(_)
            | Self::Cardinality(_)
            | Self::Disconnected => StatusCode::BAD_REQUEST,
            Self::Overloaded(_) | Self::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unwanted(_) | Self::Stranger(_) | Self::NotGreeted => StatusCode::FORBIDDEN,
            Self::UnsupportedType(_) | Self::UnsupportedCompression(_) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::UnknownPath(_) => StatusCode::NOT_FOUND,
            Self::UnsupportedMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn add_http_headers(&self, headers: &mut HeaderMap, retry_after: Duration) {
        match self {
            Self::Overloaded(_) | Self::ShuttingDown => {
                // Whole seconds, rounded up: 0 would invite an immediate retry.
                let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
                if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
                    headers.insert(RETRY_AFTER, value);
                }
            }
            Self::UnsupportedMethod(_) => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Self::UnsupportedCompression(_) => {
                headers.insert(ACCEPT_ENCODING, ENCODINGS_ACCEPTED);
            }
            _ => {}
        }
    }
}

impl Encoding {
    /// Its media type.
    pub(super) fn content_type(self) -> HeaderValue {
        match self {
            Self::Protobuf => HeaderValue::from_static("application/x-protobuf"),
            Self::Json => HeaderValue::from_static("application/json"),
        }
    }
}

fn clip(message: &str) -> &str {
    message
        .get(..message.floor_char_boundary(MESSAGE_BYTES_MAX))
        .unwrap_or(message)
}
