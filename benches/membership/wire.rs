//! Datagrams between the replicas of one process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tailsieve::router::membership::gossip::Network;
use tokio::sync::mpsc;

/// Datagrams that a socket keeps.
const DATAGRAMS_MAX: usize = 1_024;

/// Who listens where.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<BTreeMap<SocketAddr, mpsc::Sender<Datagram>>>>);

type Datagram = (Vec<u8>, SocketAddr);

/// One replica's end of the wire.
pub(crate) struct End {
    wire: Wire,
    address: SocketAddr,
    arrived: tokio::sync::Mutex<mpsc::Receiver<Datagram>>,
}

impl Wire {
    /// Nobody listens there any more.
    pub(crate) fn cut_off(&self, address: SocketAddr) {
        self.0.lock().remove(&address);
    }

    /// An end at `address`.
    pub(crate) fn listen(&self, address: SocketAddr) -> End {
        let (arrives, arrived) = mpsc::channel(DATAGRAMS_MAX);
        self.0.lock().insert(address, arrives);
        End {
            wire: self.clone(),
            address,
            arrived: tokio::sync::Mutex::new(arrived),
        }
    }
}

#[async_trait::async_trait]
impl Network for End {
    fn local_address(&self) -> SocketAddr {
        self.address
    }

    async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> std::io::Result<()> {
        if let Some(there) = self.wire.0.lock().get(&to) {
            // What there is no room for is lost, as it is on a real network.
            let _ = there.try_send((datagram.to_vec(), self.address));
        }
        Ok(())
    }

    async fn receive(&self, buffer: &mut [u8]) -> std::io::Result<(usize, SocketAddr)> {
        let Some((datagram, from)) = self.arrived.lock().await.recv().await else {
            return std::future::pending().await;
        };
        let length = datagram.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(&datagram) {
            *to = *from;
        }
        Ok((length, from))
    }

    async fn resolve(&self, seed: &str) -> std::io::Result<Vec<SocketAddr>> {
        let address = seed.parse().map_err(std::io::Error::other)?;
        Ok(vec![address])
    }
}
