//! The bare receiver: a tonic server that takes requests as bytes, walks them and counts. The floor of what receiving
//! costs with this stack, and the backend of what exports.
//!
//! Runs in a process of its own (this binary again). Its second port answers in Prometheus text, and under `/traces`
//! with the spans received by trace, once `/traces` has been asked for.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead as _, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tailsieve::clock::Clock;
use tailsieve::otlp::wire::{WalkedRequest, walk_request};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::books::Books;

/// The argument that makes this binary a bare receiver; then come the addresses of gRPC and of the figures.
pub(crate) const COMMAND: &str = "bare-receiver";
pub(crate) const SPANS_METRIC: &str = "bare_spans_total";
/// Time from the end of a root span to its arrival, in milliseconds.
pub(crate) const ROOT_AGE_P99_METRIC: &str = "bare_root_age_p99_ms";
pub(crate) const ROOT_AGE_MAX_METRIC: &str = "bare_root_age_max_ms";

const MESSAGE_BYTES_MAX: usize = 64 << 20;
const AGE_MS_MAX: u64 = 3_600_000;

/// Serves until it is ended.
pub(crate) fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let [grpc, figures] = arguments else {
        anyhow::bail!("usage: {COMMAND} GRPC_ADDRESS FIGURES_ADDRESS");
    };
    let counts = Arc::new(Counts::new()?);
    let figures = TcpListener::bind(figures.parse::<SocketAddr>()?)?;
    let shown = Arc::clone(&counts);
    std::thread::spawn(move || {
        for stream in figures.incoming().flatten() {
            let _gone = answer(stream, &shown);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let grpc = grpc.parse::<SocketAddr>()?;
    let server = tonic::transport::Server::builder().add_service(TraceService(counts));
    runtime.block_on(server.serve(grpc))?;
    Ok(())
}

/// What is known of the spans that came.
struct Counts {
    spans: AtomicU64,
    clock: Clock,
    root_ages_ms: Mutex<Histogram<u64>>,
    books: Books,
}

#[derive(Clone)]
struct TraceService(Arc<Counts>);

struct Export(Arc<Counts>);

/// Messages as they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RawCodec;

impl Counts {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            spans: AtomicU64::new(0),
            clock: Clock::system(),
            root_ages_ms: Mutex::new(Histogram::new_with_bounds(1, AGE_MS_MAX, 3)?),
            books: Books::default(),
        })
    }

    fn note(&self, walked: &WalkedRequest) {
        self.spans
            .fetch_add(walked.spans.len() as u64, Ordering::Relaxed);
        if !self.books.are_open() {
            return;
        }
        let now_ns = self.clock.unix_ns();
        let mut ages = self.root_ages_ms.lock();
        for root in walked.spans.iter().filter(|span| span.is_root) {
            ages.saturating_record(now_ns.saturating_sub(root.end_ns) / 1_000_000);
        }
        self.books.note(&walked.spans);
    }

    fn metrics(&self) -> String {
        let ages = self.root_ages_ms.lock();
        format!(
            "{SPANS_METRIC} {}\n{ROOT_AGE_P99_METRIC} {}\n{ROOT_AGE_MAX_METRIC} {}\n",
            self.spans.load(Ordering::Relaxed),
            ages.value_at_quantile(0.99),
            ages.max()
        )
    }
}

fn answer(mut stream: TcpStream, counts: &Counts) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n")?;
    if !first.starts_with("GET /traces") {
        return stream.write_all(counts.metrics().as_bytes());
    }
    counts.root_ages_ms.lock().reset();
    counts.books.show_and_open(&mut stream)
}

impl NamedService for TraceService {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl tower::Service<http::Request<tonic::body::Body>> for TraceService {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let export = Export(Arc::clone(&self.0));
        Box::pin(async move {
            let mut grpc = Grpc::new(RawCodec)
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MESSAGE_BYTES_MAX);
            Ok(grpc.unary(export, request).await)
        })
    }
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let walked = walk_request(&request.into_inner());
        ready(match walked {
            Ok(walked) => {
                self.0.note(&walked);
                Ok(Response::new(Bytes::new()))
            }
            Err(error) => Err(Status::invalid_argument(error.to_string())),
        })
    }
}

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let size = from.remaining();
        Ok(Some(from.copy_to_bytes(size)))
    }
}
