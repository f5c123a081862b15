//! What a replica does every second besides its work: gauges, histograms, and a look at its own books.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::accounting::Accounting;
use crate::exporter::Exporter;
use crate::invariant::RestChecks;
use crate::memory::Budget;
use crate::metrics::Registry;

const INTERVAL: Duration = Duration::from_secs(1);

/// Starts a task that goes on for as long as the runtime lives.
pub(super) fn start(
    registry: Registry,
    budget: Budget,
    accounting: Arc<Accounting>,
    exporters: Vec<Exporter>,
    in_flight: Budget,
) {
    let memory_used = registry.memory_used();
    let mut checks = RestChecks::new(&registry);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            memory_used.set(budget.used_bytes() as f64);
            let queued = exporters.iter().map(|exporter| exporter.pending().0);
            checks.look(&accounting, &budget, queued.sum(), &in_flight);
            registry.run_upkeep();
        }
    });
}
