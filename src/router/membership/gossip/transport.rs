//! How the gossip library's messages travel: sealed, cut into datagrams, addressed to one life of a process.
//!
//! Nothing that comes from the network ends gossip: what is not ours is counted and dropped, and errors of the socket
//! pass.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chitchat::transport::{Socket, Transport};
use chitchat::{ChitchatMessage, Deserializable, Serializable};
use parking_lot::Mutex;

use super::datagram::{Body, DATAGRAM_BYTES_MAX, Head, Refused, Seal};
use super::network::Network;
use super::parts::{Assembly, cut};
use super::sessions::Sessions;
use crate::metrics::GossipMetrics;

/// Most addresses whose session is remembered; beyond it all are forgotten, and learned again by a datagram each.
const ADDRESSEES_MAX: usize = 4_096;
/// Wait after an error of the socket, so that one that lasts costs no processor.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Hands its socket to the library, once.
pub(super) struct SealedTransport(Mutex<Option<SealedSocket>>);

/// A socket whose datagrams are sealed.
pub(super) struct SealedSocket {
    network: Arc<dyn Network>,
    metrics: GossipMetrics,
    seal: Seal,
    sessions: Sessions,
    assembly: Assembly,
    addressees: HashMap<SocketAddr, Addressee>,
    /// An answer to be sent before anything else is received.
    hello: Option<(SocketAddr, Vec<u8>)>,
    buffer: Vec<u8>,
}

/// What is known of the process at an address.
#[derive(Debug, Clone, Copy, Default)]
struct Addressee {
    session: u64,
    /// Highest counter that a hello from there has answered: older hellos are repetitions.
    answered: u64,
}

impl SealedTransport {
    pub(super) fn new(socket: SealedSocket) -> Self {
        Self(Mutex::new(Some(socket)))
    }
}

#[async_trait]
impl Transport for SealedTransport {
    async fn open(&self, _listen: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let socket = self.0.lock().take();
        match socket {
            Some(socket) => Ok(Box::new(socket)),
            None => Err(anyhow::Error::msg("the gossip socket was opened before")),
        }
    }
}

impl SealedSocket {
    pub(super) fn new(network: Arc<dyn Network>, seal: Seal, metrics: GossipMetrics) -> Self {
        Self {
            network,
            metrics,
            seal,
            sessions: Sessions::default(),
            assembly: Assembly::default(),
            addressees: HashMap::new(),
            hello: None,
            // One byte more, so that longer ones show and are refused for their seal.
            buffer: vec![0; DATAGRAM_BYTES_MAX + 1],
        }
    }

    async fn send_sealed(&self, datagram: &[u8], to: SocketAddr) {
        // Lost or refused by the system is the same: it is said again in the next round.
        if self.network.send_to(datagram, to).await.is_ok() {
            self.metrics.bytes_sent.increment(datagram.len() as u64);
        }
    }

    /// The message that a datagram completes.
    fn take(
        &mut self,
        datagram: &[u8],
        from: SocketAddr,
    ) -> Result<Option<ChitchatMessage>, Refused> {
        let (head, body) = self.seal.open(datagram)?;
        if head.session == self.seal.session() {
            // A seed that is this replica itself.
            return Ok(None);
        }
        if head.addressee != self.seal.session() {
            let answered = head.counter;
            let hello = self.seal.seal(head.session, &Body::Hello { answered });
            self.hello = Some((from, hello));
            return match head.addressee {
                0 => Ok(None),
                _ => Err(Refused::Addressee),
            };
        }
        if !self.sessions.is_new(head.session, head.counter) {
            return Err(Refused::Replay);
        }
        self.learn(from, head, &body)?;
        let Body::Part {
            index,
            count,
            payload,
        } = body
        else {
            return Ok(None);
        };
        let first_counter = head.counter.saturating_sub(index.into());
        let message = (head.session, first_counter);
        let Some(message) = self.assembly.add(message, (index, count), payload) else {
            return Ok(None);
        };
        let message = ChitchatMessage::deserialize(&mut message.as_slice());
        message.map(Some).map_err(|_| Refused::Message)
    }

    /// Remembers which process is at an address.
    fn learn(&mut self, from: SocketAddr, head: Head, body: &Body<'_>) -> Result<(), Refused> {
        if self.addressees.len() >= ADDRESSEES_MAX && !self.addressees.contains_key(&from) {
            self.addressees.clear();
        }
        let addressee = self.addressees.entry(from).or_default();
        if let Body::Hello { answered } = body {
            if *answered <= addressee.answered {
                return Err(Refused::Replay);
            }
            addressee.answered = *answered;
        }
        addressee.session = head.session;
        Ok(())
    }
}

#[async_trait]
impl Socket for SealedSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        let mut bytes = Vec::with_capacity(message.serialized_len());
        message.serialize(&mut bytes);
        let Some(parts) = cut(&bytes) else {
            tracing::warn!(bytes = bytes.len(), "a gossip message is too long to send");
            return Ok(());
        };
        let known = self.addressees.get(&to).copied().unwrap_or_default();
        let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        for (index, payload) in (0..count).zip(parts) {
            let body = Body::Part {
                index,
                count,
                payload,
            };
            let datagram = self.seal.seal(known.session, &body);
            self.send_sealed(&datagram, to).await;
        }
        Ok(())
    }

    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        loop {
            // Only once it is sent: whoever waits here may be dropped, and a hello too many does no harm.
            if let Some((to, hello)) = &self.hello {
                self.send_sealed(hello, *to).await;
                self.hello = None;
            }
            let Ok((length, from)) = self.network.receive(&mut self.buffer).await else {
                tokio::time::sleep(ERROR_PAUSE).await;
                continue;
            };
            self.metrics.bytes_received.increment(length as u64);
            let buffer = std::mem::take(&mut self.buffer);
            let taken = self.take(buffer.get(..length).unwrap_or_default(), from);
            self.buffer = buffer;
            match taken {
                Ok(Some(message)) => return Ok((from, message)),
                Ok(None) => {}
                Err(refused) => refused.counter(&self.metrics).increment(1),
            }
        }
    }
}

impl Refused {
    fn counter(self, metrics: &GossipMetrics) -> &metrics::Counter {
        match self {
            Self::Malformed => &metrics.refused_malformed,
            Self::Version => &metrics.refused_version,
            Self::Cluster => &metrics.refused_cluster,
            Self::Secret => &metrics.refused_secret,
            Self::Replay => &metrics.refused_replay,
            Self::Addressee => &metrics.refused_addressee,
            Self::Message => &metrics.refused_message,
        }
    }
}

#[cfg(test)]
mod tests;
