//! Something that receives OTLP: the replica under test, the bare receiver, a peer.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use super::bare;
use super::lab::{LOAD_CORES, Lab};
use super::plugin;
use super::process::{Process, free_address, wait_for};
use super::scrape::Scrape;

/// A running receiver.
pub(crate) struct Receiver {
    pub(crate) process: Process,
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The counter of spans taken.
    pub(crate) spans_metric: &'static str,
}

/// How a replica is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReplicaSettings {
    pub(crate) cores: &'static str,
    /// 0 is one per core.
    pub(crate) shards: usize,
    pub(crate) decision_wait: Duration,
    /// Size of the decision cache, as the server file has it.
    pub(crate) decision_cache: &'static str,
    pub(crate) policies: Policies,
}

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policies {
    /// Errors, slower than a second, a tenth of the rest.
    Three,
    /// The mixed ones of `ten_policies.yaml`, and the three.
    Thirteen,
    /// So many plugins, and the three.
    Plugins(usize),
}

/// The default of the decision cache.
pub(crate) const DECISION_CACHE: &str = "100MB";

/// The kernel's number of SIGTERM.
const SIGTERM: i32 = 15;

/// The body of a policy file in the collector's schema.
pub(crate) fn policies(policies: Policies, decision_wait: Duration) -> String {
    const TEN: &str = include_str!("../ten_policies.yaml");
    let more = match policies {
        Policies::Three => String::new(),
        Policies::Thirteen => {
            let list = TEN.split_once("policies:\n").map_or("", |(_, list)| list);
            list.to_owned()
        }
        Policies::Plugins(count) => (0..count).map(plugin_policy).collect(),
    };
    format!(
        "decision_wait: {}ms
policies:
{more}  - {{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}
  - {{name: slow, type: latency, latency: {{threshold_ms: 1000}}}}
  - {{name: a-tenth, type: probabilistic, probabilistic: {{sampling_percentage: 10}}}}
",
        decision_wait.as_millis()
    )
}

/// A policy that asks a plugin; each has another objective, so that none shares its instances.
fn plugin_policy(number: usize) -> String {
    let module = plugin::module().display().to_string();
    let limit_ms = 2000 + number;
    format!(
        "  - {{name: plugin-{number}, type: wasm, module: {module:?}, config: {{objectives: [{{latency_ms: {limit_ms}}}]}}}}\n"
    )
}

impl Receiver {
    /// The backend of everything that exports.
    pub(crate) fn backend(lab: &Lab) -> anyhow::Result<Self> {
        Self::bare(lab, LOAD_CORES, "backend")
    }

    /// A receiver that only walks the bytes.
    pub(crate) fn bare(lab: &Lab, cores: &str, log: &str) -> anyhow::Result<Self> {
        let (grpc, admin) = (free_address()?, free_address()?);
        let arguments = [
            bare::COMMAND.to_owned(),
            grpc.to_string(),
            admin.to_string(),
        ];
        let log = lab.folder.join(format!("{log}.log"));
        let process = Process::start(cores, &lab.own, &arguments, Some(&log))?;
        Self::ready(process, grpc, admin, bare::SPANS_METRIC)
    }

    /// A replica with the three policies that exports to `backend`.
    pub(crate) fn replica(
        lab: &Lab,
        settings: ReplicaSettings,
        backend: &Self,
    ) -> anyhow::Result<Self> {
        let (grpc, http, admin) = (free_address()?, free_address()?, free_address()?);
        let text = policies(settings.policies, settings.decision_wait);
        let policies = lab.write("policies.yaml", &text)?;
        let cache = settings.decision_cache;
        let config = format!("memory: {{limit: 8GiB}}\ndecision_cache: {{limit: {cache}}}\n");
        let config = lab.write("tailsieve.yaml", &config)?;
        let mut arguments = vec!["run".to_owned(), argument("config", &config)];
        let mut set = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
        set("policies", policies.display().to_string());
        set("shards", settings.shards.to_string());
        set("grpc-endpoint", grpc.to_string());
        set("http-endpoint", http.to_string());
        set("admin-endpoint", admin.to_string());
        set("exporter-endpoint", format!("http://{}", backend.grpc));
        let log = lab.folder.join("replica.log");
        let process = Process::start(settings.cores, &lab.tailsieve, &arguments, Some(&log))?;
        Self::ready(
            process,
            grpc,
            admin,
            "tailsieve_router_spans_received_total",
        )
    }

    /// Something started as `process`, once it listens.
    pub(crate) fn ready(
        process: Process,
        grpc: SocketAddr,
        admin: SocketAddr,
        spans_metric: &'static str,
    ) -> anyhow::Result<Self> {
        wait_for(grpc)?;
        wait_for(admin)?;
        Ok(Self {
            process,
            grpc,
            admin,
            spans_metric,
        })
    }

    pub(crate) fn scrape(&self) -> anyhow::Result<Scrape> {
        Scrape::of(self.admin)
    }

    pub(crate) fn spans_received(&self) -> anyhow::Result<u64> {
        Ok(self.scrape()?.sum(self.spans_metric) as u64)
    }

    /// Ends it; whatever handles the signal must say that all went well (a replica: that nothing was left or lost).
    pub(crate) fn end(self) -> anyhow::Result<()> {
        let (status, _) = self.process.end()?;
        anyhow::ensure!(
            status.success() || status.signal() == Some(SIGTERM),
            "the receiver ended with {status}"
        );
        Ok(())
    }
}

/// The path of a file as an argument.
pub(crate) fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
