//! Membership by gossip: chitchat (scuttlebutt, phi accrual) over datagrams of our own, every half second.
//!
//! Each process is one node of the library, by its ID, the incarnation that it started as and its gossip address; its
//! record and its digest are two keys. Beside the library run two tasks: one publishes and reads what has changed, ten
//! times a second; the other looks for seeds. Limits: 48 KiB a record or digest, 8 KB a replica in memory; who is
//! missed for an hour is forgotten.

mod book;
mod datagram;
mod identity;
mod network;
mod parts;
mod seeds;
mod sessions;
mod transport;

pub use network::{Network, UdpNetwork};

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chitchat::{
    Chitchat, ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, spawn_chitchat,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::book::{Book, DIGEST_KEY, RECORD_KEY};
use self::datagram::Seal;
use self::identity::IdentityWatch;
use self::seeds::Seeding;
use self::transport::{SealedSocket, SealedTransport};
use super::encoding::{encode_digest, encode_record};
use super::{Identity, Membership, Sight, Twin};
use crate::batch::replica::Incarnation;
use crate::clock::Clock;
use crate::metrics::GossipMetrics;
use crate::router::config::ClusterConfig;
use crate::router::member::{Digest, Record};
use crate::router::pause::{PauseDetector, TICK};

/// Time between two rounds of gossip.
pub const GOSSIP_INTERVAL: Duration = Duration::from_millis(500);
/// How long who is missed is remembered; for half of it, it is told to others.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
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

/// The task that publishes and reads.
struct Reader {
    own: ChitchatId,
    chitchat: Arc<ChitchatHandle>,
    shared: Arc<Shared>,
    clock: Clock,
    book: Book,
    identity: IdentityWatch,
    pauses: PauseDetector,
    may_publish: bool,
}

impl GossipMembership {
    /// Begins to gossip, as a process that started as `incarnation`, over `network`.
    ///
    /// # Errors
    /// The library did not start.
    pub async fn start(
        config: &ClusterConfig,
        incarnation: Incarnation,
        network: Arc<dyn Network>,
        clock: Clock,
        metrics: GossipMetrics,
    ) -> Result<Self, GossipStartError> {
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
        let reader = Reader {
            own,
            chitchat: chitchat.clone(),
            shared: shared.clone(),
            identity: IdentityWatch::new(twin, has_seeds, clock.now()),
            clock: clock.clone(),
            book: Book::default(),
            pauses: PauseDetector::default(),
            may_publish: false,
        };
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

impl Reader {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tick(),
                () = self.shared.publish.notified() => {}
            }
            let chitchat = self.chitchat.chitchat();
            let mut chitchat = chitchat.lock().await;
            self.read(&chitchat);
            self.publish(&mut chitchat);
        }
    }

    fn tick(&mut self) {
        if let Some(gap) = self.pauses.tick(self.clock.now()) {
            self.book.shift(gap);
            self.identity.shift(gap);
        }
    }

    fn read(&mut self, chitchat: &Chitchat) {
        let now = self.clock.now();
        let live: BTreeSet<ChitchatId> = chitchat.live_nodes().cloned().collect();
        self.book
            .read(chitchat.node_states(), &live, &self.own, now);
        let has_contact = self.book.has_contact();
        self.shared
            .has_contact
            .store(has_contact, Ordering::Relaxed);
        let same = self.book.under_same_id(&self.own);
        let identity = self.identity.look(&same, has_contact, now);
        self.may_publish |= identity == Identity::Own;
        let view = self.book.view(&self.own);
        self.shared.sight.send_if_modified(|sight| {
            let is_new = *sight.view != view || sight.identity != identity;
            if is_new {
                let view = Arc::new(view);
                *sight = Sight { view, identity };
            }
            is_new
        });
    }

    /// Nothing before the ID is known to be this process's own: whoever sees a record of a new life takes the old one
    /// for dead.
    fn publish(&self, chitchat: &mut Chitchat) {
        if !self.may_publish {
            return;
        }
        let unpublished = std::mem::take(&mut *self.shared.unpublished.lock());
        for (key, text) in [
            (RECORD_KEY, unpublished.record),
            (DIGEST_KEY, unpublished.digest),
        ] {
            if let Some(text) = text {
                chitchat.self_node_state().set(key, text);
            }
        }
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
