//! Membership by gossip: chitchat (scuttlebutt, phi accrual) over datagrams of our own, every half second.
//!
//! Each process is one node of the library, by its ID, the incarnation that it started as and its gossip address; its
//! record and its digest are two keys. Beside the library run two tasks: one publishes and reads what has changed, ten
//! times a second; the other looks for seeds.
//!
//! Limits: 48 KiB a record or digest. Who is missed for ten minutes is forgotten; for half of that it is told to others.
//! The library tells of every process in one message of 64 KB, some 1,200 with IDs of 12 letters and 600 with the
//! longest: so many may run, or have ended within five minutes.

mod book;
mod datagram;
mod identity;
mod network;
mod parts;
mod reader;
mod seeds;
mod sessions;
mod transport;

pub use network::{Network, UdpNetwork};

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chitchat::{ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, spawn_chitchat};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::datagram::Seal;
use self::identity::IdentityWatch;
use self::reader::Reader;
use self::seeds::Seeding;
use self::transport::{SealedSocket, SealedTransport};
use super::encoding::{encode_digest, encode_record};
use super::{Identity, Membership, Sight, Twin};
use crate::batch::replica::Incarnation;
use crate::clock::Heartbeat;
use crate::metrics::GossipMetrics;
use crate::router::config::ClusterConfig;
use crate::router::member::{Digest, Record};

/// Time between two rounds of gossip.
pub const GOSSIP_INTERVAL: Duration = Duration::from_millis(500);
/// How long who is missed is remembered; for half of it, it is told to others. Far longer than agreeing on a death takes.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
/// Intervals of which the failure detector keeps the mean.
const HEARTBEATS_KEPT: usize = 200;
/// Suspicion beyond which the library misses a process: silence as a multiple of the mean interval.
const PHI_MAX: f64 = 8.0;

/// Why gossip did not start.
#[derive(Debug, thiserror::Error)]
#[error("gossip cannot start")]
pub struct GossipStartError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Membership of one process, until it is dropped.
pub struct GossipMembership {
    shared: Arc<Shared>,
    address: SocketAddr,
    chitchat: Arc<ChitchatHandle>,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    unpublished: Mutex<Unpublished>,
    publish: Notify,
    sight: watch::Sender<Sight>,
    has_contact: Arc<AtomicBool>,
}

/// Texts that gossip has not got yet.
#[derive(Default)]
struct Unpublished {
    record: Option<String>,
    digest: Option<String>,
}

impl GossipMembership {
    /// Begins to gossip, as a process that started as `incarnation`, over `network`. Time is that of `heartbeat`.
    ///
    /// # Errors
    /// The library did not start.
    pub async fn start(
        config: &ClusterConfig,
        incarnation: Incarnation,
        network: Arc<dyn Network>,
        heartbeat: Heartbeat,
        metrics: GossipMetrics,
    ) -> Result<Self, GossipStartError> {
        let clock = heartbeat.clock().clone();
        let address = config.gossip.advertised(network.local_address());
        let own = ChitchatId::new(config.replica_id.as_str(), incarnation.0, address);
        let secret = config.secret.as_ref().map(|secret| secret.bytes());
        let seal = Seal::new(secret, &config.name, rand::random());
        let socket = SealedSocket::new(network.clone(), seal, metrics.clone());
        let transport = SealedTransport::new(socket);
        let settings = settings(&config.name, own.clone(), network.local_address());
        let chitchat = spawn_chitchat(settings, Vec::new(), &transport).await;
        let chitchat = Arc::new(chitchat.map_err(|error| GossipStartError(error.into()))?);
        let (sight, _) = watch::channel(Sight::nobody(Identity::Unsure));
        let shared = Arc::new(Shared {
            unpublished: Mutex::default(),
            publish: Notify::new(),
            sight,
            has_contact: Arc::default(),
        });
        let twin = Twin {
            incarnation,
            gossip_address: address,
        };
        let has_seeds = !config.seeds.is_empty();
        let identity = IdentityWatch::new(twin, has_seeds, clock.now());
        let reader = Reader::new(own, chitchat.clone(), shared.clone(), identity, heartbeat);
        let seeding = Seeding {
            seeds: config.seeds.clone(),
            own: address,
            interval: GOSSIP_INTERVAL,
            network,
            chitchat: chitchat.clone(),
            has_contact: shared.has_contact.clone(),
            clock,
            metrics,
        };
        Ok(Self {
            shared,
            address,
            chitchat,
            tasks: [tokio::spawn(reader.run()), tokio::spawn(seeding.run())],
        })
    }

    /// Where others gossip with this process.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until gossip has ended by itself, which only a fault of the library can make it do: this replica is cut off
    /// then, and must not go on as if it were the last one.
    pub async fn ended(&self) {
        let _why = self.chitchat.termination_watcher().await;
    }
}

impl Drop for GossipMembership {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.chitchat.abort();
    }
}

impl Membership for GossipMembership {
    fn publish_record(&self, record: Record) {
        match encode_record(&record) {
            Ok(text) => self.shared.unpublished.lock().record = Some(text),
            Err(error) => tracing::error!(%error, "this replica's record is not published"),
        }
        self.shared.publish.notify_one();
    }

    fn publish_digest(&self, digest: Digest) {
        match encode_digest(&digest) {
            Ok(text) => self.shared.unpublished.lock().digest = Some(text),
            Err(error) => tracing::error!(%error, "this replica's digest is not published"),
        }
        self.shared.publish.notify_one();
    }

    fn watch(&self) -> watch::Receiver<Sight> {
        self.shared.sight.subscribe()
    }
}

fn settings(name: &str, own: ChitchatId, listen: SocketAddr) -> ChitchatConfig {
    ChitchatConfig {
        chitchat_id: own,
        cluster_id: name.to_owned(),
        gossip_interval: GOSSIP_INTERVAL,
        listen_addr: listen,
        // The library resolves names once a minute; see `seeds`.
        seed_nodes: Vec::new(),
        failure_detector_config: FailureDetectorConfig {
            phi_threshold: PHI_MAX,
            sampling_window_size: HEARTBEATS_KEPT,
            max_interval: Duration::from_secs(10),
            initial_interval: GOSSIP_INTERVAL,
            dead_node_grace_period: FORGOTTEN_AFTER,
        },
        marked_for_deletion_grace_period: FORGOTTEN_AFTER,
        catchup_callback: None,
        extra_liveness_predicate: None,
    }
}

#[cfg(test)]
mod tests;
