//! Metrics of plugins: what each policy of type `wasm` says, fails by and takes.

use ::metrics::{Counter, Gauge, Histogram};

use super::Registry;

/// Bucket bounds of the time of a call, in seconds: a microsecond to a second.
pub(super) const CALL_SECONDS_BUCKETS: [f64; 13] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 0.1, 1.0,
];
pub(super) const CALL_SECONDS: &str = "tailsieve_plugin_call_seconds";

/// Handles of one policy.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "each is described where it is registered, below"
)]
pub struct PluginMetrics {
    /// By verdict, in the order given.
    pub calls: Vec<Counter>,
    /// By reason, likewise.
    pub failures: Vec<Counter>,
    pub skipped: Counter,
    pub call_seconds: Histogram,
    /// By reason, likewise.
    pub rebuilds: Vec<Counter>,
    pub memory_bytes: Gauge,
    /// By state, likewise.
    pub breakers: Vec<Gauge>,
    pub log_lines: Counter,
    pub log_lines_left_out: Counter,
    pub load_seconds: Gauge,
}

/// The values of labels, in the order in which handles are wanted.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PluginLabels {
    pub verdicts: Vec<&'static str>,
    pub failures: Vec<&'static str>,
    pub rebuilds: Vec<&'static str>,
    pub breakers: Vec<&'static str>,
}

impl Registry {
    /// Handles of the plugin of this policy, `outer/inner` if it is nested.
    #[must_use]
    pub fn plugin(&self, policy: &str, labels: &PluginLabels) -> PluginMetrics {
        let policy = self.policy_label(policy);
        let own = &[("policy", policy)];
        let counters = |name, about, label, values: &[&'static str]| {
            let values = values.iter();
            values
                .map(|value| self.counter(name, about, &[("policy", policy), (label, value)]))
                .collect()
        };
        PluginMetrics {
            calls: counters(
                "tailsieve_plugin_calls_total",
                "Calls of a plugin that went well, by what it said.",
                "verdict",
                &labels.verdicts,
            ),
            failures: counters(
                "tailsieve_plugin_failures_total",
                "Calls of a plugin, or starts of an instance, that failed.",
                "reason",
                &labels.failures,
            ),
            skipped: self.counter(
                "tailsieve_plugin_calls_skipped_total",
                "Traces that a plugin was not asked about because it kept failing.",
                own,
            ),
            call_seconds: self.histogram(
                CALL_SECONDS,
                "Time of a plugin's calls, of one trace in 64.",
                own,
            ),
            rebuilds: counters(
                "tailsieve_plugin_rebuilds_total",
                "Instances of a plugin that were thrown away, reloads not included.",
                "reason",
                &labels.rebuilds,
            ),
            memory_bytes: self.gauge(
                "tailsieve_plugin_memory_bytes",
                "Memory of a plugin's instances as they see it, touched or not.",
                own,
            ),
            breakers: labels
                .breakers
                .iter()
                .map(|state| {
                    self.gauge(
                        "tailsieve_plugin_breakers",
                        "Shards in which a plugin is left alone (open), or asked once to see whether it works again (trying).",
                        &[("policy", policy), ("state", state)],
                    )
                })
                .collect(),
            log_lines: self.counter(
                "tailsieve_plugin_log_lines_total",
                "Lines of a plugin's log, written by us or not.",
                own,
            ),
            log_lines_left_out: self.counter(
                "tailsieve_plugin_log_lines_left_out_total",
                "Lines beyond those that are taken in a call.",
                own,
            ),
            load_seconds: self.gauge(
                "tailsieve_plugin_load_seconds",
                "What it took to compile a plugin and start it, when it was loaded last.",
                own,
            ),
        }
    }
}
