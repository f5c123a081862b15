//! The network under gossip: datagrams and names, behind an interface so that a simulation can take its place.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::net::{UdpSocket, lookup_host};

/// A bound socket, and how names are resolved.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// The address that it got.
    fn local_address(&self) -> SocketAddr;

    /// Sends one datagram; that it arrives is not promised.
    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()>;

    /// The next datagram: its length, and where it came from. May be dropped while it waits, and loses nothing then.
    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// The addresses that a seed (`host:port`) stands for.
    async fn resolve(&self, seed: &str) -> io::Result<Vec<SocketAddr>>;
}

/// UDP, and the system's resolver.
#[derive(Debug)]
pub struct UdpNetwork {
    socket: UdpSocket,
    local_address: SocketAddr,
}

impl UdpNetwork {
    /// Listens on `endpoint`.
    ///
    /// # Errors
    /// What the system says: the port is taken, the address is not ours.
    pub async fn bind(endpoint: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(endpoint).await?;
        let local_address = socket.local_addr()?;
        Ok(Self {
            socket,
            local_address,
        })
    }
}

#[async_trait]
impl Network for UdpNetwork {
    fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, to).await.map(drop)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer).await
    }

    async fn resolve(&self, seed: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host(seed).await?.collect())
    }
}
