//! `GET /api/v1/policies` and `POST /-/reload`: which policies are in force, and which were rejected, and why.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{Reload, Reloader, State, Trigger};
use crate::admin::{PoliciesPage, Reloaded};
use crate::clock::rfc3339;
use crate::config::policy_source::{Known, Loaded, Rejected};
use crate::config::{FindingEntry, PolicySource};
use crate::sampler::config::{Mode, PolicyConfig, RuleConfig};
use crate::sampler::wasm;

/// The set in force.
#[derive(Debug, Serialize)]
pub(super) struct ActivePage {
    pub(super) generation: u64,
    /// As [`Loaded::hash`].
    pub(super) hash: String,
    /// RFC 3339.
    since: String,
    /// `policies.path`; null for the built-in policies.
    path: Option<PathBuf>,
    pub(super) files: Vec<PathBuf>,
    decision_wait_seconds: f64,
    decision_wait_after_root_received_seconds: Option<f64>,
    num_traces: Option<usize>,
    sample_on_first_match: bool,
    drop_pending_traces_on_shutdown: bool,
    policies: Vec<PolicyEntry>,
    warnings: Vec<FindingEntry>,
    #[serde(skip)]
    pub(super) modules: Known,
}

/// A set that was not put in force.
#[derive(Debug, Serialize)]
pub(super) struct RejectedPage {
    /// As [`Rejected::hash`].
    pub(super) hash: String,
    /// When, in RFC 3339.
    at: String,
    files: Vec<PathBuf>,
    errors: Vec<FindingEntry>,
    #[serde(skip)]
    pub(super) modules: Known,
}

/// What stands behind the policies' pages of the admin port.
pub(in crate::replica) struct PoliciesSource(pub(in crate::replica) Reloader);

#[derive(Debug, Serialize)]
struct Page<'a> {
    active: &'a ActivePage,
    rejected: Option<&'a RejectedPage>,
}

#[derive(Debug, Serialize)]
struct PolicyEntry {
    name: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    /// `shadow` where it is not active.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<PluginEntry>,
    /// Sub-policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<PolicyEntry>,
}

/// Who the plugin of a policy is.
#[derive(Debug, Serialize)]
struct PluginEntry {
    /// As it is written.
    module: PathBuf,
    sha256: String,
    /// As its maker wrote it.
    version: Option<String>,
    contract: &'static str,
    stateful: bool,
    binary_bytes: usize,
    /// What it took to compile it; next to nothing where it was known.
    load_seconds: f64,
}

impl ActivePage {
    pub(super) fn new(
        generation: u64,
        source: &PolicySource,
        loaded: Loaded,
        now_unix_ns: u64,
    ) -> Self {
        let Loaded {
            file,
            warnings,
            files,
            hash,
            modules,
        } = loaded;
        let after_root = file.windows.decision_wait_after_root;
        Self {
            generation,
            hash,
            since: rfc3339(now_unix_ns),
            path: source.0.clone(),
            files,
            decision_wait_seconds: file.windows.decision_wait.as_secs_f64(),
            decision_wait_after_root_received_seconds: after_root.map(|wait| wait.as_secs_f64()),
            num_traces: file.windows.num_traces,
            sample_on_first_match: file.evaluation.sample_on_first_match,
            drop_pending_traces_on_shutdown: file.evaluation.drop_pending_traces_on_shutdown,
            policies: entries(&file.policies),
            warnings: warnings.into_iter().map(FindingEntry::from).collect(),
            modules,
        }
    }
}

impl RejectedPage {
    pub(super) fn new(rejected: Rejected, now_unix_ns: u64) -> Self {
        let errors = rejected.errors.errors.into_iter();
        Self {
            hash: rejected.hash,
            at: rfc3339(now_unix_ns),
            files: rejected.files,
            errors: errors.map(FindingEntry::from).collect(),
            modules: rejected.modules,
        }
    }
}

impl PoliciesPage for PoliciesSource {
    fn json(&self) -> Vec<u8> {
        json(&self.0.0.state.load())
    }

    fn reload(&self) -> BoxFuture<'static, Reloaded> {
        let reloader = self.0.clone();
        Box::pin(async move {
            let reload = reloader.reload(Trigger::Request).await;
            Reloaded {
                is_in_force: reload != Reload::Rejected,
                json: json(&reloader.0.state.load()),
            }
        })
    }
}

fn json(state: &State) -> Vec<u8> {
    let page = Page {
        active: &state.active,
        rejected: state.rejected.as_deref(),
    };
    serde_json::to_vec_pretty(&page).unwrap_or_default()
}

fn plugin(rule: &RuleConfig) -> Option<PluginEntry> {
    let RuleConfig::Wasm(config) = rule else {
        return None;
    };
    let plugin = &config.plugin;
    Some(PluginEntry {
        module: config.module.clone(),
        sha256: plugin.sha256().to_owned(),
        version: plugin.version().map(str::to_owned),
        contract: wasm::CONTRACT,
        stateful: config.stateful,
        binary_bytes: plugin.binary_bytes(),
        load_seconds: plugin.load_ns() as f64 / 1e9,
    })
}

fn entries(policies: &[PolicyConfig]) -> Vec<PolicyEntry> {
    let entry = |policy: &PolicyConfig| PolicyEntry {
        name: policy.name.clone(),
        type_name: policy.rule.type_name(),
        mode: (policy.mode == Mode::Shadow).then_some("shadow"),
        plugin: plugin(&policy.rule),
        policies: entries(policy.rule.sub_policies()),
    };
    policies.iter().map(entry).collect()
}
