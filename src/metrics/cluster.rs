//! Metrics of a cluster as one replica sees it: gossip, members, slots and how they change hands.

use ::metrics::{Counter, Gauge, Histogram};

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

/// Handles of a replica's part in its cluster; clones share them.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct ClusterMetrics {
    pub members_joining: Gauge,
    pub members_active: Gauge,
    pub members_leaving: Gauge,
    pub members_suspect: Gauge,
    pub slots_held: Gauge,
    pub slots_owned: Gauge,
    pub slots_awaited: Gauge,
    pub slots_giving: Gauge,
    pub slots_unheld: Gauge,
    pub tables_disagreeing: Gauge,
    pub policies_disagreeing: Gauge,
    pub moves: Gauge,
    pub slots_released: Counter,
    pub slots_adopted: Counter,
    pub release_seconds: Histogram,
    pub traces_handed_over: Counter,
    pub spans_applied_before: Counter,
    pub spans_owed: Gauge,
    pub new_lives: Counter,
    pub deaths_alone: Gauge,
    pub is_ready: Gauge,
    pub is_unsure: Gauge,
    pub has_majority: Gauge,
    pub limits_share: Gauge,
}

impl Registry {
    /// Handles of a replica's part in its cluster.
    #[must_use]
    pub fn cluster(&self) -> ClusterMetrics {
        let counter = |name, about| self.counter(name, about, &[]);
        let gauge = |name, about| self.gauge(name, about, &[]);
        let members = |state| {
            self.gauge(
                "tailsieve_cluster_members",
                "Live members as seen here, this replica included, by state; suspect ones count twice, under suspect too.",
                &[("state", state)],
            )
        };
        let slots = |state| {
            self.gauge(
                "tailsieve_cluster_slots",
                "Slots of this replica: held, given away by moves under way, due to come by moves of others, owned by the table; and those that nobody holds as seen here.",
                &[("state", state)],
            )
        };
        ClusterMetrics {
            members_joining: members("joining"),
            members_active: members("active"),
            members_leaving: members("leaving"),
            members_suspect: members("suspect"),
            slots_held: slots("held"),
            slots_owned: slots("owned"),
            slots_awaited: slots("awaited"),
            slots_giving: slots("giving"),
            slots_unheld: slots("unheld"),
            tables_disagreeing: gauge(
                "tailsieve_cluster_tables_disagreeing",
                "Active members whose table of owners is another than this replica's.",
            ),
            policies_disagreeing: gauge(
                "tailsieve_cluster_policies_disagreeing",
                "Live members that have had other policies in force than this replica for more than 30 s.",
            ),
            moves: gauge(
                "tailsieve_cluster_moves",
                "Replicas that this one gives slots to at the moment.",
            ),
            slots_released: counter(
                "tailsieve_cluster_slots_released_total",
                "Slots that this replica has ceased to hold.",
            ),
            slots_adopted: counter(
                "tailsieve_cluster_slots_adopted_total",
                "Slots that this replica has become the holder of, by moves and by claims.",
            ),
            release_seconds: self.histogram(
                "tailsieve_cluster_release_seconds",
                "Time from the start of a slot's move to its release.",
                &[],
            ),
            traces_handed_over: counter(
                "tailsieve_cluster_traces_handed_over_total",
                "Undecided traces handed over to other replicas.",
            ),
            spans_applied_before: counter(
                "tailsieve_cluster_spans_deduplicated_total",
                "Spans of other replicas that had been taken before, found by the name of their batch.",
            ),
            spans_owed: gauge(
                "tailsieve_cluster_owed_spans",
                "Spans owed to other replicas, their senders answered: held back, on their way again, or being handed over.",
            ),
            new_lives: counter(
                "tailsieve_cluster_new_lives_total",
                "Times that this replica was declared dead while alive, and went on as a new life.",
            ),
            deaths_alone: gauge(
                "tailsieve_cluster_deaths_decided_alone",
                "Replicas that count as dead by this one's word alone: it serves one side of a partition.",
            ),
            is_ready: gauge(
                "tailsieve_cluster_ready",
                "1 when clients may be sent to this replica, as far as its cluster goes.",
            ),
            is_unsure: gauge(
                "tailsieve_cluster_unsure",
                "1 after a pause, until the others have confirmed that this replica still counts.",
            ),
            has_majority: gauge(
                "tailsieve_cluster_majority",
                "1 when more than half of the active members are in reach.",
            ),
            limits_share: gauge(
                "tailsieve_cluster_limits_share",
                "This replica's part of limits with scope cluster, between 0 and 1.",
            ),
        }
    }

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
