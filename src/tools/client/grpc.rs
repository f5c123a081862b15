//! One HTTP/2 connection that carries unary `TraceService/Export` calls as ready-made bytes.
//!
//! Below tonic's generated clients on purpose: those encode into a buffer of their own and compress at one fixed
//! level. Here a request is one piece of bytes, framed once and shared by its retries.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::{Answer, ClientError, Target};
use crate::otlp::grpc_status::read_status;
use crate::tools::message::Message;

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of gRPC's message prefix.
const PREFIX_BYTES: usize = 5;

#[derive(Debug, Clone)]
pub(super) struct GrpcClient {
    channel: Channel,
    uri: Uri,
    headers: HeaderMap,
}

impl GrpcClient {
    pub(super) fn new(target: &Target, url: &Uri) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Grpc {
            endpoint: url.clone(),
            source,
        };
        let mut endpoint = Endpoint::from(url.clone()).connect_timeout(CONNECT_TIMEOUT);
        if url.scheme_str() == Some("https") {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(failed)?;
        }
        let mut headers = target.headers.clone();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        );
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        Ok(Self {
            channel: endpoint.connect_lazy(),
            uri: Uri::from_static(EXPORT_PATH),
            headers,
        })
    }

    pub(super) async fn send(&self, message: &Message) -> Answer {
        let mut request = Request::new(tonic::body::Body::new(Full::new(message.framed())));
        *request.method_mut() = Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(encoding) = message.encoding() {
            let encoding = HeaderValue::from_static(encoding);
            request.headers_mut().insert("grpc-encoding", encoding);
        }
        let response = match self.channel.clone().oneshot(request).await {
            Ok(response) => response,
            Err(error) => return Answer::unanswered(&error),
        };
        let (head, body) = response.into_parts();
        if let Some(status) = read_status(&head.headers) {
            return answer(&status, &Bytes::new());
        }
        let body = match body.collect().await {
            Ok(body) => body,
            Err(error) => return Answer::unanswered(&error),
        };
        match body.trailers().and_then(read_status) {
            Some(status) => answer(&status, &body.to_bytes()),
            None => Answer::Unanswered {
                reason: format!("HTTP status {} without a gRPC status", head.status),
            },
        }
    }
}

fn answer(status: &Status, framed: &Bytes) -> Answer {
    if status.code() == Code::Ok {
        return Answer::success(framed.get(PREFIX_BYTES..).unwrap_or_default());
    }
    let delay = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    Answer::Refused {
        retryable: is_retryable(status.code(), delay.is_some()),
        delay,
        reason: format!("{:?}: {}", status.code(), status.message()),
    }
}

/// The table "Failures" of the OTLP specification, section OTLP/gRPC.
fn is_retryable(code: Code, has_retry_info: bool) -> bool {
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => has_retry_info,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn resource_exhausted_is_tried_again_only_where_the_server_says_when() {
        let plain = Status::new(Code::ResourceExhausted, "too large");
        assert!(matches!(
            answer(&plain, &Bytes::new()),
            Answer::Refused {
                retryable: false,
                delay: None,
                ..
            }
        ));
        let wait = Duration::from_secs(2);
        let later = Status::with_error_details(
            Code::ResourceExhausted,
            "full",
            ErrorDetails::with_retry_info(Some(wait)),
        );
        assert_eq!(
            answer(&later, &Bytes::new()),
            Answer::Refused {
                retryable: true,
                delay: Some(wait),
                reason: "ResourceExhausted: full".into()
            }
        );
    }

    #[test]
    fn a_partial_success_is_read_from_behind_the_prefix() {
        use opentelemetry_proto::tonic::collector::trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceResponse,
        };
        let response = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 3,
                error_message: "bad id".into(),
            }),
        };
        let message = Message::build(0, |out| {
            out.extend(prost::Message::encode_to_vec(&response));
        });
        assert_eq!(
            answer(&Status::new(Code::Ok, ""), &message.framed()),
            Answer::Acknowledged {
                rejected_spans: 3,
                message: "bad id".into()
            }
        );
    }
}
