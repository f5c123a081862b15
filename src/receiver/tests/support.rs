//! Receivers under test, what stands behind them, and clients that send exactly what they are told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::batch::metadata::RequestMetadata;
use crate::clock::Clock;
use crate::memory::{Budget, Charge};
use crate::metrics::Registry;
use crate::receiver::Receivers;
use crate::receiver::config::{GrpcConfig, HttpConfig, ReceiverConfig};
use crate::receiver::ingest::{Accepted, Ingest, ReceivedRequest, Refusal};

pub(super) const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Answers every request alike and keeps what it got. With `gate`, a request waits for a permit there.
#[derive(Debug, Clone)]
pub(super) struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    answer: Mutex<Result<Accepted, Refusal>>,
    taken: Mutex<Vec<Taken>>,
    arrived: Semaphore,
    gate: Semaphore,
}

/// A request as the ingest got it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) body: Bytes,
    pub(super) metadata: Option<Arc<RequestMetadata>>,
    pub(super) charge: Charge,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            answer: Mutex::new(Ok(Accepted::default())),
            taken: Mutex::new(Vec::new()),
            arrived: Semaphore::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    pub(super) fn answering(answer: Result<Accepted, Refusal>) -> Self {
        let recorder = Self::new();
        *recorder.0.answer.lock() = answer;
        recorder
    }

    /// Requests wait until [`Recorder::release`].
    pub(super) fn holding() -> Self {
        let recorder = Self::new();
        recorder.0.gate.forget_permits(Semaphore::MAX_PERMITS);
        recorder
    }

    pub(super) fn release(&self, requests: usize) {
        self.0.gate.add_permits(requests);
    }

    /// Waits until so many requests more are with the ingest.
    pub(super) async fn arrived(&self, requests: u32) {
        let arrivals = self.0.arrived.acquire_many(requests);
        arrivals.await.unwrap().forget();
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        std::mem::take(&mut *self.0.taken.lock())
    }

    /// The body of the only request taken.
    pub(super) fn only_body(&self) -> Bytes {
        let mut taken = self.taken();
        assert_eq!(taken.len(), 1);
        taken.remove(0).body
    }
}

impl Ingest for Recorder {
    async fn ingest(&self, request: ReceivedRequest) -> Result<Accepted, Refusal> {
        let ReceivedRequest {
            body,
            metadata,
            charge,
        } = request;
        self.0.taken.lock().push(Taken {
            body,
            metadata,
            charge,
        });
        self.0.arrived.add_permits(1);
        self.0.gate.acquire().await.unwrap().forget();
        self.0.answer.lock().clone()
    }
}

/// Receivers on free ports.
pub(super) struct Fixture {
    pub(super) receivers: Receivers,
    pub(super) recorder: Recorder,
    pub(super) memory: Budget,
    pub(super) registry: Registry,
}

impl Fixture {
    pub(super) async fn start() -> Self {
        Self::with(config(), Recorder::new(), 1 << 30).await
    }

    pub(super) async fn answering(answer: Result<Accepted, Refusal>) -> Self {
        Self::with(config(), Recorder::answering(answer), 1 << 30).await
    }

    pub(super) async fn configured(change: impl FnOnce(&mut ReceiverConfig)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::with(config, Recorder::new(), 1 << 30).await
    }

    pub(super) async fn with(
        config: ReceiverConfig,
        recorder: Recorder,
        memory_bytes: u64,
    ) -> Self {
        let memory = Budget::new(memory_bytes);
        let registry = Registry::new();
        let receivers = Receivers::start(
            config,
            recorder.clone(),
            memory.clone(),
            registry.receiver(),
            Clock::system(),
        )
        .await
        .unwrap();
        Self {
            receivers,
            recorder,
            memory,
            registry,
        }
    }

    pub(super) fn grpc(&self) -> SocketAddr {
        self.receivers.grpc_addr.unwrap()
    }

    pub(super) fn http(&self) -> SocketAddr {
        self.receivers.http_addr.unwrap()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http())
    }

    /// A POST of `body` to the traces path as `content_type`.
    pub(super) fn post(
        &self,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::RequestBuilder {
        client()
            .post(self.url("/v1/traces"))
            .header("content-type", content_type)
            .body(body)
    }

    pub(super) fn has_metric(&self, line: &str) -> bool {
        self.registry.render().lines().any(|it| it == line)
    }
}

/// Both ports free, everything else by default.
pub(super) fn config() -> ReceiverConfig {
    let endpoint = SocketAddr::from(([127, 0, 0, 1], 0));
    ReceiverConfig {
        grpc: Some(GrpcConfig {
            endpoint,
            ..GrpcConfig::default()
        }),
        http: Some(HttpConfig {
            endpoint,
            ..HttpConfig::default()
        }),
        retry_after: Duration::from_millis(1_500),
        ..ReceiverConfig::default()
    }
}

pub(super) fn client_builder() -> reqwest::ClientBuilder {
    // reqwest wants one even where no TLS is spoken; a second installation is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

pub(super) fn client() -> reqwest::Client {
    client_builder().build().unwrap()
}

/// An encoded request of `spans` spans.
pub(super) fn request(spans: usize) -> Bytes {
    let span = |index: usize| Span {
        trace_id: vec![7; 16],
        span_id: (index as u64 + 1).to_be_bytes().to_vec(),
        name: format!("operation {index}"),
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: (0..spans).map(span).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
    .into()
}

pub(super) fn gzip(body: &[u8]) -> Bytes {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap().into()
}

/// 1 GiB of zeros in about 1 MB.
pub(super) fn bomb() -> Bytes {
    let member = gzip(&vec![0; 16 << 20]);
    Bytes::from(member.repeat(64))
}

pub(super) fn zstd(body: &[u8]) -> Bytes {
    zstd::bulk::compress(body, 3).unwrap().into()
}

/// A gRPC message with its prefix.
pub(super) fn framed(compressed: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(compressed);
    framed.put_u32(message.len().try_into().unwrap());
    framed.put_slice(message);
    framed.freeze()
}

/// What came back on an HTTP/2 stream.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) data: Vec<u8>,
    pub(super) trailers: HeaderMap,
}

impl Answer {
    /// `grpc-status`, from the trailers or from a trailers-only answer.
    pub(super) fn code(&self) -> i32 {
        let status = self.trailers.get("grpc-status");
        let status = status.or(self.headers.get("grpc-status")).unwrap();
        status.to_str().unwrap().parse().unwrap()
    }

    /// The answer as tonic's client reads it.
    pub(super) fn status(&self) -> tonic::Status {
        tonic::Status::from_header_map(&self.headers).unwrap()
    }
}

/// An HTTP/2 connection that sends any headers and frames.
#[derive(Clone)]
pub(super) struct RawClient {
    sender: h2::client::SendRequest<Bytes>,
    ended: watch::Receiver<()>,
}

impl RawClient {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        let (ending, ended) = watch::channel(());
        tokio::spawn(async move {
            let _any_end = connection.await;
            drop(ending);
        });
        Self { sender, ended }
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&mut self) {
        self.ended.changed().await.unwrap_err();
    }

    /// Whether the server would take another stream.
    pub(super) async fn may_open(&self) -> bool {
        self.sender.clone().ready().await.is_ok()
    }

    /// How many streams the server allows at once.
    pub(super) fn streams_max(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Sends `frames` as one DATA frame each, the last of them with the end of the stream.
    pub(super) async fn send(&self, request: Request<()>, frames: Vec<Bytes>) -> Answer {
        let mut sender = self.sender.clone().ready().await.unwrap();
        let (answer, mut stream) = sender.send_request(request, frames.is_empty()).unwrap();
        let count = frames.len();
        for (index, frame) in frames.into_iter().enumerate() {
            // An answer may come, and the stream end, before all is sent.
            if stream.send_data(frame, index + 1 == count).is_err() {
                break;
            }
        }
        read_answer(answer).await
    }

    /// Sends headers and nothing else; the stream stays open.
    pub(super) async fn open(
        &self,
        request: Request<()>,
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let mut sender = self.sender.clone().ready().await.unwrap();
        sender.send_request(request, false).unwrap()
    }

    /// An Export call with these frames.
    pub(super) async fn export(&self, encoding: Option<&str>, frames: Vec<Bytes>) -> Answer {
        self.send(export_head(encoding), frames).await
    }
}

pub(super) async fn read_answer(answer: h2::client::ResponseFuture) -> Answer {
    let (head, mut body) = answer.await.unwrap().into_parts();
    let mut data = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        data.extend_from_slice(&chunk);
    }
    Answer {
        status: head.status,
        headers: head.headers,
        data,
        trailers: body.trailers().await.unwrap().unwrap_or_default(),
    }
}

/// The head of an Export call.
pub(super) fn export_head(encoding: Option<&str>) -> Request<()> {
    let mut head = grpc_head(EXPORT_PATH);
    if let Some(encoding) = encoding {
        let value = encoding.parse().unwrap();
        head.headers_mut().insert("grpc-encoding", value);
    }
    head
}

pub(super) fn grpc_head(path: &str) -> Request<()> {
    Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap()
}
