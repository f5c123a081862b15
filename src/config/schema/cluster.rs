//! `cluster`.

use schemars::JsonSchema;

use super::values::{Address, Count, Duration, NonEmptyText, OneOrMany, Size};

/// `cluster`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// This replica among the others, 1 to 63 letters, digits, '.', '_' and '-'; the host name without it.
    replica_id: Option<NonEmptyText>,
    /// Replicas of another name are refused.
    #[schemars(extend("default" = "tailsieve"))]
    name: Option<NonEmptyText>,
    /// Where spans and orders of other replicas come in.
    peer: Option<Peer>,
    /// Where replicas learn of each other.
    gossip: Option<Gossip>,
    /// Gossip addresses of other replicas, or a name and a port that stand for several.
    seeds: Option<OneOrMany<NonEmptyText, 64>>,
    /// File with what all replicas share, at least 16 bytes; needed unless both endpoints are on loopback.
    secret_file: Option<NonEmptyText>,
    /// Replicas that must know each other to found a cluster.
    #[schemars(extend("default" = 1))]
    min_replicas: Option<Count<1, 1_000>>,
    /// Share of the traces, relative to the others'.
    #[schemars(extend("default" = 1))]
    weight: Option<Count<1, 100>>,
    /// How long a replica is missed before one votes for its death; at least 2 s.
    #[schemars(extend("default" = "12s"))]
    dead_after: Option<Duration>,
    /// Bytes of acknowledged spans that wait for replicas out of reach; without it, a quarter of memory.limit.
    hold_limit: Option<Size>,
}

/// `cluster.peer`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Peer {
    /// Address to listen on (gRPC).
    #[schemars(extend("default" = "127.0.0.1:4319"))]
    endpoint: Option<Address>,
    /// Address that others dial; needed where the endpoint is 0.0.0.0.
    advertise: Option<Address>,
}

/// `cluster.gossip`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Gossip {
    /// Address to listen on (UDP).
    #[schemars(extend("default" = "127.0.0.1:4320"))]
    endpoint: Option<Address>,
    /// Address that others dial; needed where the endpoint is 0.0.0.0.
    advertise: Option<Address>,
}
