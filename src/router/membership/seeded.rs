//! Membership for simulations: one hub for all replicas of a process, moved by hand, with faults drawn from a seed.
//!
//! What a replica publishes reaches each other one after a delay of its own, so that views are late, differ, and show
//! things in another order than they happened; a replica may be missed wrongly for a while. As with gossip, what is
//! newer is never taken for older, and whatever a partition holds back comes once it has healed; a replica is heard as
//! long as any chain of others leads to it. The same seed and the same calls give the same views. IDs are not checked:
//! `Identity::Own` always.

mod state;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use self::state::{Said, State};
use super::{Membership, Sight};
use crate::batch::replica::ReplicaId;
use crate::clock::Moment;
use crate::router::member::{Digest, Record};

/// What can go wrong.
#[derive(Debug, Clone, Copy)]
pub struct SeededFaults {
    /// Longest way of a record or digest; each way's length is drawn anew.
    pub delay_max: Duration,
    /// Silence after which a replica is missed.
    pub missed_after: Duration,
    /// Mean time between two wrong opinions of one replica about another; `None` for never.
    pub wrong_every: Option<Duration>,
    /// Longest time that a wrong opinion lasts.
    pub wrong_for_max: Duration,
}

/// All replicas of a simulation. Clones are the same hub.
#[derive(Debug, Clone)]
pub struct SeededHub(Arc<Mutex<State>>);

/// One replica's membership.
#[derive(Debug)]
pub struct SeededMembership {
    hub: SeededHub,
    id: ReplicaId,
    process: u64,
    sight: watch::Receiver<Sight>,
}

impl SeededHub {
    /// An empty hub at moment 0.
    #[must_use]
    pub fn new(seed: u64, faults: SeededFaults) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed, faults))))
    }

    /// Starts a process under this ID; one that ran under it before has ended.
    #[must_use]
    pub fn join(&self, id: &ReplicaId) -> SeededMembership {
        let (process, sight) = self.0.lock().join(id);
        SeededMembership {
            hub: self.clone(),
            id: id.clone(),
            process,
            sight,
        }
    }

    /// A replica hears and says nothing from now on: stopped for ever or for a while.
    pub fn stop(&self, id: &ReplicaId) {
        self.0.lock().set_running(id, false);
    }

    /// A stopped replica goes on.
    pub fn resume(&self, id: &ReplicaId) {
        self.0.lock().set_running(id, true);
    }

    /// Nothing passes between these two directly.
    pub fn cut(&self, one: &ReplicaId, other: &ReplicaId) {
        self.0.lock().set_cut(one, other, true);
    }

    /// Ends a cut.
    pub fn heal(&self, one: &ReplicaId, other: &ReplicaId) {
        self.0.lock().set_cut(one, other, false);
    }

    /// `by` misses `whom` until then, whatever it hears.
    pub fn miss(&self, by: &ReplicaId, whom: &ReplicaId, until: Moment) {
        self.0.lock().miss(by, whom, until);
    }

    /// The record that a replica published last.
    #[must_use]
    pub fn record(&self, id: &ReplicaId) -> Option<Arc<Record>> {
        self.0.lock().record(id)
    }

    /// Moves to `now`: delivers what has arrived by then, forms opinions, and tells whose view has changed.
    pub fn advance(&self, now: Moment) {
        self.0.lock().advance(now);
    }
}

impl Membership for SeededMembership {
    fn publish_record(&self, record: Record) {
        let said = Said::Record(Arc::new(record));
        self.hub.0.lock().publish(&self.id, self.process, said);
    }

    fn publish_digest(&self, digest: Digest) {
        let said = Said::Digest(Arc::new(digest));
        self.hub.0.lock().publish(&self.id, self.process, said);
    }

    fn watch(&self) -> watch::Receiver<Sight> {
        self.sight.clone()
    }
}

#[cfg(test)]
mod tests;
