//! Datagrams in memory, for real gossip: each takes a time of its own, so that they overtake each other, and some are
//! lost. They go by the addresses of connections, and are cut off with them.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use rand::Rng as _;
use tokio::sync::{Mutex, mpsc};

use super::network::Network;
use crate::router::membership::gossip;

/// Datagrams that wait for one reader; what finds no room is lost, as a socket's buffer loses it.
pub(super) const WAITING_MAX: usize = 256;
/// Share of datagrams that are lost.
const LOST_SHARE: f64 = 0.02;

/// A datagram and where it came from.
pub(super) type Datagram = (SocketAddr, Bytes);

/// A socket of the simulated network.
pub(super) struct SimulatedSocket {
    network: Network,
    address: SocketAddr,
    arrived: Mutex<mpsc::Receiver<Datagram>>,
}

impl SimulatedSocket {
    /// Binds `address`, in place of who had it before.
    pub(super) fn bind(network: &Network, address: SocketAddr) -> Self {
        let (mailbox, arrived) = mpsc::channel(WAITING_MAX);
        network.bind(address, mailbox);
        Self {
            network: network.clone(),
            address,
            arrived: Mutex::new(arrived),
        }
    }
}

#[async_trait]
impl gossip::Network for SimulatedSocket {
    fn local_address(&self) -> SocketAddr {
        self.address
    }

    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        // The library draws by itself whom it gossips with: nothing about these seeds comes the same way twice.
        if !rand::rng().random_bool(LOST_SHARE) {
            let delay = rand::rng().random();
            self.network.send(self.address, to, datagram, delay);
        }
        Ok(())
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let Some((from, datagram)) = self.arrived.lock().await.recv().await else {
            return std::future::pending().await;
        };
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok((length, from))
    }

    async fn resolve(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(self.network.bound())
    }
}
