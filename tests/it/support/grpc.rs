//! A gRPC client on bare HTTP/2: a test chooses every byte of a message and sees every part of the answer.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_types::{StatusExt, pb};

use super::DEADLINE;

pub(crate) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// One connection. Clones share it.
#[derive(Clone)]
pub(crate) struct GrpcClient {
    sender: SendRequest<Bytes>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct GrpcAnswer {
    pub(crate) http_status: u16,
    /// Of the head and the trailers.
    pub(crate) headers: HeaderMap,
    /// With the prefixes of its messages.
    pub(crate) body: Bytes,
}

impl GrpcClient {
    /// Connects without TLS.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).await.expect("a connection")
    }

    /// Connects without TLS, if somebody listens.
    pub(crate) async fn try_connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = h2::client::handshake(stream).await.ok()?;
        // It ends when the replica or the last clone of the client goes.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Some(Self { sender })
    }

    /// Exports a request, plain.
    pub(crate) async fn export(&self, request: &ExportTraceServiceRequest) -> GrpcAnswer {
        self.export_with(&[], request).await
    }

    /// Exports a request with these headers.
    pub(crate) async fn export_with(
        &self,
        headers: &[(&str, &str)],
        request: &ExportTraceServiceRequest,
    ) -> GrpcAnswer {
        let message = framed(0, &request.encode_to_vec());
        self.call(EXPORT, headers, message).await
    }

    /// Exports an encoded request; `None` when the connection ended before the answer.
    pub(crate) async fn try_export(&self, request: &[u8]) -> Option<GrpcAnswer> {
        let call = self.try_call(EXPORT, &[], framed(0, request));
        tokio::time::timeout(DEADLINE, call)
            .await
            .expect("an answer in time")
            .ok()
    }

    /// Calls any method with any bytes.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> GrpcAnswer {
        let call = self.try_call(path, headers, body);
        let answer = tokio::time::timeout(DEADLINE, call).await;
        answer.expect("an answer in time").unwrap()
    }

    async fn try_call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<GrpcAnswer, h2::Error> {
        let mut request = Request::post(format!("http://localhost{path}")).header("te", "trailers");
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false)?;
        // A server may answer and refuse the rest.
        let _ = stream.send_data(body, true);
        let (head, mut incoming) = response.await?.into_parts();
        let mut body = BytesMut::new();
        while let Some(data) = incoming.data().await {
            let data = data?;
            incoming.flow_control().release_capacity(data.len())?;
            body.extend_from_slice(&data);
        }
        let mut headers = head.headers;
        headers.extend(incoming.trailers().await?.unwrap_or_default());
        Ok(GrpcAnswer {
            http_status: head.status.as_u16(),
            headers,
            body: body.freeze(),
        })
    }
}

impl GrpcAnswer {
    /// `grpc-status`, message and details, as tonic reads them.
    pub(crate) fn status(&self) -> tonic::Status {
        tonic::Status::from_header_map(&self.headers)
            .unwrap_or_else(|| panic!("no grpc-status in {self:?}"))
    }

    /// `grpc-status`.
    pub(crate) fn code(&self) -> Code {
        self.status().code()
    }

    /// What `RetryInfo` asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.status().get_details_retry_info()?.retry_delay
    }

    /// The `google.rpc.Status` of `grpc-status-details-bin`.
    pub(crate) fn details(&self) -> pb::Status {
        let value = self
            .headers
            .get("grpc-status-details-bin")
            .expect("details");
        let padding =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let base64 = GeneralPurpose::new(&base64::alphabet::STANDARD, padding);
        pb::Status::decode(base64.decode(value).unwrap().as_slice()).unwrap()
    }

    /// The one message of an answer that says success.
    pub(crate) fn message(&self) -> Bytes {
        assert_eq!(self.code(), Code::Ok, "{self:?}");
        assert_eq!(self.body[0], 0);
        let length = u32::from_be_bytes(self.body[1..5].try_into().unwrap());
        assert_eq!(self.body.len(), 5 + length as usize, "one message");
        self.body.slice(5..)
    }

    /// The answer of a successful export.
    pub(crate) fn response(&self) -> ExportTraceServiceResponse {
        ExportTraceServiceResponse::decode(self.message()).unwrap()
    }
}

/// A message with its prefix; `compressed` is the flag.
pub(crate) fn framed(compressed: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(compressed);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}
