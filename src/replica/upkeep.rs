//! What a replica does every few seconds besides its work.

use std::time::Duration;

use crate::memory::Budget;
use crate::metrics::Registry;

const INTERVAL: Duration = Duration::from_secs(1);

/// Starts a task that keeps gauges fresh and histograms bounded for as long as the runtime lives.
pub(super) fn start(registry: Registry, budget: Budget) {
    let memory_used = registry.memory_used();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            memory_used.set(budget.used_bytes() as f64);
            registry.run_upkeep();
        }
    });
}
