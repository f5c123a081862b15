//! One replica without shards: membership, agreement on deaths, and holders, driven as the product drives them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tailsieve::batch::peer::order::{ChunkAck, Order};
use tailsieve::batch::replica::{Incarnation, Life};
use tailsieve::clock::{Clock, Heartbeat};
use tailsieve::metrics::Registry;
use tailsieve::router::config::ClusterConfig;
use tailsieve::router::deaths::Deaths;
use tailsieve::router::holders::{Effect, Holders, Input, Settings, SlotState};
use tailsieve::router::member::Digest;
use tailsieve::router::membership::gossip::GossipMembership;
use tailsieve::router::membership::{Identity, Membership as _, Sight};
use tokio::sync::watch;

use crate::wire::Wire;
use crate::{address_of, id_of};

const MEMORY_BYTES: u64 = 1 << 30;

/// One replica without shards.
pub(crate) struct Replica {
    membership: GossipMembership,
    sight: watch::Receiver<Sight>,
    registry: Registry,
    deaths: Deaths,
    pub(crate) holders: Holders,
    digest: Option<Digest>,
    published: Option<Digest>,
}

/// Addressee, sender, and order.
pub(crate) type SentOrder = (Life, Life, Order);

impl Replica {
    pub(crate) async fn start(
        wire: &Wire,
        clock: &Clock,
        number: usize,
        founders: usize,
    ) -> anyhow::Result<Self> {
        let address = address_of(number);
        let mut config = ClusterConfig::new(id_of(number)?, MEMORY_BYTES);
        config.seeds = (0..3).map(|seed| address_of(seed).to_string()).collect();
        config.min_replicas = founders;
        let registry = Registry::new();
        let incarnation = Incarnation(1);
        let network = Arc::new(wire.listen(address));
        let membership = GossipMembership::start(
            &config,
            incarnation,
            network,
            Heartbeat::new(clock),
            registry.gossip(),
        );
        let membership = membership.await?;
        let settings = Settings {
            replica: config.replica_id.clone(),
            peer_address: address,
            weight: 1,
            shards: 1,
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            policy_hash: 1,
            min_replicas: founders,
            has_seeds: true,
            dead_time: config.dead_after,
        };
        Ok(Self {
            sight: membership.watch(),
            membership,
            registry,
            deaths: Deaths::new(config.dead_after),
            holders: Holders::new(settings, incarnation, clock.now()),
            digest: None,
            published: None,
        })
    }

    /// What the product's driver does in a round.
    pub(crate) fn look(&mut self, clock: &Clock, sent: &mut Vec<SentOrder>) {
        let sight = self.sight.borrow_and_update().clone();
        if sight.identity != Identity::Own {
            return;
        }
        let own = Arc::clone(self.holders.record());
        let is_unsure = self.holders.is_unsure();
        let _ = self.deaths.step(&sight.view, &own, clock.now(), is_unsure);
        let dead = self.deaths.agreed();
        if !dead.is_empty() {
            self.feed(Input::Deaths(dead), clock, sent);
        }
        self.feed(Input::View((*sight.view).clone()), clock, sent);
        self.feed(Input::Tick, clock, sent);
        self.publish_digest();
    }

    fn publish_digest(&mut self) {
        let Some(mut digest) = self.digest.clone() else {
            return;
        };
        digest.votes.clone_from(self.deaths.votes());
        digest.dead = self.deaths.agreed();
        digest.table = self.holders.table().hash();
        if self.published.as_ref() != Some(&digest) {
            self.published = Some(digest.clone());
            self.membership.publish_digest(digest);
        }
    }

    pub(crate) fn feed(&mut self, input: Input, clock: &Clock, sent: &mut Vec<SentOrder>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.holders.handle(input, clock.now()) {
                inputs.extend(self.carry_out(effect, sent));
            }
        }
    }

    /// Carries out an effect as shards would that hold nothing.
    fn carry_out(&mut self, effect: Effect, sent: &mut Vec<SentOrder>) -> Option<Input> {
        match effect {
            Effect::Record(record) => self.membership.publish_record((*record).clone()),
            Effect::Digest(digest) => self.digest = Some((*digest).clone()),
            Effect::Send { to, order } => sent.push((to, self.holders.life().clone(), order)),
            Effect::TakeDecisions { from, decisions } => {
                let ack = ChunkAck {
                    id: decisions.id,
                    parcel: decisions.parcel,
                    chunk: decisions.chunk,
                };
                sent.push((from, self.holders.life().clone(), Order::DecisionsAck(ack)));
            }
            Effect::SetSlots {
                slots,
                state: SlotState::Giving { .. },
            } => return Some(Input::Drained(slots)),
            Effect::CollectDecisions { id, parcel, .. } => {
                let chunks = Vec::new();
                return Some(Input::Collected { id, parcel, chunks });
            }
            Effect::Freeze { id, parcel, .. } => {
                return Some(Input::Frozen {
                    id,
                    parcel,
                    names: Bytes::new(),
                    refused: Default::default(),
                });
            }
            Effect::Died(life) => drop(self.deaths.adopt_named(&life)),
            _ => {}
        }
        None
    }

    pub(crate) fn bytes_sent(&self) -> f64 {
        let text = self.registry.render();
        let line = |line: &str| {
            line.strip_prefix("tailsieve_cluster_gossip_bytes_sent_total ")?
                .parse::<f64>()
                .ok()
        };
        text.lines().find_map(line).unwrap_or(f64::NAN)
    }
}
