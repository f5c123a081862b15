//! The composition root: builds the stages, wires them, owns the order of shutdown (contract I8).
//!
//! Nothing else knows two stages at once: a receiver hands to `ingest::ReplicaIngest`, a shard's release to an
//! exporter's queue.

mod cluster;
mod ingest;
mod parts;
mod reload;
mod status;
mod traces;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

pub use reload::{Reload, Reloader, Trigger};
pub use status::Status;

use crate::accounting::Accounting;
use crate::admin::Admin;
use crate::batch::export::ExportBatch;
use crate::buffer::config::BufferConfig;
use crate::buffer::decision_cache::DecisionCache;
use crate::buffer::driver;
use crate::buffer::inbox::{Inbox, inbox};
use crate::buffer::release::Outlet;
use crate::buffer::shard::{Control, Pressure, Shard, ShardParts};
use crate::clock::Clock;
use crate::config::policy_source::Loaded;
use crate::config::server::ServerConfig;
use crate::exporter::{Exporter, ExporterContext};
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::otlp::json;
use crate::receiver::{Receivers, metadata_table};
use cluster::{Cluster, ClusterParts, Entrance, clients_budget};
use ingest::ReplicaIngest;
use reload::{PoliciesSource, Shards};
use status::StatusSource;
use traces::TracesSource;

/// A running replica.
pub struct Replica {
    receivers: Receivers,
    admin: Admin,
    inboxes: Arc<[Inbox]>,
    shards: Vec<JoinHandle<u64>>,
    exporters: Vec<Exporter>,
    accounting: Arc<Accounting>,
    cluster: Option<Cluster>,
    reloader: Reloader,
    stop_watching: CancellationToken,
    registry: Registry,
    clock: Clock,
}

/// Besides a window, what a leave takes: moves, decisions, the last records.
const LEAVE_MARGIN: Duration = Duration::from_secs(10);

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// Spans accepted and neither exported nor decided away when the grace period ended.
    pub left_spans: u64,
    /// Spans that the books cannot account for; anything but 0 is a fault of ours.
    pub unaccounted_spans: i64,
}

/// An exporter's queue, as a shard's release sees it.
struct ExporterOutlet(Exporter);

impl Outlet for ExporterOutlet {
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        self.0.offer(batch)
    }
}

impl Replica {
    /// Starts all stages, backends' side first; when this returns, receivers listen. `policies` is what stands at
    /// `config.policies`, which is watched from then on.
    ///
    /// # Errors
    /// The first stage that does not start: an address in use, a certificate that cannot be read.
    pub async fn start(
        config: ServerConfig,
        policies: Loaded,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let registry = Registry::new();
        registry.describe_build(config.memory_limit_bytes);
        let budget = Budget::new(config.memory_limit_bytes);
        let entrance = config
            .cluster
            .as_ref()
            .map(|_| Entrance::new(&clock, &registry));
        let clients = match &entrance {
            Some(_) => clients_budget(&budget),
            None => budget.clone(),
        };
        let accounting = Arc::new(Accounting::default());
        let shard_count = shard_count(config.buffer.shards);
        let ends: Vec<_> = (0..shard_count)
            .map(|_| inbox(config.buffer.inbox_sub_batches_max))
            .collect();
        let inboxes: Arc<[Inbox]> = ends.iter().map(|(inbox, _)| inbox.clone()).collect();
        let exporters = start_exporters(&config, &inboxes, &registry, &clock)?;
        warn_of_small_cache(&config.buffer, shard_count);
        let reloader = Reloader::new(
            config.policies.clone(),
            policies,
            Shards(Arc::clone(&inboxes)),
            &registry,
            &clock,
        );
        let pressure = Arc::new(Pressure::new(clients.clone()));
        let mut shards = Vec::with_capacity(shard_count);
        for (number, (_, receiver)) in ends.into_iter().enumerate() {
            let outlets = exporters
                .iter()
                .map(|exporter| Box::new(ExporterOutlet(exporter.clone())) as Box<dyn Outlet>);
            let shard = Shard::new(ShardParts {
                number,
                config: config.buffer.clone(),
                shards: shard_count,
                inbox: receiver,
                clock: clock.clone(),
                policies: reloader.policies(),
                pressure: Arc::clone(&pressure),
                outlets: outlets.collect(),
                accounting: Arc::clone(&accounting),
                metrics: registry.buffer(number),
                link: entrance.as_ref().map(|entrance| entrance.link(number)),
            });
            let heartbeat = entrance.as_ref().map(Entrance::heartbeat);
            let thread = driver::start(number, shard, clock.clone(), heartbeat);
            shards.push(thread.context("starting a shard's thread")?);
        }
        let metadata = metadata_table(&config.receivers);
        let cluster = match config.cluster.zip(entrance) {
            Some((config, entrance)) => {
                let parts = ClusterParts {
                    config,
                    inboxes: Arc::clone(&inboxes),
                    accounting: Arc::clone(&accounting),
                    budget: budget.clone(),
                    metadata: Arc::clone(&metadata),
                    reloader: reloader.clone(),
                    registry: registry.clone(),
                    clock: clock.clone(),
                };
                Some(Cluster::start(parts, entrance).await?)
            }
            None => None,
        };
        let ingest = ReplicaIngest::new(
            Arc::clone(&inboxes),
            Arc::clone(&pressure),
            Arc::clone(&accounting),
            registry.router(),
            cluster.as_ref().map(Cluster::client_route),
            clock.clone(),
        );
        let receivers = Receivers::start_with(
            config.receivers,
            ingest,
            clients,
            registry.receiver(),
            clock.clone(),
            metadata,
        )
        .await?;
        let status = StatusSource {
            budget: budget.clone(),
            accounting: Arc::clone(&accounting),
            exporters: exporters.clone(),
            policies: reloader.clone(),
            shards: shard_count,
            started: clock.now(),
            clock: clock.clone(),
            cluster: cluster.as_ref().map(Cluster::glance),
        };
        upkeep::start(
            registry.clone(),
            budget,
            Arc::clone(&accounting),
            exporters.clone(),
            receivers.in_flight(),
        );
        let policies = PoliciesSource(reloader.clone());
        let admin = Admin::start(
            config.admin_endpoint,
            registry.clone(),
            status,
            policies,
            TracesSource {
                inboxes: Arc::clone(&inboxes),
                cluster: cluster.as_ref().map(Cluster::questions),
            },
            cluster.as_ref().map(Cluster::page),
        )
        .await?;
        let stop_watching = CancellationToken::new();
        reload::start_watching(reloader.clone(), stop_watching.clone());
        Ok(Self {
            receivers,
            admin,
            inboxes,
            shards,
            exporters,
            accounting,
            cluster,
            reloader,
            stop_watching,
            registry,
            clock,
        })
    }

    /// Where gRPC listens, if it does.
    #[must_use]
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.receivers.grpc_addr
    }

    /// Where HTTP listens, if it does.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.receivers.http_addr
    }

    /// Where the admin endpoints listen.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr
    }

    /// Where other replicas reach this one, and where it gossips; `None` of one alone.
    #[must_use]
    pub fn cluster_addrs(&self) -> Option<(SocketAddr, SocketAddr)> {
        let cluster = self.cluster.as_ref()?;
        Some((cluster.peer_address(), cluster.gossip_address()))
    }

    /// What puts other policies in force.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Ends in the order of contract I8: stop admitting, decide what is buffered, export, all within `grace`.
    pub async fn shut_down(self, grace: Duration) -> Shutdown {
        let started = self.clock.now();
        let left = || grace.saturating_sub(self.clock.now().since(started));
        self.admin.set_unready();
        self.stop_watching.cancel();
        self.receivers.stop_admitting();
        self.receivers.finished(left() / 4).await;
        let mut cluster = self.cluster;
        if let Some(cluster) = &mut cluster {
            let window = self.reloader.policies().windows.decision_wait;
            // What a window takes, if there is time for it; else undecided traces are handed over.
            let patience = (window + LEAVE_MARGIN).min(left() / 2);
            let has_left = cluster.leave(patience, left() * 3 / 4).await;
            if !has_left {
                tracing::warn!("left the cluster without having handed everything over");
            }
            cluster.close(left()).await;
        }
        for inbox in self.inboxes.iter() {
            inbox.control(Control::Finish);
        }
        let mut left_spans = join_shards(self.shards, &self.inboxes, left()).await;
        if let Some(cluster) = cluster {
            cluster.say_good_bye(left()).await;
        }
        let mut drains = tokio::task::JoinSet::new();
        for exporter in self.exporters {
            let grace = left();
            drains.spawn(async move { exporter.drain(grace).await });
        }
        left_spans += drains.join_all().await.into_iter().max().unwrap_or(0);
        let snapshot = self.accounting.snapshot();
        left_spans += snapshot.held;
        let unaccounted_spans = snapshot.unaccounted();
        if unaccounted_spans != 0 {
            self.registry.invariant_violations("I2").increment(1);
            tracing::error!(?snapshot, unaccounted_spans, "contract I2 is broken");
        }
        Shutdown {
            left_spans,
            unaccounted_spans,
        }
    }
}

fn warn_of_small_cache(buffer: &BufferConfig, shards: usize) {
    let is_wanted = buffer.decision_cache_bytes > 0;
    if is_wanted && DecisionCache::new(buffer.decision_cache_bytes / shards).capacity() == 0 {
        tracing::warn!(
            shards,
            "decision_cache.limit is too small to remember anything: give it 2MiB for each shard at least"
        );
    }
}

fn shard_count(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn start_exporters(
    config: &ServerConfig,
    inboxes: &Arc<[Inbox]>,
    registry: &Registry,
    clock: &Clock,
) -> anyhow::Result<Vec<Exporter>> {
    let runtime = tokio::runtime::Handle::current();
    let start = |config: &crate::exporter::config::ExporterConfig| {
        let inboxes = Arc::clone(inboxes);
        let context = ExporterContext {
            clock: clock.clone(),
            metrics: registry.exporter(&config.name),
            on_room: Arc::new(move || inboxes.iter().for_each(Inbox::wake)),
            encode_json: json::encode_request,
        };
        Exporter::start(config.clone(), context, &runtime)
            .with_context(|| format!("exporter {}", config.name))
    };
    config.exporters.iter().map(start).collect()
}

/// Waits for the shards to hand everything over; after `grace` tells them to end as they are. Returns spans left.
async fn join_shards(shards: Vec<JoinHandle<u64>>, inboxes: &Arc<[Inbox]>, grace: Duration) -> u64 {
    let mut joining = tokio::task::spawn_blocking(move || {
        let left = shards.into_iter().map(|shard| shard.join().unwrap_or(0));
        left.sum::<u64>()
    });
    if let Ok(left) = tokio::time::timeout(grace, &mut joining).await {
        return left.unwrap_or(0);
    }
    for inbox in inboxes.iter() {
        inbox.abandon();
    }
    joining.await.unwrap_or(0)
}
