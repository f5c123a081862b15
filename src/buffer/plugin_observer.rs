//! Counts what plugins do.

use crate::metrics::{PluginLabels, PluginMetrics, Registry};
use crate::sampler::wasm::{BreakerState, Observer, Plugin, Reason, Rebuild, Verdict};

/// Counts for one policy.
#[derive(Debug)]
pub(super) struct PluginObserver(PluginMetrics);

/// States that a gauge is kept of: all others are closed.
const STATES: [BreakerState; 2] = [BreakerState::Open, BreakerState::Trying];

impl PluginObserver {
    /// For the plugin of the policy at `path`.
    pub(super) fn new(path: &str, plugin: &Plugin, registry: &Registry) -> Self {
        let labels = PluginLabels {
            verdicts: Verdict::LABELS.to_vec(),
            failures: Reason::ALL.map(Reason::label).to_vec(),
            rebuilds: Rebuild::ALL.map(Rebuild::label).to_vec(),
            breakers: STATES.map(BreakerState::label).to_vec(),
        };
        let metrics = registry.plugin(path, &labels);
        metrics.load_seconds.set(plugin.load_ns() as f64 / 1e9);
        Self(metrics)
    }
}

impl Observer for PluginObserver {
    fn answered(&self, verdict: Verdict) {
        if let Some(counter) = self.0.calls.get(verdict.index()) {
            counter.increment(1);
        }
    }

    fn failed(&self, reason: Reason) {
        if let Some(counter) = self.0.failures.get(reason as usize) {
            counter.increment(1);
        }
    }

    fn skipped(&self) {
        self.0.skipped.increment(1);
    }

    fn took_ns(&self, ns: u64) {
        self.0.call_seconds.record(ns as f64 / 1e9);
    }

    fn rebuilt(&self, why: Rebuild) {
        if let Some(counter) = self.0.rebuilds.get(why as usize) {
            counter.increment(1);
        }
    }

    fn memory_changed(&self, by_bytes: i64) {
        self.0.memory_bytes.increment(by_bytes as f64);
    }

    fn breaker_changed(&self, from: BreakerState, to: BreakerState) {
        let gauge = |state| {
            let index = STATES.iter().position(|known| *known == state)?;
            self.0.breakers.get(index)
        };
        if let Some(gauge) = gauge(from) {
            gauge.decrement(1.0);
        }
        if let Some(gauge) = gauge(to) {
            gauge.increment(1.0);
        }
    }

    fn logged(&self, lines: u64, left_out: u64) {
        self.0.log_lines.increment(lines);
        self.0.log_lines_left_out.increment(left_out);
    }
}
