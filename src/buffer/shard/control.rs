//! What a shard is told besides spans: the policies in force, and to finish.

use std::sync::Arc;

use crate::buffer::config::WindowConfig;
use crate::metrics::SamplerMetrics;
use crate::sampler::policy_set::PolicySet;

/// What a shard is told besides spans.
#[derive(Debug)]
pub enum Control {
    /// Decide by this set from now on.
    Policies(Arc<ActivePolicies>),
    /// Decide everything, hand it over, then end.
    Finish,
}

/// A policy set in force with its windows and its counters.
#[derive(Debug)]
pub struct ActivePolicies {
    /// The policies.
    pub set: PolicySet,
    /// For traces first seen from now on.
    pub windows: WindowConfig,
    /// Counters by policy.
    pub metrics: SamplerMetrics,
}
