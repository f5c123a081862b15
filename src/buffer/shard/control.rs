//! What a shard is told besides spans: the policies in force, and to finish.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::cluster::SlotOrder;
use super::inspect::Inspect;
use crate::buffer::config::WindowConfig;
use crate::buffer::plugin_observer::PluginObserver;
use crate::metrics::{Registry, SamplerMetrics};
use crate::sampler::policy_set::{PolicySet, Roster};

/// What a shard is told besides spans.
#[derive(Debug)]
pub enum Control {
    /// Decide by this set from now on.
    Policies(Arc<ActivePolicies>),
    /// Nothing: that it was heard tells that all before it was.
    Fence(Fence),
    /// Tell what is known of a trace.
    Inspect(Inspect),
    /// Of a clustered replica: about slots.
    Slots(Box<SlotOrder>),
    /// Decide everything, hand it over, then end.
    Finish,
}

/// A policy set in force with its windows and its counters.
#[derive(Debug)]
pub struct ActivePolicies {
    /// Counts the sets of this process, from 1.
    pub generation: u64,
    /// The policies.
    pub set: PolicySet,
    /// For traces first seen from now on.
    pub windows: WindowConfig,
    /// Counters by policy.
    pub metrics: SamplerMetrics,
    /// Its policies' names, for the log of decisions.
    pub roster: Arc<Roster>,
}

impl ActivePolicies {
    /// With counters of `registry`.
    #[must_use]
    pub fn new(
        generation: u64,
        set: PolicySet,
        windows: WindowConfig,
        registry: &Registry,
    ) -> Self {
        let paths = set.infos().iter().map(|info| info.path.as_str());
        let metrics = registry.sampler(set.names(), paths);
        set.observe_plugins(|path, plugin| Arc::new(PluginObserver::new(path, plugin, registry)));
        Self {
            generation,
            roster: Arc::new(set.roster(generation)),
            set,
            windows,
            metrics,
        }
    }
}

/// Told to shards after other messages, so that who told them can wait until they were heard.
#[derive(Debug, Clone)]
pub struct Fence(
    #[allow(dead_code, reason = "dropping it is what is heard")] Arc<dyn Any + Send + Sync>,
);

/// Where one waits for all clones of a [`Fence`] to be heard.
#[derive(Debug)]
pub struct Fenced(Receiver<Infallible>);

impl Fence {
    /// A fence, and where a thread waits for it.
    #[must_use]
    pub fn new() -> (Self, Fenced) {
        let (sender, receiver) = bounded::<Infallible>(0);
        (Self::of(sender), Fenced(receiver))
    }

    /// A fence that drops `token` when it has been heard by all: for who does not wait with a thread.
    #[must_use]
    pub fn of(token: impl Any + Send + Sync) -> Self {
        Self(Arc::new(token))
    }
}

impl Fenced {
    /// Blocks until every shard has heard the fence or has ended; `false` when `time` is over before.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        self.0.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }
}
