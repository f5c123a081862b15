//! A trace backend over OTLP/gRPC in this process, which can die and come back on the same port.
//!
//! What it takes it also answers, even while it dies, so that every span here twice was sent twice by somebody.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::grpc::framed;

/// A running backend; it ends when dropped.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    _server: JoinSet<()>,
}

/// A request that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) headers: HeaderMap,
    pub(crate) request: ExportTraceServiceRequest,
}

struct State {
    is_alive: watch::Sender<bool>,
    taken: Mutex<Vec<Taken>>,
}

type Frames = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, hyper::Error>>>;

/// The backend died before it took the request.
#[derive(Debug, thiserror::Error)]
#[error("the backend is dead")]
struct Dead;

impl Backend {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            is_alive: watch::Sender::new(true),
            taken: Mutex::default(),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            _server: server,
        }
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn kill(&self) {
        self.state.is_alive.send_replace(false);
    }

    /// Takes connections again.
    pub(crate) fn revive(&self) {
        self.state.is_alive.send_replace(true);
    }

    /// All that was taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.state.taken.lock().clone()
    }

    /// The requests of the same.
    pub(crate) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let taken = self.state.taken.lock();
        taken.iter().map(|taken| taken.request.clone()).collect()
    }

    /// A server file with this backend as the only exporter, which tries again soon; `more` is added to it.
    pub(crate) fn server_file(&self, more: &str) -> String {
        let retry = "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}";
        let endpoint = format!("endpoint: \"http://{}\"", self.address);
        format!("exporters: {{otlp: {{{endpoint}, {retry}}}}}\n{more}")
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if *state.is_alive.borrow() {
            connections.spawn(serve_connection(stream, Arc::clone(&state)));
        }
    }
}

async fn serve_connection(stream: TcpStream, state: Arc<State>) {
    let mut is_alive = state.is_alive.subscribe();
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    let connection = http2::Builder::new(TokioExecutor::new());
    let connection = connection.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = is_alive.wait_for(|is_alive| !is_alive) => connection.as_mut().graceful_shutdown(),
    }
    // What it took is still answered; what it did not take fails.
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<StreamBody<Frames>>, Dead> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dead)?.to_bytes();
    let request = decode(&body);
    if !*state.is_alive.borrow() {
        return Err(Dead);
    }
    state.taken.lock().push(Taken {
        headers: head.headers,
        request,
    });
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from(0))]);
    let frames = vec![
        Ok(Frame::data(framed(0, &[]))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    Ok(response)
}

/// Reads the one message, which may be gzipped.
fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    let (prefix, message) = body.split_at(5);
    if prefix[0] == 0 {
        return ExportTraceServiceRequest::decode(message).unwrap();
    }
    let mut inflated = Vec::new();
    GzDecoder::new(message).read_to_end(&mut inflated).unwrap();
    ExportTraceServiceRequest::decode(inflated.as_slice()).unwrap()
}
