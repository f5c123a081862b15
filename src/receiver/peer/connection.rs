//! One connection of another replica.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::session::Session;
use super::{PeerIngest, Shared, frames, unary};
use crate::batch::peer::hello::Stranger;
use crate::batch::peer::{FRAMES_PATH, HELLO_PATH, ORDER_PATH, PROVE_PATH, TRACE_PATH};
use crate::receiver::answer::AnswerBody;
use crate::receiver::phase::Phase;
use crate::receiver::status::Failure;

/// Largest HTTP/2 frame, in bytes: a payload in one of them is not copied.
const HTTP_FRAME_BYTES_MAX: u32 = 1 << 20;

/// HTTP/2 flow-control windows, in bytes.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// HTTP/2 streams open at once: one of frames, the others orders.
const STREAMS_MAX: u32 = 64;

/// Silence after which a connection is pinged, and the time for the answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Time until the greeting has succeeded.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves `stream` until the peer closes it, it does not greet in time, or `phase` ends it.
pub(super) async fn serve<I, S>(
    shared: Arc<Shared<I>>,
    stream: S,
    mut phase: watch::Receiver<Phase>,
) where
    I: PeerIngest,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let session = Arc::new(Session::default());
    let of_streams = phase.clone();
    let service = service_fn(|request| {
        let call = Call {
            shared: Arc::clone(&shared),
            session: Arc::clone(&session),
            phase: of_streams.clone(),
        };
        async move { Ok::<_, Infallible>(call.answer(request).await) }
    });
    let connection = builder().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let greeting = async {
        tokio::time::sleep(GREETING_TIMEOUT).await;
        if session.is_proven() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        result = &mut connection => return log_end(result),
        () = greeting => return,
        _ = phase.wait_for(|now| *now >= Phase::Closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        result = &mut connection => log_end(result),
        _ = phase.wait_for(|now| *now == Phase::Aborted) => {}
    }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_frame_size(HTTP_FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .auto_date_header(false);
    builder
}

/// What a call on the connection is answered with.
struct Call<I> {
    shared: Arc<Shared<I>>,
    session: Arc<Session>,
    phase: watch::Receiver<Phase>,
}

impl<I: PeerIngest> Call<I> {
    async fn answer(self, request: Request<Incoming>) -> Response<AnswerBody> {
        let shared = Arc::clone(&self.shared);
        self.try_answer(request)
            .await
            .unwrap_or_else(|failure| shared.refuse(&failure))
    }

    async fn try_answer(self, request: Request<Incoming>) -> Result<Response<AnswerBody>, Failure> {
        let (head, body) = request.into_parts();
        match head.uri.path() {
            HELLO_PATH => unary::hello(&self.shared, &self.session, body).await,
            PROVE_PATH => unary::prove(&self.shared, &self.session, body).await,
            FRAMES_PATH => {
                self.session.peer()?;
                Ok(frames::answer(self.shared, body, self.phase))
            }
            ORDER_PATH => {
                let from = self.session.peer()?;
                unary::order(&self.shared, from, body).await
            }
            TRACE_PATH => {
                self.session.peer()?;
                unary::about(&self.shared, body).await
            }
            path => Err(Failure::UnknownPath(format!(
                "{path} is not served: this is the port between replicas"
            ))),
        }
    }
}

impl<I> Shared<I> {
    /// Counts a failure and says it.
    fn refuse(&self, failure: &Failure) -> Response<AnswerBody> {
        self.count(failure);
        failure.to_grpc(self.config.retry_after)
    }

    pub(super) fn count(&self, failure: &Failure) {
        let refused = &self.metrics.refused;
        let counter = match failure {
            Failure::Stranger(Stranger::OtherCluster { .. }) => &refused.wrong_cluster,
            Failure::Stranger(Stranger::OtherProtocol { .. }) => &refused.wrong_protocol,
            Failure::Stranger(Stranger::WrongSecret) | Failure::NotGreeted => &refused.wrong_secret,
            Failure::Overloaded(_) => &refused.overloaded,
            Failure::Disconnected => return,
            _ => &refused.malformed,
        };
        counter.increment(1);
        if matches!(failure, Failure::Stranger(_)) {
            tracing::warn!(reason = %failure, "a replica was refused on the peer port");
        } else {
            tracing::debug!(reason = %failure, "a call on the peer port was refused");
        }
    }
}

fn log_end<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a replica's connection ended");
    }
}
