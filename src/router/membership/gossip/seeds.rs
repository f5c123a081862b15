//! Finding the first other replica: seeds are resolved again and again, since pods come and go under one name.
//!
//! Until somebody is known, names are resolved every 5 s and whatever they stand for is greeted at every round of
//! gossip; after that every 30 s, so that two halves that found themselves separately meet.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chitchat::ChitchatHandle;
use rand::seq::IteratorRandom;

use super::network::Network;
use crate::clock::{Clock, Moment};
use crate::metrics::GossipMetrics;

const RESOLVE_UNTIL_JOINED: Duration = Duration::from_secs(5);
const RESOLVE_WHEN_JOINED: Duration = Duration::from_secs(30);
/// Most addresses greeted at a time, drawn anew each time.
const GREETED_MAX: usize = 8;
/// Least time between two lines of the log about seeds that cannot be resolved.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// What seeding needs.
pub(super) struct Seeding {
    pub(super) seeds: Vec<String>,
    pub(super) own: SocketAddr,
    pub(super) interval: Duration,
    pub(super) network: Arc<dyn Network>,
    pub(super) chitchat: Arc<ChitchatHandle>,
    pub(super) has_contact: Arc<AtomicBool>,
    pub(super) clock: Clock,
    pub(super) metrics: GossipMetrics,
}

impl Seeding {
    /// Runs until it is dropped, or gossip has ended.
    pub(super) async fn run(self) {
        let mut resolved: Option<Moment> = None;
        let mut logged: Option<Moment> = None;
        let mut addresses = BTreeSet::new();
        while !self.seeds.is_empty() {
            let is_joined = self.has_contact.load(Ordering::Relaxed);
            let every = if is_joined {
                RESOLVE_WHEN_JOINED
            } else {
                RESOLVE_UNTIL_JOINED
            };
            let now = self.clock.now();
            let is_due = resolved.is_none_or(|resolved| now.since(resolved) >= every);
            if is_due {
                resolved = Some(now);
                addresses = self.resolve_all(&mut logged).await;
            }
            if (is_due || !is_joined) && !self.greet(&addresses) {
                return;
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    async fn resolve_all(&self, logged: &mut Option<Moment>) -> BTreeSet<SocketAddr> {
        let mut addresses = BTreeSet::new();
        for seed in &self.seeds {
            let error = match self.network.resolve(seed).await {
                Ok(found) => {
                    addresses.extend(found);
                    continue;
                }
                Err(error) => error,
            };
            self.metrics.seeds_failed.increment(1);
            let now = self.clock.now();
            if logged.is_none_or(|logged| now.since(logged) >= LOGGED_EVERY) {
                *logged = Some(now);
                tracing::warn!(seed, %error, "a seed cannot be resolved; trying on");
            }
        }
        addresses.remove(&self.own);
        addresses
    }

    /// Says whether gossip is still running.
    fn greet(&self, addresses: &BTreeSet<SocketAddr>) -> bool {
        let drawn = addresses
            .iter()
            .choose_multiple(&mut rand::rng(), GREETED_MAX);
        drawn
            .into_iter()
            .all(|address| self.chitchat.gossip(*address).is_ok())
    }
}
