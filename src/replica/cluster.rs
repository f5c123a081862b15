//! A replica's part in a cluster: membership, holders, forwarding and the peer port, wired to its shards.
//!
//! Nothing of this exists in a replica that runs alone.

mod clients;
mod core;
mod decisions;
mod driver;
mod figures;
mod graves;
mod lanes;
mod owed;
mod peers;
mod questions;
mod reroute;
mod shards;
#[cfg(test)]
mod simulation;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::Stream;
use parking_lot::RwLock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

pub(super) use clients::{ClientRoute, OnTheWay};
pub(super) use questions::{Elsewhere, NotAnswered, Questions, is_remembered};
pub(super) use status::{ClusterBrief, ClusterGlance};

use self::core::{Command, Core};
use super::reload::Reloader;
use crate::accounting::Accounting;
use crate::admin::ClusterPage;
use crate::batch::key::ShardId;
use crate::batch::peer::hello::{self, Nonce};
use crate::batch::replica::{Incarnation, Life};
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::{ClusterLink, Passed};
use crate::clock::{Clock, Heartbeat};
use crate::memory::Budget;
use crate::metrics::{ClusterMetrics, Registry};
use crate::planted::{Planted, is_planted};
use crate::receiver::MetadataTable;
use crate::receiver::peer::{PeerConfig, PeerPort, PeerServer};
use crate::router::config::ClusterConfig;
use crate::router::deaths::Deaths;
use crate::router::forward::{Dial, ForwardConfig, ForwardParts, Forwarder, TcpDial};
use crate::router::holders::{Holders, Settings};
use crate::router::membership::Membership;
use crate::router::membership::gossip::{GossipMembership, UdpNetwork};
use driver::{Driver, DriverState};
use figures::{ClusterShare, Figures};
use owed::Owed;
use peers::{PeerRoute, RETRY_AFTER};
use reroute::Rerouter;
use shards::{ShardLink, Shards};
use status::{ClusterSource, ClusterStatus};

/// The share of `memory.limit` that only other replicas may take of: an eighth.
const PEERS_SHARE: u64 = 8;
/// How long frames that are under way may take to be answered at the end.
const CLOSING_MAX: Duration = Duration::from_secs(2);
/// How long the last record of a replica that has left is still gossiped.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

/// The ways into a cluster that is about to start, for those that come first: its shards.
pub(super) struct Entrance {
    commands: mpsc::UnboundedSender<Command>,
    passed: mpsc::UnboundedSender<Passed>,
    commands_out: mpsc::UnboundedReceiver<Command>,
    passed_out: mpsc::UnboundedReceiver<Passed>,
    heartbeat: Heartbeat,
    share: ClusterShare,
    metrics: ClusterMetrics,
}

/// What a replica's part in its cluster is made of.
pub(super) struct ClusterParts {
    pub(super) config: ClusterConfig,
    pub(super) inboxes: Arc<[Inbox]>,
    pub(super) accounting: Arc<Accounting>,
    pub(super) budget: Budget,
    pub(super) metadata: Arc<MetadataTable>,
    pub(super) reloader: Reloader,
    pub(super) registry: Registry,
    pub(super) clock: Clock,
}

/// A replica's part in its cluster.
pub(super) struct Cluster {
    core: Arc<Core>,
    forwarder: Forwarder,
    /// Until it is closed.
    port: Option<PeerPort>,
    status: Arc<RwLock<ClusterStatus>>,
    peer_address: SocketAddr,
    gossip_address: SocketAddr,
}

/// How a replica reaches others and is reached by them; `S` is the connections that come in at its peer port.
pub(super) struct Surroundings<S> {
    pub(super) incoming: S,
    pub(super) dial: Arc<dyn Dial>,
    pub(super) membership: Arc<dyn Membership>,
    pub(super) peer_address: SocketAddr,
    pub(super) gossip_address: SocketAddr,
    pub(super) draw_jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    pub(super) draw_nonce: fn() -> Nonce,
}

impl Entrance {
    #[allow(
        clippy::disallowed_methods,
        reason = "who sends commands waits for them, but for a few reports a move; what shards pass on is bounded by the \
                  memory that it is charged to"
    )]
    pub(super) fn new(clock: &Clock, registry: &Registry) -> Self {
        let (commands, commands_out) = mpsc::unbounded_channel();
        let (passed, passed_out) = mpsc::unbounded_channel();
        Self {
            commands,
            passed,
            commands_out,
            passed_out,
            heartbeat: Heartbeat::new(clock),
            share: ClusterShare::new(),
            metrics: registry.cluster(),
        }
    }

    /// Where shard number `number` reports.
    pub(super) fn link(&self, number: usize) -> Box<dyn ClusterLink> {
        Box::new(ShardLink {
            shard: ShardId(number),
            commands: self.commands.clone(),
            passed: self.passed.clone(),
            share: self.share.clone(),
            metrics: self.metrics.clone(),
        })
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }
}

/// Of a life that begins now: greater than those of all before it, as long as the clock goes forward.
pub(super) fn incarnation(clock: &Clock) -> Incarnation {
    if is_planted(Planted::OneIncarnation) {
        return Incarnation(1);
    }
    Incarnation(clock.unix_ns() / 1_000_000)
}

/// What clients may take of the memory: all but the share of the peers.
pub(super) fn clients_budget(budget: &Budget) -> Budget {
    budget.capped(budget.limit_bytes() - budget.limit_bytes() / PEERS_SHARE)
}

impl Cluster {
    /// Starts: the peer port, gossip, and the driver of the holders.
    ///
    /// # Errors
    /// An address in use.
    pub(super) async fn start(parts: ClusterParts, entrance: Entrance) -> anyhow::Result<Self> {
        let ClusterParts {
            config,
            registry,
            clock,
            ..
        } = &parts;
        let incarnation = incarnation(clock);
        let (incoming, bound) = PeerPort::bind(config.peer.endpoint).await?;
        let network = UdpNetwork::bind(config.gossip.endpoint)
            .await
            .with_context(|| format!("cluster.gossip.endpoint: {}", config.gossip.endpoint))?;
        let membership = GossipMembership::start(
            config,
            incarnation,
            Arc::new(network),
            entrance.heartbeat(),
            registry.gossip(),
        );
        let membership = membership.await?;
        let surroundings = Surroundings {
            incoming,
            dial: Arc::new(TcpDial),
            peer_address: config.peer.advertised(bound),
            gossip_address: membership.address(),
            membership: Arc::new(membership),
            draw_jitter: Arc::new(rand::random::<f64>),
            draw_nonce: rand::random,
        };
        Ok(Self::start_within(
            surroundings,
            parts,
            entrance,
            incarnation,
        ))
    }

    /// Starts in these surroundings, whatever they are made of. Must be called within a runtime.
    pub(super) fn start_within<S>(
        surroundings: Surroundings<S>,
        parts: ClusterParts,
        entrance: Entrance,
        incarnation: Incarnation,
    ) -> Self
    where
        S: Stream + Send + 'static,
        S::Item: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Surroundings {
            incoming,
            dial,
            membership,
            peer_address,
            gossip_address,
            draw_jitter,
            draw_nonce,
        } = surroundings;
        let ClusterParts {
            config,
            inboxes,
            accounting,
            budget,
            metadata,
            reloader,
            registry,
            clock,
        } = parts;
        let life = Life {
            replica: config.replica_id.clone(),
            incarnation,
        };
        let shard_count = inboxes.len();
        let core = Arc::new(Core::new(
            life.clone(),
            Arc::clone(&inboxes),
            Arc::clone(&accounting),
            entrance.heartbeat,
            entrance.commands,
        ));
        let secret = config
            .secret
            .as_ref()
            .map_or(&[] as &[u8], |secret| secret.bytes());
        let forwarder = Forwarder::new(ForwardParts {
            config: ForwardConfig {
                draw_jitter,
                draw_nonce,
                ..ForwardConfig::new(&config.name, hello::Secret::new(secret))
            },
            life,
            clock: clock.clone(),
            memory: clients_budget(&budget),
            hold: budget.share(config.hold_limit_bytes),
            dial,
            reroute: Arc::new(Rerouter {
                core: Arc::clone(&core),
                memory: budget.clone(),
            }),
            metrics: registry.forward(),
            accounting: Arc::clone(&accounting),
        });
        let metrics = entrance.metrics;
        let owed = Owed::start(
            Arc::clone(&core),
            forwarder.clone(),
            metrics.clone(),
            entrance.passed_out,
        );
        let ingest = PeerRoute {
            core: Arc::clone(&core),
            forwarder: forwarder.clone(),
            metadata,
            metrics: registry.peer(),
        };
        let peer_config = PeerConfig {
            cluster: config.name.clone(),
            secret: hello::Secret::new(secret),
            retry_after: RETRY_AFTER,
            draw_nonce,
        };
        let server = PeerServer::new(peer_config, ingest, budget, registry.peer());
        let port = PeerPort::serve(incoming, server);
        let settings = Settings {
            replica: config.replica_id.clone(),
            peer_address,
            weight: config.weight,
            shards: shard_count as u32,
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            policy_hash: reloader.short_hash(),
            min_replicas: config.min_replicas,
            has_seeds: !config.seeds.is_empty(),
            dead_time: config.dead_after,
        };
        let status = Arc::new(RwLock::new(ClusterStatus::default()));
        let driver = Driver {
            holders: Holders::new(settings, incarnation, clock.now()),
            deaths: Deaths::new(config.dead_after),
            core: Arc::clone(&core),
            shards: Shards::new(inboxes),
            forwarder: forwarder.clone(),
            owed,
            sight: membership.watch(),
            membership,
            figures: Figures::new(metrics, accounting, entrance.share),
            clock,
            status: Arc::clone(&status),
            reloader,
            state: DriverState::default(),
        };
        tokio::spawn(driver.run(entrance.commands_out));
        Self {
            core,
            forwarder,
            port: Some(port),
            status,
            peer_address,
            gossip_address,
        }
    }

    /// Where clients' requests go.
    pub(super) fn client_route(&self) -> ClientRoute {
        ClientRoute {
            core: Arc::clone(&self.core),
            forwarder: self.forwarder.clone(),
        }
    }

    /// For `/api/v1/cluster` and `/readyz`.
    pub(super) fn page(&self) -> Arc<dyn ClusterPage> {
        Arc::new(ClusterSource {
            status: Arc::clone(&self.status),
            forwarder: self.forwarder.clone(),
        })
    }

    /// For `/api/v1/traces`.
    pub(super) fn questions(&self) -> Questions {
        Questions {
            core: Arc::clone(&self.core),
            forwarder: self.forwarder.clone(),
        }
    }

    /// For `/api/v1/status`.
    pub(super) fn glance(&self) -> ClusterGlance {
        ClusterGlance(Arc::clone(&self.status))
    }

    /// Where other replicas dial this one.
    pub(super) fn peer_address(&self) -> SocketAddr {
        self.peer_address
    }

    /// Where it gossips.
    pub(super) fn gossip_address(&self) -> SocketAddr {
        self.gossip_address
    }

    /// Leaves in order (rule 16): gives its slots away, and decides what it holds or, after `patience`, hands it over.
    /// Says whether it was done within `grace`.
    pub(super) async fn leave(&self, patience: Duration, grace: Duration) -> bool {
        let (done, mut left) = oneshot::channel();
        if self.core.commands.send(Command::Leave(done)).is_err() {
            return false;
        }
        let patience = patience.min(grace);
        if let Ok(left) = tokio::time::timeout(patience, &mut left).await {
            return left.is_ok();
        }
        let _ = self.core.commands.send(Command::HandOver);
        let left = tokio::time::timeout(grace - patience, left).await;
        left.is_ok_and(|left| left.is_ok())
    }

    /// Takes no more frames; answers those that are under way. Only then may the shards end.
    pub(super) async fn close(&mut self, grace: Duration) {
        if let Some(port) = self.port.take() {
            port.finished(grace.min(CLOSING_MAX)).await;
        }
    }

    /// Lets the last record reach the others, if there are any.
    pub(super) async fn say_good_bye(self, grace: Duration) {
        if self.status.read().knows_others() {
            tokio::time::sleep(LAST_WORDS.min(grace)).await;
        }
    }
}
