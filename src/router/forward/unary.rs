//! Calls of one message each way: the greeting, orders, questions about traces.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;

use super::OrderError;
use super::connection::ConnectionError;
use super::shared::Shared;
use crate::batch::peer::message::{MessageReader, framed};
use crate::batch::peer::{ORDER_PATH, TRACE_PATH};
use crate::batch::replica::ReplicaId;
use crate::otlp::grpc_status::read_status;
use crate::otlp::ids::TraceId;

/// Time for an order to be answered.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for a question about a trace: somebody waits for the answer.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest answer to an order or a question, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

impl Shared {
    pub(super) async fn order(&self, to: &ReplicaId, order: Bytes) -> Result<Bytes, OrderError> {
        self.call(to, ORDER_PATH, &order, ORDER_TIMEOUT).await
    }

    pub(super) async fn about(
        &self,
        to: &ReplicaId,
        trace_id: TraceId,
    ) -> Result<Bytes, OrderError> {
        self.call(to, TRACE_PATH, &trace_id.0, QUESTION_TIMEOUT)
            .await
    }

    async fn call(
        &self,
        to: &ReplicaId,
        path: &'static str,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Bytes, OrderError> {
        let destination = self.destination(to);
        let Some(mut sender) = destination.any_connection() else {
            return Err(OrderError::NotConnected(to.clone()));
        };
        drop(destination);
        let answer = call(&mut sender, path, message, ANSWER_BYTES_MAX);
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer.map_err(OrderError::Call),
            Err(_) => Err(OrderError::Call(ConnectionError::TimedOut)),
        }
    }
}

/// Calls `path` with `message` and gives the answer.
pub(super) async fn call(
    sender: &mut SendRequest<Body>,
    path: &'static str,
    message: &[u8],
    answer_bytes_max: usize,
) -> Result<Bytes, ConnectionError> {
    let body = Body::new(Full::new(framed(message)));
    let response = sender.send_request(request(path, body)).await;
    let mut response = response.map_err(ConnectionError::Http)?;
    status_of(response.headers())?;
    let mut reader = MessageReader::new(answer_bytes_max);
    while let Some(arrived) = response.body_mut().frame().await {
        match arrived.map_err(ConnectionError::Http)?.into_data() {
            Ok(piece) => reader.push(piece),
            Err(other) => {
                if let Ok(trailers) = other.into_trailers() {
                    status_of(&trailers)?;
                }
            }
        }
        if let Some(answer) = reader.take()? {
            return Ok(answer.into_bytes());
        }
    }
    Err(ConnectionError::Refused("no answer".to_owned()))
}

pub(super) fn request(path: &'static str, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    // HTTP/2 wants an authority; who is there is found out by the greeting.
    let uri = Uri::builder().scheme("http").authority("replica");
    *request.uri_mut() = uri.path_and_query(path).build().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    let content_type = HeaderValue::from_static("application/grpc");
    headers.insert(header::CONTENT_TYPE, content_type);
    request
}

/// What `grpc-status` says, in headers or trailers; where it is not, nothing is wrong yet.
///
/// # Errors
/// [`ConnectionError::Refused`] with the message.
pub(super) fn status_of(headers: &HeaderMap) -> Result<(), ConnectionError> {
    match read_status(headers) {
        Some(status) if status.code() != tonic::Code::Ok => {
            Err(ConnectionError::Refused(status.message().to_owned()))
        }
        _ => Ok(()),
    }
}
