//! Settings of a cluster, already checked: addresses, durations, sizes, and the secret itself, no text.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::batch::replica::ReplicaId;

/// `cluster`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// `replica_id`: this replica among the others. Default the host name.
    pub replica_id: ReplicaId,
    /// `name`: replicas of another name are refused. Default `tailsieve`.
    pub name: String,
    /// `peer`: where spans and orders of other replicas come in, over gRPC. Default 127.0.0.1:4319.
    pub peer: ClusterEndpoint,
    /// `gossip`: where replicas learn of each other, over UDP. Default 127.0.0.1:4320.
    pub gossip: ClusterEndpoint,
    /// `seeds`: gossip addresses, or names with a port that stand for some. Default none: others find this replica.
    pub seeds: Vec<String>,
    /// What `secret_file` holds; `None` only where both endpoints are on loopback.
    pub secret: Option<Secret>,
    /// `min_replicas`: joiners that must know each other before they found a cluster. Default 1.
    pub min_replicas: usize,
    /// `weight`: this replica's share of the slots, relative to the others'. Default 1.
    pub weight: u32,
    /// `dead_after`: how long a replica must be missed before one votes for its death. Default 12 s.
    pub dead_after: Duration,
    /// `hold_limit`: bytes of acknowledged spans that wait for replicas out of reach. Default a quarter of
    /// `memory.limit`.
    pub hold_limit_bytes: u64,
}

/// An address to listen on, and the one that others dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterEndpoint {
    /// `endpoint`.
    pub endpoint: SocketAddr,
    /// `advertise`; `None` for the address that the listener has got, which is then a definite one.
    pub advertise: Option<SocketAddr>,
}

/// What all replicas of a cluster share and nobody else knows: at least [`Secret::BYTES_MIN`]. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl ClusterConfig {
    /// Every key's default, for a replica of this ID in a process of this `memory.limit`.
    #[must_use]
    pub fn new(replica_id: ReplicaId, memory_limit_bytes: u64) -> Self {
        let on_loopback = |port| ClusterEndpoint {
            endpoint: SocketAddr::from(([127, 0, 0, 1], port)),
            advertise: None,
        };
        Self {
            replica_id,
            name: "tailsieve".to_owned(),
            peer: on_loopback(4319),
            gossip: on_loopback(4320),
            seeds: Vec::new(),
            secret: None,
            min_replicas: 1,
            weight: 1,
            dead_after: Duration::from_secs(12),
            hold_limit_bytes: memory_limit_bytes / 4,
        }
    }
}

impl ClusterEndpoint {
    /// What others dial, once the listener has got `bound`.
    #[must_use]
    pub fn advertised(&self, bound: SocketAddr) -> SocketAddr {
        self.advertise.unwrap_or(bound)
    }
}

impl Secret {
    /// Fewest bytes: 128 bits, if they are random ones.
    pub const BYTES_MIN: usize = 16;

    /// Takes the bytes of a secret; `None` if they are too few.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::BYTES_MIN).then(|| Self(bytes.into()))
    }

    /// The bytes, for who derives a key from them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
