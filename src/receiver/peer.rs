//! The peer port: frames and orders of other replicas.
//!
//! gRPC over HTTP/2 on raw bytes, as the receivers have it. A connection begins with a greeting
//! ([`crate::batch::peer::hello`]); until that has succeeded nothing else is read from it. Then there is a stream of
//! frames one way and answers the other, in any order, and unary calls for orders. A frame's bytes are charged to the
//! peers' own share of the memory on the word of its prefix, before it is read; without room it is answered as overload
//! and skipped.
//!
//! # Limits
//! 1,024 connections, 64 streams each, 10 s for the greeting; frames of
//! [`crate::batch::peer::MESSAGE_BYTES_MAX`], 64 of a stream under way at once; orders of 8 MiB. HTTP/2 windows let a
//! peer send 16 MiB a connection ahead of being read; those are not charged.

mod connection;
mod frames;
mod session;
#[cfg(test)]
mod tests;
mod unary;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::ReceiverError;
use super::phase::Phase;
use crate::batch::peer::answer::FrameAnswer;
use crate::batch::peer::frame::Frame;
use crate::batch::peer::hello::{Nonce, Secret};
use crate::batch::replica::Life;
use crate::memory::{Budget, Charge};
use crate::metrics::PeerMetrics;
use crate::otlp::ids::TraceId;

/// Most connections open; later ones wait.
const CONNECTIONS_MAX: usize = 1_024;

/// Wait after an accept that failed for lack of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes what other replicas send. Must be cheap to clone.
pub trait PeerIngest: Clone + Send + Sync + 'static {
    /// This replica's present life; a frame addressed to another one is answered so without being handed over.
    fn life(&self) -> Life;

    /// Takes a frame and says what became of its spans. Called for several frames of a stream at once. `charge` is the
    /// peers' budget's share that the payload holds. A name below its stream's highest known low-water mark is a stray
    /// copy: to be answered as applied, and not applied.
    fn frame(&self, frame: Frame, charge: Charge) -> impl Future<Output = FrameAnswer> + Send;

    /// Takes an order of the holder `from`, and gives the answer to send back.
    fn order(&self, from: Life, order: Bytes) -> impl Future<Output = Bytes> + Send;

    /// Says what is known here of a trace, to send back as it is.
    fn about(&self, trace_id: TraceId) -> impl Future<Output = Bytes> + Send;
}

/// What the peer port goes by.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// `cluster.name`.
    pub cluster: String,
    /// `cluster.secret_file`.
    pub secret: Secret,
    /// What a replica is told to wait whose frame finds no room. Default 50 ms.
    pub retry_after: Duration,
    /// Draws numbers that are used once; must not be foreseeable.
    pub draw_nonce: fn() -> Nonce,
}

/// Answers other replicas. Clones share everything.
pub struct PeerServer<I>(Arc<Shared<I>>);

/// The peer port, serving since [`PeerPort::start`] or [`PeerPort::serve`].
#[derive(Debug)]
pub struct PeerPort {
    phase: watch::Sender<Phase>,
}

struct Shared<I> {
    config: PeerConfig,
    ingest: I,
    budget: Budget,
    metrics: PeerMetrics,
}

impl<I> std::fmt::Debug for PeerServer<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerServer")
    }
}

impl<I> Clone for PeerServer<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I: PeerIngest> PeerServer<I> {
    /// Hands what arrives to `ingest`, charged to `budget`: a share of the memory that nobody else takes of.
    #[must_use]
    pub fn new(config: PeerConfig, ingest: I, budget: Budget, metrics: PeerMetrics) -> Self {
        Self(Arc::new(Shared {
            config,
            ingest,
            budget,
            metrics,
        }))
    }
}

impl PeerPort {
    /// Binds `endpoint` and serves it; also says where, with the port that was bound.
    ///
    /// # Errors
    /// [`ReceiverError::Bind`]; nothing is served then.
    pub async fn start<I: PeerIngest>(
        endpoint: SocketAddr,
        server: PeerServer<I>,
    ) -> Result<(Self, SocketAddr), ReceiverError> {
        let (incoming, address) = Self::bind(endpoint).await?;
        Ok((Self::serve(incoming, server), address))
    }

    /// Binds `endpoint`: its connections, for [`PeerPort::serve`], and where it is, with the port that was bound.
    ///
    /// # Errors
    /// [`ReceiverError::Bind`].
    pub async fn bind(
        endpoint: SocketAddr,
    ) -> Result<(impl Stream<Item = TcpStream> + Send + use<>, SocketAddr), ReceiverError> {
        let bind_error = |source| ReceiverError::Bind {
            endpoint,
            key: "cluster.peer.endpoint",
            source,
        };
        let socket = TcpListener::bind(endpoint).await.map_err(bind_error)?;
        let address = socket.local_addr().map_err(bind_error)?;
        Ok((accepted(socket), address))
    }

    /// Serves connections as they come in, whatever they are made of.
    pub fn serve<I, S>(incoming: S, server: PeerServer<I>) -> Self
    where
        I: PeerIngest,
        S: Stream + Send + 'static,
        S::Item: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (phase, of_tasks) = watch::channel(Phase::Serving);
        tokio::spawn(accept(incoming, server, of_tasks));
        Self { phase }
    }

    /// Takes no new connections and no new frames, answers those that are under way, for `grace` at most, and says
    /// whether all could be.
    pub async fn finished(self, grace: Duration) -> bool {
        self.phase.send_replace(Phase::Closing);
        let ended = tokio::time::timeout(grace, self.phase.closed()).await;
        self.phase.send_replace(Phase::Aborted);
        self.phase.closed().await;
        ended.is_ok()
    }
}

async fn accept<I, S>(incoming: S, server: PeerServer<I>, mut phase: watch::Receiver<Phase>)
where
    I: PeerIngest,
    S: Stream + Send + 'static,
    S::Item: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut incoming = pin!(incoming);
    let of_connections = phase.clone();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let next = tokio::select! {
            biased;
            closing = phase.wait_for(|now| *now >= Phase::Closing) => {
                drop(closing);
                return;
            }
            next = incoming.next() => next,
        };
        let Some(connection) = next else {
            return;
        };
        let (server, phase) = (server.clone(), of_connections.clone());
        tokio::spawn(async move {
            server.0.metrics.connections.increment(1);
            connection::serve(Arc::clone(&server.0), connection, phase).await;
            server.0.metrics.connections.decrement(1);
            drop(permit);
        });
    }
}

/// The connections of a listening socket.
fn accepted(socket: TcpListener) -> impl Stream<Item = TcpStream> + Send {
    stream::unfold(socket, |socket| async {
        loop {
            match socket.accept().await {
                Ok((connection, _peer)) => {
                    // Without it frames wait for each other, no more.
                    let _ = connection.set_nodelay(true);
                    return Some((connection, socket));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of a replica");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}
