//! OTLP over gRPC: `TraceService/Export` with the request's bytes as they are.
//!
//! The call is made on tonic's channel below its codec, which would decode and compress by itself: the message is
//! framed here, so that its bytes are neither copied nor compressed on a network task. The channel connects with the
//! first request, and again after a failure; pings while requests are under way notice a peer that died silently.
//! Pings stop when idle, because gRPC servers close connections that ping without a call.

mod response;

use std::error::Error as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Version, header};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt as _;

use self::response::read_answer;
use super::compress::compress;
use super::config::{Compression, OtlpConfig};
use super::deliver::{Attempt, Sink};
use super::headers::{RequestHeaders, USER_AGENT};
use super::outcome::{Accepted, Failure, error_chain};
use super::reason::Reason;
use super::start_error::StartError;
use super::tls::TlsMaterial;
use crate::batch::export::ExportBatch;

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A connection that takes longer is a failure; it also counts within the attempt's timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence on a connection with requests under way after which it is pinged, and how long the answer may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Sends to one gRPC endpoint.
pub(super) struct GrpcSink {
    channel: Channel,
    headers: RequestHeaders,
    compression: Compression,
    timeout: Duration,
}

impl GrpcSink {
    /// A sink that will connect to `config.endpoint`. Must be called within a runtime.
    pub(super) fn new(config: &OtlpConfig) -> Result<Self, StartError> {
        let headers = RequestHeaders::parse(&config.headers)?;
        Ok(Self {
            channel: endpoint(config)?.connect_lazy(),
            headers,
            compression: config.compression,
            timeout: config.timeout,
        })
    }

    async fn send(&self, batch: &ExportBatch) -> Result<Accepted, Failure> {
        let headers = self.headers.with(batch.metadata.as_deref())?;
        let message = compress(&batch.body, self.compression).await?;
        let wire_bytes = message.len() as u64;
        let request = self.request(headers, message)?;
        let exchange = async {
            let response = self
                .channel
                .clone()
                .oneshot(request)
                .await
                .map_err(|error| self.call_failure(&error))?;
            read_answer(response).await
        };
        let answer = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| Failure::timeout(self.timeout))??;
        Ok(Accepted::from_answer(answer, batch.spans, wire_bytes))
    }

    /// The channel keeps to `grpc-timeout` by itself, at the same moment as we do.
    fn call_failure(&self, error: &tonic::transport::Error) -> Failure {
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.is::<tonic::TimeoutExpired>() {
                return Failure::timeout(self.timeout);
            }
            source = cause.source();
        }
        Failure::connection(error)
    }

    fn request(&self, headers: HeaderMap, message: Bytes) -> Result<Request<Body>, Failure> {
        let prefix = message_prefix(self.compression != Compression::None, message.len())?;
        let frames = [prefix, message].map(|bytes| Ok::<_, tonic::Status>(Frame::data(bytes)));
        let mut request = Request::new(Body::new(StreamBody::new(stream::iter(frames))));
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(EXPORT_PATH);
        *request.headers_mut() = headers;
        let map = request.headers_mut();
        map.insert(header::TE, HeaderValue::from_static("trailers"));
        let content_type = HeaderValue::from_static("application/grpc");
        map.insert(header::CONTENT_TYPE, content_type);
        if let Some(name) = self.compression.encoding_name() {
            map.insert("grpc-encoding", HeaderValue::from_static(name));
        }
        map.insert("grpc-timeout", grpc_timeout(self.timeout));
        Ok(request)
    }
}

impl Sink for GrpcSink {
    fn attempt<'a>(&'a self, batch: &'a ExportBatch) -> Attempt<'a> {
        Box::pin(self.send(batch))
    }
}

fn endpoint(config: &OtlpConfig) -> Result<Endpoint, StartError> {
    let wrong = |problem: String| StartError::Endpoint {
        endpoint: config.endpoint.clone(),
        problem,
    };
    let endpoint = Endpoint::from_shared(config.endpoint.clone())
        .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
        .map_err(|error| wrong(error_chain(&error)))?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEP_ALIVE))
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(false);
    if endpoint.uri().host().is_none() {
        return Err(wrong("it names no host".to_owned()));
    }
    match endpoint.uri().scheme_str() {
        Some("http") => Ok(endpoint),
        Some("https") => endpoint
            .tls_config(TlsMaterial::read(&config.tls)?.for_grpc())
            .map_err(|error| StartError::Tls(Box::new(error))),
        _ => Err(wrong("it must begin with http:// or https://".to_owned())),
    }
}

/// gRPC's length-prefixed message: one byte that tells whether it is compressed, four of length.
fn message_prefix(compressed: bool, length: usize) -> Result<Bytes, Failure> {
    let Ok(length) = u32::try_from(length) else {
        let message = format!("{length} bytes do not fit into a gRPC message");
        return Err(Failure::permanent(Reason::Encoding, &message));
    };
    let mut prefix = BytesMut::with_capacity(5);
    prefix.put_u8(u8::from(compressed));
    prefix.put_u32(length);
    Ok(prefix.freeze())
}

/// `grpc-timeout` in milliseconds, of which the protocol allows eight digits.
fn grpc_timeout(timeout: Duration) -> HeaderValue {
    let timeout_ms = timeout.as_millis().min(99_999_999);
    HeaderValue::try_from(format!("{timeout_ms}m"))
        .unwrap_or_else(|_| HeaderValue::from_static("10000m"))
}

#[cfg(test)]
mod tests;
