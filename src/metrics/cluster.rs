//! Metrics of gossip: how much is said, and what is not listened to.

use ::metrics::Counter;

use super::Registry;

/// Handles of a replica's gossip.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct GossipMetrics {
    pub bytes_sent: Counter,
    pub bytes_received: Counter,
    pub seeds_failed: Counter,
    pub refused_malformed: Counter,
    pub refused_version: Counter,
    pub refused_cluster: Counter,
    pub refused_secret: Counter,
    pub refused_replay: Counter,
    pub refused_addressee: Counter,
    pub refused_message: Counter,
}

impl Registry {
    /// Handles of gossip.
    #[must_use]
    pub fn gossip(&self) -> GossipMetrics {
        let refused = |reason| {
            self.counter(
                "tailsieve_cluster_gossip_refused_total",
                "Datagrams of gossip that were dropped, by reason.",
                &[("reason", reason)],
            )
        };
        GossipMetrics {
            bytes_sent: self.counter(
                "tailsieve_cluster_gossip_bytes_sent_total",
                "Bytes of gossip sent, without the headers of UDP.",
                &[],
            ),
            bytes_received: self.counter(
                "tailsieve_cluster_gossip_bytes_received_total",
                "Bytes of gossip received, refused ones included.",
                &[],
            ),
            seeds_failed: self.counter(
                "tailsieve_cluster_seeds_failed_total",
                "Attempts to resolve a seed that failed.",
                &[],
            ),
            refused_malformed: refused("malformed"),
            refused_version: refused("version"),
            refused_cluster: refused("cluster"),
            refused_secret: refused("secret"),
            refused_replay: refused("replay"),
            refused_addressee: refused("addressee"),
            refused_message: refused("message"),
        }
    }
}
