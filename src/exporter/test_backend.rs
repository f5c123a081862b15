//! A backend for tests: speaks HTTP/1.1 and HTTP/2 on loopback, plain or TLS, records requests and answers as told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::config::OtlpConfig;
use crate::batch::export::ExportBatch;
use crate::batch::metadata::RequestMetadata;
use crate::memory::Budget;

/// A request as the backend got it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    /// The HTTP body: for gRPC with the message's prefix.
    pub(super) body: Bytes,
}

/// What to answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
    never: bool,
}

/// A running backend; it dies with its connections when dropped.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    script: Arc<Script>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
}

impl Answer {
    pub(super) fn http(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            ..Self::default()
        }
    }

    pub(super) fn protobuf(status: u16, body: Vec<u8>) -> Self {
        Self::http(status)
            .with("content-type", "application/x-protobuf")
            .with_body(body)
    }

    /// An error without a message: its status is in the headers.
    pub(super) fn grpc_error(status: &tonic::Status) -> Self {
        let (parts, _) = status.clone().into_http::<()>().into_parts();
        Self {
            headers: parts.headers,
            ..Self::default()
        }
    }

    /// A message, then a status in the trailers.
    pub(super) fn grpc(status: &tonic::Status, message: &[u8]) -> Self {
        let mut body = BytesMut::new();
        body.put_u8(0);
        body.put_u32(u32::try_from(message.len()).unwrap());
        body.put_slice(message);
        let (parts, _) = status.clone().into_http::<()>().into_parts();
        Self {
            body: body.freeze(),
            trailers: Some(parts.headers),
            ..Self::default()
        }
        .with("content-type", "application/grpc")
    }

    /// The request is read, but never answered.
    pub(super) fn never() -> Self {
        Self {
            never: true,
            ..Self::default()
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.insert(name, value);
        self
    }

    pub(super) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    fn ok_for(request: &HeaderMap) -> Self {
        match request.get("content-type") {
            Some(kind) if kind == "application/grpc" => Self::grpc(&tonic::Status::ok(""), &[]),
            _ => Self::protobuf(200, Vec::new()),
        }
    }
}

impl Backend {
    pub(super) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), None).await
    }

    pub(super) async fn start_at(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script::default());
        let mut server = JoinSet::new();
        server.spawn(serve(listener, tls, Arc::clone(&script)));
        Self {
            address,
            script,
            _server: server,
        }
    }

    /// Answers the next requests like this, in order; those beyond them get a success.
    pub(super) fn will_answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.answers.lock().extend(answers);
    }

    pub(super) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.script.seen.lock())
    }

    pub(super) fn plain_config(&self) -> OtlpConfig {
        OtlpConfig {
            endpoint: format!("http://{}", self.address),
            compression: super::config::Compression::None,
            ..OtlpConfig::default()
        }
    }
}

/// A request of `spans` spans whose body is `text`.
pub(super) fn batch(budget: &Budget, spans: u64, text: &str) -> ExportBatch {
    ExportBatch {
        body: Bytes::copy_from_slice(text.as_bytes()),
        spans,
        metadata: Some(Arc::new(RequestMetadata(vec![(
            "x-tenant".to_owned(),
            "blue".to_owned(),
        )]))),
        charge: Arc::new(budget.charge(text.len() as u64)),
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, script) = (tls.clone(), Arc::clone(&script));
        connections.spawn(async move {
            match tls {
                None => serve_connection(stream, script).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, script).await;
                    }
                }
            }
        });
    }
}

async fn serve_connection<S>(stream: S, script: Arc<Script>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(request, Arc::clone(&script)));
    // A client that goes away is part of the tests.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Frames = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, hyper::Error>>>;

async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
) -> Result<Response<StreamBody<Frames>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let next = script.answers.lock().pop_front();
    let answer = next.unwrap_or_else(|| Answer::ok_for(&head.headers));
    script.seen.lock().push(Seen {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
    });
    if answer.never {
        std::future::pending::<()>().await;
    }
    let mut frames = vec![Ok(Frame::data(answer.body))];
    frames.extend(
        answer
            .trailers
            .map(|trailers| Ok(Frame::trailers(trailers))),
    );
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
