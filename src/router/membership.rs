//! Membership: each replica publishes a record and a digest of itself, and sees those of the others.
//!
//! What is seen may be late, and one's own opinion of who is missed may be wrong; nothing else may be. Three ways:
//! [`gossip`] between processes, [`lone`] for a replica that runs alone, and [`seeded`], moved by hand, for simulations.
//! What to conclude from a view is for `deaths` and the holders.

pub mod encoding;
pub mod gossip;
pub mod lone;
pub mod seeded;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::member::{Digest, Record, View};
use crate::batch::replica::Incarnation;

/// A way to know the others and be known by them.
pub trait Membership: Send + Sync + 'static {
    /// Publishes a record; it takes the place of the one before. Until this replica's ID is known to be its own
    /// ([`Identity::Own`]) nobody sees it.
    fn publish_record(&self, record: Record);

    /// Publishes a digest; it takes the place of the one before.
    fn publish_digest(&self, digest: Digest);

    /// What is seen of the others, and its changes. A change may be skipped when another follows; the last is not.
    fn watch(&self) -> watch::Receiver<Sight>;
}

/// What a replica sees of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Everybody else, by the newest record of each.
    pub view: Arc<View>,
    /// Whether somebody else goes by this replica's ID.
    pub identity: Identity,
}

/// Whether a replica's ID is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Not known yet: it has just started, or an earlier life under this ID may still be running.
    Unsure,
    /// Nobody older goes by it.
    Own,
    /// An older process goes by it and is alive: this one must not become active.
    Taken(Twin),
}

/// Another running process that goes by the same ID, and started earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twin {
    /// Which incarnation it started as.
    pub incarnation: Incarnation,
    /// Where it gossips.
    pub gossip_address: SocketAddr,
}

impl Sight {
    /// Nobody, by a replica that knows nothing yet.
    #[must_use]
    pub fn nobody(identity: Identity) -> Self {
        let view = Arc::default();
        Self { view, identity }
    }
}

impl std::fmt::Display for Twin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            incarnation,
            gossip_address,
        } = self;
        write!(f, "incarnation {incarnation}, gossip at {gossip_address}")
    }
}
