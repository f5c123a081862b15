//! One replica of a simulation: everything of a clustered replica between its receivers and its exporters, on a runtime
//! and a clock of its own.
//!
//! The runtime is single-threaded and its time is simulated, so that a crash is its end and a pause is not running it.

mod inside;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use self::inside::{drive, policies};
use super::super::core::Core;
use super::super::{Cluster, ClusterParts, Entrance, Surroundings, clients_budget, incarnation};
use super::datagrams::SimulatedSocket;
use super::network::{Network, SimulatedDial};
use super::sink::{Decisions, Sink, SinkOutlet};
use crate::accounting::Accounting;
use crate::admin::ClusterPage;
use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use crate::buffer::config::BufferConfig;
use crate::buffer::inbox::{Inbox, inbox};
use crate::buffer::shard::{Control, Pressure, Shard, ShardParts};
use crate::clock::{Clock, Moment};
use crate::config::PolicySource;
use crate::memory::{Budget, Charge};
use crate::metrics::Registry;
use crate::receiver::config::ReceiverConfig;
use crate::receiver::ingest::{Accepted, Ingest as _, ReceivedRequest, Refusal};
use crate::receiver::metadata_table;
use crate::replica::ingest::ReplicaIngest;
use crate::replica::reload::{self, Reload, Reloader};
use crate::router::config::ClusterConfig;
use crate::router::forward::Forwarder;
use crate::router::holders::Route;
use crate::router::membership::Membership;
use crate::router::membership::gossip::GossipMembership;
use crate::router::membership::seeded::SeededHub;

const MEMORY_BYTES: u64 = 64 << 20;
const SHARDS: usize = 2;

/// What all replicas of a simulation share.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) network: Network,
    pub(super) hub: SeededHub,
    pub(super) sink: Sink,
    pub(super) decisions: Decisions,
    pub(super) founders: usize,
    pub(super) decision_wait: Duration,
    pub(super) dead_after: Duration,
    /// Or the seeded twin.
    pub(super) has_real_gossip: bool,
}

/// A running replica.
pub(super) struct Process {
    runtime: Runtime,
    pub(super) id: ReplicaId,
    pub(super) address: SocketAddr,
    pub(super) accounting: Arc<Accounting>,
    pub(super) budget: Budget,
    clients: Budget,
    clock: Clock,
    registry: Registry,
    reloader: Reloader,
    decision_wait: Duration,
    /// Memory that something else has.
    squeezed: Option<Charge>,
    ingest: ReplicaIngest,
    core: Arc<Core>,
    pub(super) forwarder: Forwarder,
    inboxes: Arc<[Inbox]>,
    cluster: Option<Cluster>,
    page: Arc<dyn ClusterPage>,
    shards: Vec<tokio::task::JoinHandle<()>>,
    left: Arc<Mutex<Option<bool>>>,
    /// Time that its runtime has not been told of: it stood still.
    behind: Duration,
    pub(super) is_paused: bool,
    pub(super) is_leaving: bool,
    /// The slots that it held, now and then.
    pub(super) held: Vec<(Moment, SlotSet)>,
    pub(super) grace: Duration,
}

impl Process {
    /// Starts a replica under an ID and at an address, on a clock that reads `unix`.
    pub(super) fn start(ground: &Ground, number: u16, unix: Duration, seed: u64) -> Self {
        let (id, address) = Self::named(number);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let guard = runtime.enter();
        let clock = Clock::manual();
        clock.advance(unix);
        let registry = Registry::new();
        let budget = Budget::new(MEMORY_BYTES);
        let clients = clients_budget(&budget);
        let entrance = Entrance::new(&clock, &registry);
        let accounting = Arc::new(Accounting::default());
        let (inboxes, receivers): (Vec<_>, Vec<_>) = (0..SHARDS).map(|_| inbox(1_024)).unzip();
        let inboxes: Arc<[Inbox]> = inboxes.into();
        let reloader = Reloader::new(
            PolicySource::default(),
            policies(ground.decision_wait, 1),
            reload::Shards(Arc::clone(&inboxes)),
            &registry,
            &clock,
        );
        let pressure = Arc::new(Pressure::new(clients.clone()));
        let mut shards = Vec::new();
        for (number, inbox) in receivers.into_iter().enumerate() {
            let outlet = SinkOutlet {
                sink: ground.sink.clone(),
                replica: id.clone(),
            };
            let shard = Shard::new(ShardParts {
                number,
                config: BufferConfig {
                    decision_cache_bytes: 8 << 20,
                    ..BufferConfig::default()
                },
                shards: SHARDS,
                inbox,
                clock: clock.clone(),
                policies: reloader.policies(),
                pressure: Arc::clone(&pressure),
                outlets: vec![Box::new(outlet)],
                accounting: Arc::clone(&accounting),
                metrics: registry.buffer(number),
                link: Some(entrance.link(number)),
            });
            let driving = drive(
                shard,
                clock.clone(),
                entrance.heartbeat(),
                SmallRng::seed_from_u64(seed ^ number as u64),
                ground.decisions.of(&id),
            );
            shards.push(tokio::spawn(driving));
        }
        let mut config = ClusterConfig::new(id.clone(), MEMORY_BYTES);
        config.seeds = vec!["seed:4320".to_owned()];
        config.min_replicas = ground.founders;
        config.dead_after = ground.dead_after;
        let parts = ClusterParts {
            config,
            inboxes: Arc::clone(&inboxes),
            accounting: Arc::clone(&accounting),
            budget: budget.clone(),
            reloader: reloader.clone(),
            registry: registry.clone(),
            clock: clock.clone(),
            metadata: metadata_table(&ReceiverConfig::default()),
        };
        let life = incarnation(&clock);
        let membership: Arc<dyn Membership> = if ground.has_real_gossip {
            let socket = SimulatedSocket::bind(&ground.network, address);
            let gossip = GossipMembership::start(
                &parts.config,
                life,
                Arc::new(socket),
                entrance.heartbeat(),
                registry.gossip(),
            );
            Arc::new(runtime.block_on(gossip).unwrap())
        } else {
            Arc::new(ground.hub.join(&id))
        };
        let jitter = Mutex::new(SmallRng::seed_from_u64(seed));
        let surroundings = Surroundings {
            incoming: ground.network.listen(address),
            dial: Arc::new(SimulatedDial {
                network: ground.network.clone(),
                from: address,
            }),
            membership,
            peer_address: address,
            gossip_address: address,
            draw_jitter: Arc::new(move || jitter.lock().random()),
            draw_nonce: || [7; _],
        };
        let cluster = Cluster::start_within(surroundings, parts, entrance, life);
        let ingest = ReplicaIngest::new(
            Arc::clone(&inboxes),
            pressure,
            Arc::clone(&accounting),
            registry.router(),
            Some(cluster.client_route()),
            clock.clone(),
        );
        drop(guard);
        Self {
            page: cluster.page(),
            core: Arc::clone(&cluster.core),
            forwarder: cluster.forwarder.clone(),
            runtime,
            id,
            address,
            accounting,
            budget,
            clients,
            clock,
            registry,
            reloader,
            decision_wait: ground.decision_wait,
            squeezed: None,
            ingest,
            inboxes,
            cluster: Some(cluster),
            shards,
            left: Arc::default(),
            behind: Duration::ZERO,
            is_paused: false,
            is_leaving: false,
            held: Vec::new(),
            grace: Duration::ZERO,
        }
    }

    /// The ID and the address of a replica.
    pub(super) fn named(number: u16) -> (ReplicaId, SocketAddr) {
        let id = ReplicaId::new(&format!("r{number}")).unwrap();
        (id, SocketAddr::from(([10, 0, 0, 1], 4_000 + number)))
    }

    /// Lives through `tick`, or sleeps through it.
    pub(super) fn step(&mut self, tick: Duration) {
        if self.is_paused {
            self.behind += tick;
            return;
        }
        let behind = std::mem::take(&mut self.behind);
        self.clock.advance(behind + tick);
        self.runtime.block_on(async {
            if !behind.is_zero() {
                tokio::time::advance(behind).await;
            }
            tokio::time::sleep(tick).await;
        });
    }

    /// The same policies from now on, as version `version`.
    pub(super) fn reload(&self, version: u64) {
        let _guard = self.runtime.enter();
        let loaded = policies(self.decision_wait, version);
        assert_eq!(self.reloader.put_in_force(loaded), Reload::InForce);
    }

    /// Something else takes the memory: all, or all that clients may have. Until [`Process::relax`].
    pub(super) fn squeeze(&mut self, is_total: bool) {
        let budget = if is_total {
            &self.budget
        } else {
            &self.clients
        };
        let bytes = budget.limit_bytes().saturating_sub(budget.used_bytes());
        self.squeezed = Some(budget.charge(bytes));
    }

    pub(super) fn relax(&mut self) {
        self.squeezed = None;
    }

    /// The count of a series, by its name, without what all names begin with, and its labels.
    pub(super) fn counter(&self, series: &str) -> u64 {
        let text = self.registry.render();
        let mut values = text
            .lines()
            .filter_map(|line| line.split_once(series)?.1.trim().parse().ok());
        values.next().unwrap_or_default()
    }

    /// Takes a client's request. Without an answer the connection is gone.
    pub(super) fn request(&self, body: Bytes) -> oneshot::Receiver<Result<Accepted, Refusal>> {
        let (answer, answered) = oneshot::channel();
        let (ingest, clients) = (self.ingest.clone(), self.clients.clone());
        self.runtime.spawn(async move {
            let outcome = match clients.reserve(body.len() as u64) {
                Ok(charge) => {
                    let request = ReceivedRequest {
                        body,
                        metadata: None,
                        charge,
                    };
                    ingest.ingest(request).await
                }
                Err(full) => Err(Refusal::Overloaded(full.to_string())),
            };
            let _ = answer.send(outcome);
        });
        answered
    }

    /// Leaves as a replica does that is told to end.
    pub(super) fn leave(&mut self, grace: Duration) {
        let Some(mut cluster) = self.cluster.take() else {
            return;
        };
        self.is_leaving = true;
        self.grace = grace;
        let (inboxes, left) = (Arc::clone(&self.inboxes), Arc::clone(&self.left));
        let shards = std::mem::take(&mut self.shards);
        self.runtime.spawn(async move {
            // Requests under way are answered first.
            tokio::time::sleep(grace / 16).await;
            let has_left = cluster.leave(grace / 2, grace * 3 / 4).await;
            cluster.close(grace / 8).await;
            for inbox in inboxes.iter() {
                inbox.control(Control::Finish);
            }
            for shard in shards {
                let _ = shard.await;
            }
            cluster.say_good_bye(grace / 8).await;
            *left.lock() = Some(has_left);
        });
    }

    /// Whether it has ended, and if so, whether in order.
    pub(super) fn has_left(&self) -> Option<bool> {
        *self.left.lock()
    }

    /// The cluster as it sees it.
    pub(super) fn status(&self) -> String {
        String::from_utf8_lossy(&self.page.json()).into_owned()
    }

    /// The slots that its routes say are here.
    pub(super) fn holds(&self) -> SlotSet {
        self.slots_where(|route| matches!(route, Route::Here))
    }

    /// The slots that its routes say are with `replica`.
    pub(super) fn sends_to(&self, replica: &ReplicaId) -> SlotSet {
        self.slots_where(
            |route| matches!(route, Route::There { replica: there, .. } if there == replica),
        )
    }

    /// Whether nothing in it waits for anything.
    pub(super) fn is_at_rest(&self) -> bool {
        let books = self.accounting.snapshot();
        books.buffered == 0
            && books.held == 0
            && books.releasing == 0
            && self.forwarder.is_idle()
            // A trace that was handed over leaves a deadline behind, for as long as the window that it had here.
            && self.budget.used_bytes() == 0
            && !self.is_paused
            && !self.is_leaving
    }

    fn slots_where(&self, is_wanted: impl Fn(&Route) -> bool) -> SlotSet {
        let routes = self.core.routes();
        let slots = (0..SLOTS).map(Slot);
        slots.filter(|slot| is_wanted(routes.get(*slot))).collect()
    }
}
