//! The server file, `tailsieve.yaml`: where spans come from, where kept traces go, and the limits in between.
//!
//! Every key has a default, so an empty file is valid; `docs/configuration.md` lists them all. Unknown keys are errors.
//! Values that other values bound (a request must fit into the memory limit, say) are checked here, so that no stage
//! has to.

mod addresses;
mod buffer;
mod cluster;
mod cors;
mod exporter;
mod headers;
mod log;
mod marks;
mod otlp;
mod queue;
mod receiver;

pub use log::{LogConfig, LogFormat};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::decode::{Fields, Place};
use super::environment::{self, Lookup};
use super::finding::{Checked, ConfigErrors, Findings};
use super::yaml;
use crate::buffer::config::BufferConfig;
use crate::exporter::config::ExporterConfig;
use crate::receiver::config::ReceiverConfig;
use crate::router::config::ClusterConfig;

/// `memory.limit` unless it is set: 1 GiB.
pub const MEMORY_LIMIT_BYTES_DEFAULT: u64 = 1 << 30;
/// Least `memory.limit`: below it not even the buffers of a few connections fit.
const MEMORY_LIMIT_BYTES_MIN: u64 = 1 << 20;

/// Most network threads: far above the cores of any machine.
const NETWORK_THREADS_MAX: usize = 1_024;

/// What a replica of a cluster needs besides a window to leave it.
const HAND_OVER_TIME: Duration = Duration::from_secs(15);

/// The whole server file.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// `receivers`.
    pub receivers: ReceiverConfig,
    /// `policies`.
    pub policies: PolicySource,
    /// `policies.plugin_cache`: where compiled plugins are kept. Default nowhere.
    pub plugin_cache: Option<PathBuf>,
    /// `exporters`, in the order of the file; never empty.
    pub exporters: Vec<ExporterConfig>,
    /// `memory.limit`, in bytes. Default 1 GiB.
    pub memory_limit_bytes: u64,
    /// `shards`, `inbox_limit`, `decision_cache`, `decision_log`, `batch`, `marks`.
    pub buffer: BufferConfig,
    /// `network_threads`: threads that receive and send; 0 is one for two cores. Default 0.
    pub network_threads: usize,
    /// `admin.endpoint`. Default 127.0.0.1:9464.
    pub admin_endpoint: SocketAddr,
    /// `shutdown.grace_period`. Default 30 s, the default window; in a cluster 15 s more, to hand over.
    pub shutdown_grace: Duration,
    /// `log`.
    pub log: LogConfig,
    /// `cluster`; `None` for a replica that runs alone.
    pub cluster: Option<ClusterConfig>,
}

/// `policies.path`; `None` stands for [`super::DEFAULT_POLICIES`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicySource(pub Option<PathBuf>);

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            receivers: ReceiverConfig::default(),
            policies: PolicySource::default(),
            plugin_cache: None,
            exporters: vec![exporter::default_exporter()],
            memory_limit_bytes: MEMORY_LIMIT_BYTES_DEFAULT,
            buffer: BufferConfig::default(),
            network_threads: 0,
            admin_endpoint: SocketAddr::from(([127, 0, 0, 1], 9464)),
            shutdown_grace: Duration::from_secs(30),
            log: LogConfig::default(),
            cluster: None,
        }
    }
}

/// Reads a server file with the environment of this process. Relative paths in it are relative to the working
/// directory.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read(path: &Path) -> Result<Checked<ServerConfig>, ConfigErrors> {
    let text = super::read_text(path)?;
    parse(&path.display().to_string(), &text, &environment::of_process)
}

/// Reads the text of a server file; `file_name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(
    file_name: &str,
    text: &str,
    lookup: Lookup<'_>,
) -> Result<Checked<ServerConfig>, ConfigErrors> {
    let findings = Findings::new(file_name);
    let config = yaml::parse(text, &findings).map(|mut root| {
        environment::expand(&mut root, "", lookup, &findings);
        server(&Place::new(&root, "", &findings))
    });
    findings.conclude(config)
}

fn server(root: &Place<'_>) -> ServerConfig {
    let mut config = ServerConfig::default();
    let mut fields = root.fields();
    if let Some(mut memory) = fields.section("memory") {
        memory.set("limit", &mut config.memory_limit_bytes, |limit| {
            limit.size(MEMORY_LIMIT_BYTES_MIN..=u64::MAX)
        });
        memory.finish();
    }
    config.receivers = receiver::receivers(&mut fields, config.memory_limit_bytes);
    if let Some(mut policies) = fields.section("policies") {
        policies.set("path", &mut config.policies.0, |path| {
            path.non_empty_text().map(|path| Some(PathBuf::from(path)))
        });
        policies.set("plugin_cache", &mut config.plugin_cache, |path| {
            path.non_empty_text().map(|path| Some(PathBuf::from(path)))
        });
        policies.finish();
    }
    config.buffer = buffer::buffer(&mut fields);
    config.buffer.policy_mark = marks::policy_mark(&mut fields);
    fields.set("network_threads", &mut config.network_threads, |threads| {
        threads.count(0..=NETWORK_THREADS_MAX)
    });
    config.exporters = exporter::exporters(&mut fields, config.buffer.batch_bytes_max);
    if let Some(mut admin) = fields.section("admin") {
        admin.set("endpoint", &mut config.admin_endpoint, Place::address);
        admin.finish();
    }
    config.cluster = cluster::cluster(&mut fields, config.memory_limit_bytes, &host_name());
    if config.cluster.is_some() {
        config.shutdown_grace += HAND_OVER_TIME;
    }
    if let Some(mut shutdown) = fields.section("shutdown") {
        shutdown.set("grace_period", &mut config.shutdown_grace, Place::duration);
        shutdown.finish();
    }
    config.log = log::log(&mut fields);
    refuse_later_sections(&mut fields);
    addresses::check_distinct(&fields, &config);
    fields.finish();
    config
}

/// What the system calls this machine; in a container, the container or pod.
fn host_name() -> String {
    let names = rustix::system::uname();
    names.nodename().to_string_lossy().into_owned()
}

/// Sections that other versions have: silence would let someone believe that they work.
fn refuse_later_sections(fields: &mut Fields<'_>) {
    let problem = "is not supported by this version";
    fields.refuse(
        "wal",
        problem,
        "remove the section; what is buffered is held in memory only",
    );
    let advice =
        "pipelines are not configured: every receiver feeds the policies and every exporter";
    fields.refuse("service", "is a section of the collector", advice);
    let advice = "policies stand in a file of their own, named by policies.path";
    fields.refuse("processors", "is a section of the collector", advice);
}

#[cfg(test)]
mod tests;
