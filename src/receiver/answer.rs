//! The body of an answer on every port, and the answers that say success.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use crate::otlp::json;

use super::ingest::{Accepted, Rejected};
use super::status::Encoding;

/// A body that is there at once, or one that comes bit by bit.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// All of an HTTP body; none of it is left once it is sent.
    Whole(Option<Bytes>),
    /// One gRPC message and the trailers after it.
    Message {
        /// The message with its prefix, until it is sent.
        framed: Option<Bytes>,
        /// The trailers, until they are sent.
        trailers: Option<HeaderMap>,
    },
    /// What the health service answers, and the answers to a peer's frames.
    Streamed(tonic::body::Body),
}

/// A gRPC message of no bytes: the encoding of full success.
static EMPTY_MESSAGE: [u8; 5] = [0; 5];

impl AnswerBody {
    /// A body of known length.
    pub(super) fn whole(body: Bytes) -> Self {
        Self::Whole(Some(body).filter(|body| !body.is_empty()))
    }
}

impl Default for AnswerBody {
    fn default() -> Self {
        Self::Whole(None)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Message { framed, trailers } => Poll::Ready(
                framed
                    .take()
                    .map(|framed| Ok(Frame::data(framed)))
                    .or_else(|| {
                        trailers
                            .take()
                            .map(|trailers| Ok(Frame::trailers(trailers)))
                    }),
            ),
            Self::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Message { framed, trailers } => framed.is_none() && trailers.is_none(),
            Self::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            // gRPC answers carry no content-length.
            Self::Message { .. } => SizeHint::default(),
            Self::Streamed(body) => body.size_hint(),
        }
    }
}

/// Success over gRPC: one message, then `grpc-status: 0`.
pub(super) fn grpc_success(accepted: Accepted) -> Response<AnswerBody> {
    grpc_message(framed(accepted))
}

/// Success over gRPC with a message that has its prefix.
pub(super) fn grpc_message(framed: Bytes) -> Response<AnswerBody> {
    grpc_answer(AnswerBody::Message {
        framed: Some(framed),
        trailers: Some(success_trailers()),
    })
}

/// An answer over gRPC that ends with trailers of its own.
pub(super) fn grpc_answer(body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// `grpc-status: 0`.
pub(super) fn success_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(
        HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    );
    trailers
}

/// The body of a success over HTTP. Full success leaves `partial_success` unset: no bytes in protobuf, `{}` in JSON.
pub(super) fn http_success_body(accepted: Accepted, encoding: Encoding) -> Bytes {
    match (encoding, accepted.rejected) {
        (Encoding::Protobuf, None) => Bytes::new(),
        (Encoding::Json, None) => Bytes::from_static(b"{}"),
        (Encoding::Protobuf, Some(rejected)) => partial_success(rejected).encode_to_vec().into(),
        (Encoding::Json, Some(rejected)) => {
            json::encode_response(Some((rejected.spans, &rejected.message))).into()
        }
    }
}

fn framed(accepted: Accepted) -> Bytes {
    let Some(rejected) = accepted.rejected else {
        return Bytes::from_static(&EMPTY_MESSAGE);
    };
    let message = partial_success(rejected).encode_to_vec();
    let mut framed = BytesMut::with_capacity(EMPTY_MESSAGE.len() + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(&message);
    framed.freeze()
}

fn partial_success(rejected: Rejected) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected.spans).unwrap_or(i64::MAX),
            error_message: rejected.message,
        }),
    }
}
