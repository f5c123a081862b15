//! One connection to a destination: dials, greets, sends frames, reads answers, and begins again when it breaks.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame as BodyFrame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::destination::Destination;
use super::queue::Live;
use super::shared::Shared;
use super::unary::{call, request, status_of};
use crate::batch::peer::answer::TicketAnswer;
use crate::batch::peer::hello::{
    GREETING_BYTES_MAX, Hello, Side, Stranger, decode_proof, encode_proof,
};
use crate::batch::peer::message::MessageReader;
use crate::batch::peer::{FRAMES_PATH, HELLO_PATH, Malformed, PROVE_PATH};
use crate::batch::replica::ReplicaId;

/// Time to connect and to greet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Silence after which a connection with frames in flight is pinged, and the time for the answer.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// HTTP/2 flow-control windows for answers, in bytes, and the largest HTTP/2 frame.
const WINDOW_BYTES: u32 = 4 << 20;
const HTTP_FRAME_BYTES_MAX: u32 = 1 << 20;

/// Longest answer to a frame, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 10;

/// Why a connection could not be made, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// It was refused, or there is no way there.
    #[error("cannot connect")]
    Dial(#[source] std::io::Error),
    /// Nobody answered in time.
    #[error("no answer in time")]
    TimedOut,
    /// HTTP/2 failed.
    #[error("the connection broke")]
    Http(#[source] hyper::Error),
    /// They do not want to talk to us.
    #[error("refused: {0}")]
    Refused(String),
    /// We do not want to talk to them.
    #[error(transparent)]
    Stranger(Stranger),
    /// What they say makes no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Another replica answers at the address.
    #[error("the replica there is {0}")]
    OtherReplica(ReplicaId),
    /// This replica lives on as another than the one that greeted.
    #[error("this replica has begun another life")]
    NewLife,
    /// A frame was not answered in time.
    #[error("a frame was not answered in time")]
    Silent,
}

/// A connection that frames are given to; forgotten on drop.
struct Registered {
    destination: Arc<Destination>,
    number: u32,
}

/// A task that ends with this.
struct Driver(JoinHandle<()>);

/// Connects to `replica`, again and again, until its destination is gone or the forwarder ends.
pub(super) async fn run(
    destination: Arc<Destination>,
    replica: ReplicaId,
    shared: Arc<Shared>,
    mut address: watch::Receiver<Option<SocketAddr>>,
) {
    let mut failures = 0;
    while !destination.is_removed() {
        let known = *address.borrow_and_update();
        let connection = async {
            match known {
                None => std::future::pending().await,
                Some(address) => {
                    connect(&destination, &replica, &shared, address, &mut failures).await
                }
            }
        };
        let ended = tokio::select! {
            biased;
            ended = connection => ended,
            _ = address.changed() => continue,
            () = shared.closed.cancelled() => return,
        };
        failures += 1;
        shared.context.metrics.connections_failed.increment(1);
        if let Err(error) = &ended {
            log_failure(&replica, failures, error);
        }
        let wait = shared.context.config.retry_wait(failures);
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            _ = address.changed() => {}
            () = shared.closed.cancelled() => return,
        }
    }
}

/// One connection, to its end. Sets `failures` to 0 once it has greeted.
async fn connect(
    destination: &Arc<Destination>,
    replica: &ReplicaId,
    shared: &Arc<Shared>,
    address: SocketAddr,
    failures: &mut u32,
) -> Result<(), ConnectionError> {
    let mut lives = shared.context.lives();
    let greeted = in_time(async {
        let io = shared.dial.dial(address).await;
        let io = TokioIo::new(io.map_err(ConnectionError::Dial)?);
        let handshake = builder().handshake::<_, Body>(io).await;
        let (mut sender, connection) = handshake.map_err(ConnectionError::Http)?;
        let driver = Driver(tokio::spawn(async {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a replica ended");
            }
        }));
        greet(&mut sender, replica, shared).await?;
        Ok((sender, driver))
    });
    let (mut sender, _driver) = greeted.await?;
    *failures = 0;
    let cancel = CancellationToken::new();
    let live = Live {
        sender: sender.clone(),
        cancel: cancel.clone(),
    };
    let registered = Registered {
        number: destination.connected(live),
        destination: Arc::clone(destination),
    };
    let frames = frames(Arc::clone(destination), registered.number);
    let answers = async {
        let response = sender.send_request(request(FRAMES_PATH, frames)).await;
        read_answers(
            response.map_err(ConnectionError::Http)?,
            destination,
            shared,
        )
        .await
    };
    tokio::select! {
        biased;
        ended = answers => ended,
        () = cancel.cancelled() => Err(ConnectionError::Silent),
        // What comes over a connection is taken for the word of the life that greeted.
        _ = lives.changed() => Err(ConnectionError::NewLife),
    }
}

async fn in_time<T>(
    connecting: impl Future<Output = Result<T, ConnectionError>>,
) -> Result<T, ConnectionError> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    connected.unwrap_or(Err(ConnectionError::TimedOut))
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_frame_size(HTTP_FRAME_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    builder
}

/// Shows who we are and that we know the secret, and checks the same of them.
async fn greet(
    sender: &mut SendRequest<Body>,
    replica: &ReplicaId,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    let config = &shared.context.config;
    let life = shared.context.life();
    let ours = Hello::new(&config.cluster, life, (config.draw_nonce)());
    let answer = call(sender, HELLO_PATH, &ours.encode(), GREETING_BYTES_MAX).await?;
    let theirs = Hello::decode(answer)?;
    theirs
        .check(&config.cluster)
        .map_err(ConnectionError::Stranger)?;
    let proof = config.secret.proof(Side::Caller, &ours, &theirs);
    let answer = call(
        sender,
        PROVE_PATH,
        &encode_proof(&proof),
        GREETING_BYTES_MAX,
    )
    .await?;
    config
        .secret
        .check(&decode_proof(answer)?, Side::Answerer, &ours, &theirs)
        .map_err(ConnectionError::Stranger)?;
    if theirs.life.replica != *replica {
        return Err(ConnectionError::OtherReplica(theirs.life.replica));
    }
    Ok(())
}

/// The frames of a connection as the body of a request. The payload is a piece of its own, so that it is not copied.
fn frames(destination: Arc<Destination>, connection: u32) -> Body {
    let begin = (destination, None::<Bytes>);
    let frames = stream::unfold(begin, move |(destination, payload)| async move {
        if let Some(payload) = payload {
            return Some((Ok(BodyFrame::data(payload)), (destination, None)));
        }
        let next = destination.next_frame(connection).await?;
        let payload = Some(next.payload).filter(|payload| !payload.is_empty());
        let head = Ok::<_, tonic::Status>(BodyFrame::data(next.head));
        Some((head, (destination, payload)))
    });
    Body::new(StreamBody::new(frames))
}

async fn read_answers(
    mut response: http::Response<hyper::body::Incoming>,
    destination: &Arc<Destination>,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    status_of(response.headers())?;
    let mut reader = MessageReader::new(ANSWER_BYTES_MAX);
    while let Some(arrived) = response.body_mut().frame().await {
        match arrived.map_err(ConnectionError::Http)?.into_data() {
            Ok(piece) => reader.push(piece),
            Err(other) => {
                if let Ok(trailers) = other.into_trailers() {
                    status_of(&trailers)?;
                }
                continue;
            }
        }
        while let Some(answer) = reader.take()? {
            destination.answered(TicketAnswer::decode(answer.into_bytes())?, shared);
        }
    }
    Ok(())
}

/// Once loudly, then quietly: the back-off tries for as long as the replica is known.
fn log_failure(replica: &ReplicaId, failures: u32, error: &ConnectionError) {
    let error: &dyn std::error::Error = error;
    if failures == 1 {
        tracing::warn!(%replica, error, "no connection to a replica");
    } else {
        tracing::debug!(%replica, error, failures, "no connection to a replica");
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.destination.disconnected(self.number);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
