//! `/api/v1/status`: a replica at a glance.

use std::sync::Arc;

use serde::Serialize;

use crate::accounting::{Accounting, Snapshot};
use crate::admin::StatusPage;
use crate::clock::{Clock, Moment};
use crate::exporter::{Exporter, ExporterStatus};
use crate::memory::Budget;
use crate::replica::cluster::{ClusterBrief, ClusterGlance};
use crate::replica::reload::Reloader;
use crate::sampler::policy_set::PluginState;

/// What the status page shows.
#[derive(Debug, Serialize)]
pub struct Status {
    version: &'static str,
    uptime_seconds: f64,
    shards: usize,
    memory: MemoryStatus,
    /// Spans by what became of them; `unaccounted` is 0 at rest.
    spans: Snapshot,
    unaccounted_spans: i64,
    policies: PoliciesStatus,
    exporters: Vec<ExporterStatus>,
    /// Of a replica in a cluster; `/api/v1/cluster` says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterBrief>,
}

#[derive(Debug, Serialize)]
struct MemoryStatus {
    limit_bytes: u64,
    used_bytes: u64,
}

#[derive(Debug, Serialize)]
struct PoliciesStatus {
    generation: u64,
    names: Vec<String>,
    decision_wait_seconds: f64,
    decision_wait_after_root_seconds: Option<f64>,
    num_traces: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<PluginStatus>,
}

/// How the plugin of a policy does.
#[derive(Debug, Serialize)]
struct PluginStatus {
    policy: String,
    sha256: String,
    memory_bytes: usize,
    /// Shards in which it is left alone because it kept failing.
    shards_without: usize,
}

/// Where the status page's figures come from.
pub(super) struct StatusSource {
    pub(super) budget: Budget,
    pub(super) accounting: Arc<Accounting>,
    pub(super) exporters: Vec<Exporter>,
    pub(super) policies: Reloader,
    pub(super) shards: usize,
    pub(super) started: Moment,
    pub(super) clock: Clock,
    pub(super) cluster: Option<ClusterGlance>,
}

impl PluginStatus {
    fn of(state: PluginState<'_>) -> Self {
        Self {
            policy: state.policy.to_owned(),
            sha256: state.plugin.sha256().to_owned(),
            memory_bytes: state.memory_bytes,
            shards_without: state.shards_without,
        }
    }
}

impl StatusPage for StatusSource {
    fn json(&self) -> Vec<u8> {
        let policies = self.policies.policies();
        let windows = policies.windows;
        let snapshot = self.accounting.snapshot();
        let status = Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.clock.now().since(self.started).as_secs_f64(),
            shards: self.shards,
            memory: MemoryStatus {
                limit_bytes: self.budget.limit_bytes(),
                used_bytes: self.budget.used_bytes(),
            },
            unaccounted_spans: snapshot.unaccounted(),
            spans: snapshot,
            policies: PoliciesStatus {
                generation: policies.generation,
                names: policies.set.names().map(str::to_owned).collect(),
                decision_wait_seconds: windows.decision_wait.as_secs_f64(),
                decision_wait_after_root_seconds: windows
                    .decision_wait_after_root
                    .map(|wait| wait.as_secs_f64()),
                num_traces: windows.num_traces,
                plugins: policies.set.plugins().map(PluginStatus::of).collect(),
            },
            exporters: self.exporters.iter().map(Exporter::status).collect(),
            cluster: self.cluster.as_ref().map(ClusterGlance::brief),
        };
        serde_json::to_vec_pretty(&status).unwrap_or_default()
    }
}
