//! Metrics of the policies in force: which set it is, and how reloading went.

use ::metrics::{Counter, Gauge};

use super::Registry;

/// Handles of a replica's policies.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct PoliciesMetrics {
    pub generation: Gauge,
    pub reloads: Counter,
    pub reload_failures: Counter,
    pub last_reload_successful: Gauge,
    pub last_reload_timestamp_seconds: Gauge,
}

impl Registry {
    /// Handles of the policies in force.
    #[must_use]
    pub fn policies(&self) -> PoliciesMetrics {
        PoliciesMetrics {
            generation: self.gauge(
                "tailsieve_policies_generation",
                "Number of the policy set in force; the one of the start is 1.",
                &[],
            ),
            reloads: self.counter(
                "tailsieve_policies_reloads_total",
                "Policy sets put in force since the start.",
                &[],
            ),
            reload_failures: self.counter(
                "tailsieve_policies_reload_failures_total",
                "Attempts to load policies that were rejected; the set in force stayed.",
                &[],
            ),
            last_reload_successful: self.gauge(
                "tailsieve_policies_last_reload_successful",
                "1 when what was read last is in force, 0 when it was rejected.",
                &[],
            ),
            last_reload_timestamp_seconds: self.gauge(
                "tailsieve_policies_last_reload_timestamp_seconds",
                "Unix time at which the set in force was put in force.",
                &[],
            ),
        }
    }
}
