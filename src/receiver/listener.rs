//! A listening socket: bound before anything is served, then accepting until the receivers close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::Gauge;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::ReceiverError;
use super::connection::{Answer, ConnectionServer};
use super::phase::Phase;

/// Most connections open on one port; more wait in the operating system's backlog.
const CONNECTIONS_MAX: usize = 10_000;

/// Wait after an accept that failed for lack of file descriptors or memory, which another attempt will not cure.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Idle time after which TCP asks whether the peer is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// A bound socket and its address.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    pub(super) address: SocketAddr,
}

impl Listener {
    /// Binds `endpoint`, which the configuration has under `key`.
    ///
    /// # Errors
    /// [`ReceiverError::Bind`].
    pub(super) async fn bind(
        endpoint: SocketAddr,
        key: &'static str,
    ) -> Result<Self, ReceiverError> {
        let bind_error = |source| ReceiverError::Bind {
            endpoint,
            key,
            source,
        };
        let socket = TcpListener::bind(endpoint).await.map_err(bind_error)?;
        let address = socket.local_addr().map_err(bind_error)?;
        Ok(Self { socket, address })
    }

    /// Accepts until `phase` says closing; each connection runs in a task of its own.
    pub(super) async fn run<A: Answer>(
        self,
        server: ConnectionServer<A>,
        connections_open: Gauge,
        mut phase: watch::Receiver<Phase>,
    ) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let of_connections = phase.clone();
        loop {
            let next = tokio::select! {
                _ = phase.wait_for(|now| *now >= Phase::Closing) => return,
                next = self.next(&room) => next,
            };
            let Some((stream, permit)) = next else {
                continue;
            };
            let (server, phase) = (server.clone(), of_connections.clone());
            let open = connections_open.clone();
            open.increment(1);
            tokio::spawn(async move {
                server.serve(stream, phase).await;
                open.decrement(1);
                drop(permit);
            });
        }
    }

    /// The next connection, once there is room for it; `None` when accepting failed.
    async fn next(&self, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permit = Arc::clone(room).acquire_owned().await.ok()?;
        Some((self.accept().await?, permit))
    }

    async fn accept(&self) -> Option<TcpStream> {
        let stream = match self.socket.accept().await {
            Ok((stream, _peer)) => stream,
            Err(error) if is_of_one_connection(&error) => return None,
            Err(error) => {
                tracing::warn!(%error, address = %self.address, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        // Without these a connection is slower to answer or to be found dead, no more.
        let _ = stream.set_nodelay(true);
        let _ =
            SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE));
        Some(stream)
    }
}

/// Whether only the connection about to be accepted has failed.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
