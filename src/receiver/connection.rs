//! One client connection: HTTP/1.1 or HTTP/2 by its first bytes.
//!
//! Each HTTP/2 stream is a task of its own, as hyper has it. Running the streams inside the connection's task was tried
//! and saves nothing that could be measured (two runtime threads, requests of 100 spans, 32 connections at full speed,
//! three runs each on a machine with other load: 212 to 221 ns of CPU per span against 215 to 238; at 200 requests per
//! second one epoll wake-up per request either way), while it would bind a client with a single connection, such as a
//! collector, to one core for inflating.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::answer::AnswerBody;
use super::config::KeepaliveConfig;
use super::phase::Phase;

/// Largest HTTP/2 frame taken, in bytes: a typical request fits in one and is then not copied.
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// HTTP/2 flow-control windows, in bytes: what a client may send ahead of being read.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// What a client's first bytes are when it speaks HTTP/2.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Time between two looks at a preface that has begun and is not complete.
const PREFACE_LOOK: Duration = Duration::from_millis(200);

/// What an HTTP/1.1 client may make hyper buffer, in bytes, its head above all: it is not charged to any budget.
const HTTP1_BUFFER_BYTES_MAX: usize = 128 << 10;

/// Limits and times of a connection.
#[derive(Debug, Clone)]
pub(super) struct ConnectionSettings {
    /// HTTP/2 streams open at once.
    pub(super) streams_max: u32,
    /// HTTP/2 pings.
    pub(super) ping_time: Duration,
    pub(super) ping_timeout: Duration,
    /// Age after which an HTTP/2 client is asked to connect anew, and the grace after that.
    pub(super) age_max: Option<(Duration, Duration)>,
    /// Time for the head of an HTTP/1.1 request; idle connections are closed after it.
    pub(super) head_timeout: Duration,
}

/// What answers the requests of a port.
pub(super) trait Answer: Send + Sync + 'static {
    /// Answers one request; failures are answers too.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<AnswerBody>> + Send;
}

/// Serves the connections of a port.
pub(super) struct ConnectionServer<A> {
    settings: ConnectionSettings,
    answers: Arc<A>,
}

impl ConnectionSettings {
    /// Of the gRPC port. `head_timeout` meets only clients that speak HTTP/1.1 to it by mistake.
    pub(super) fn new(
        streams_max: u32,
        keepalive: &KeepaliveConfig,
        head_timeout: Duration,
    ) -> Self {
        Self {
            streams_max,
            ping_time: keepalive.time,
            ping_timeout: keepalive.timeout,
            age_max: keepalive
                .max_connection_age
                .map(|age| (age, keepalive.max_connection_age_grace)),
            head_timeout,
        }
    }
}

impl<A> Clone for ConnectionServer<A> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            answers: Arc::clone(&self.answers),
        }
    }
}

impl<A: Answer> ConnectionServer<A> {
    pub(super) fn new(settings: ConnectionSettings, answers: A) -> Self {
        Self {
            settings,
            answers: Arc::new(answers),
        }
    }

    /// Serves `stream` until the client closes it, it is too old, or `phase` ends it.
    pub(super) async fn serve(&self, stream: TcpStream, mut phase: watch::Receiver<Phase>) {
        if !self.has_begun(&stream, &mut phase).await {
            return;
        }
        let service = service_fn(|request| {
            let answers = Arc::clone(&self.answers);
            async move { Ok::<_, Infallible>(answers.answer(request).await) }
        });
        let builder = self.builder();
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let grace = tokio::select! {
            biased;
            result = &mut connection => return log_end(result),
            grace = self.reason_to_leave(&mut phase) => grace,
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            result = &mut connection => log_end(result),
            () = end_of_grace(grace, &mut phase) => {}
        }
    }

    /// Waits until the client has shown which protocol it speaks; says whether it did in time. hyper's own times begin
    /// only then, so that without this the connections of silent clients would use up the port's for good.
    async fn has_begun(&self, stream: &TcpStream, phase: &mut watch::Receiver<Phase>) -> bool {
        let leave_at = phase.borrow().leave_at();
        tokio::select! {
            biased;
            begun = tokio::time::timeout(self.settings.head_timeout, protocol_shown(stream)) => {
                begun.unwrap_or(false)
            }
            _ = phase.wait_for(|now| *now >= leave_at) => false,
        }
    }

    /// Waits until the connection should end; gives the time that it may still take, where that is bounded by itself.
    async fn reason_to_leave(&self, phase: &mut watch::Receiver<Phase>) -> Option<Duration> {
        let leave_at = phase.borrow().leave_at();
        let asked = phase.wait_for(|now| *now >= leave_at);
        let Some((age, grace)) = self.settings.age_max else {
            let _ended = asked.await.is_err();
            return None;
        };
        tokio::select! {
            _ = asked => None,
            () = tokio::time::sleep(jittered(age)) => Some(grace),
        }
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let settings = &self.settings;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .max_buf_size(HTTP1_BUFFER_BYTES_MAX)
            .header_read_timeout(settings.head_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.streams_max)
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(settings.ping_time)
            .keep_alive_timeout(settings.ping_timeout)
            .auto_date_header(false);
        builder
    }
}

/// Whether the client's first bytes are HTTP/2's preface, complete, or something else; not if it leaves before that.
async fn protocol_shown(stream: &TcpStream) -> bool {
    let mut seen = [0; PREFACE.len()];
    loop {
        let Ok(length @ 1..) = stream.peek(&mut seen).await else {
            return false;
        };
        let is_preface = seen.iter().zip(PREFACE).take(length).all(|(a, b)| a == b);
        if !is_preface || length == PREFACE.len() {
            return true;
        }
        tokio::time::sleep(PREFACE_LOOK).await;
    }
}

/// Ends when the connection has had its time: its own grace, or the end of the process's.
async fn end_of_grace(grace: Option<Duration>, phase: &mut watch::Receiver<Phase>) {
    let aborted = phase.wait_for(|now| *now == Phase::Aborted);
    match grace {
        None => {
            let _ended = aborted.await.is_err();
        }
        Some(grace) => tokio::select! {
            _ = aborted => {}
            () = tokio::time::sleep(grace) => {}
        },
    }
}

/// Up to a tenth more or less, so that connections opened together do not all reconnect together.
fn jittered(age: Duration) -> Duration {
    age.mul_f64(rand::random_range(0.9..=1.1))
}

fn log_end<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "client connection ended");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn shown_after(parts: &[&[u8]]) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let send = async {
            for part in parts {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
        };
        let (shown, ()) = tokio::join!(protocol_shown(&server), send);
        shown
    }

    #[tokio::test]
    async fn a_protocol_is_shown_by_a_whole_preface_or_by_anything_else() {
        assert!(shown_after(&[b"PRI * HTTP", &PREFACE[10..]]).await);
        assert!(shown_after(&[b"P", b"OST /v1/traces HTTP/1.1\r\n"]).await);
        assert!(!shown_after(&[]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_go_on_with_its_preface_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client.write_all(b"PRI * HTTP").await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(30), protocol_shown(&server));
        assert!(waited.await.is_err());
    }
}
