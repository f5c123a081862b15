//! `tailsieve run`: one replica.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::INCOMPLETE;
use super::logging::LoggingArgs;
use super::runtime::{hang_ups, stop_on_signal};
use crate::clock::Clock;
use crate::config::environment;
use crate::config::policy_source::{self, Loaded};
use crate::config::server::{self, ServerConfig};
use crate::exporter::config::{Destination, ExporterConfig, OtlpConfig, QueueConfig};
use crate::replica::{Replica, Trigger};
use crate::sampler::wasm;

/// Run a replica: OTLP in, whole traces decided, OTLP out
///
/// Flags go before the configuration file, and the file before the defaults.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RunArgs {
    /// Server configuration; every key has a default, so the file may be missing
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Policy file in the collector's `tail_sampling` schema, or a folder of them; watched
    #[arg(long, value_name = "PATH")]
    pub policies: Option<PathBuf>,

    /// Shards; 0 for one on each core
    #[arg(long, value_name = "N")]
    pub shards: Option<usize>,

    /// Limit of buffered and queued bytes, as in 512MiB
    #[arg(long, value_name = "SIZE", value_parser = super::values::size)]
    pub memory_limit: Option<u64>,

    /// Where OTLP/gRPC is received
    #[arg(long, value_name = "ADDRESS")]
    pub grpc_endpoint: Option<SocketAddr>,

    /// Where OTLP/HTTP is received
    #[arg(long, value_name = "ADDRESS")]
    pub http_endpoint: Option<SocketAddr>,

    /// Where metrics, health and status are served
    #[arg(long, value_name = "ADDRESS")]
    pub admin_endpoint: Option<SocketAddr>,

    /// Where kept traces go, by OTLP/gRPC
    #[arg(long, value_name = "URL")]
    pub exporter_endpoint: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve run
  tailsieve run --config tailsieve.yaml --policies policies/default.yaml
  tailsieve run --exporter-endpoint http://127.0.0.1:14317 --memory-limit 512MiB";

impl RunArgs {
    /// Runs until a signal ends it: the first begins the shutdown, a second ends the process at once.
    ///
    /// # Errors
    /// Whatever keeps the replica from starting.
    pub(super) fn execute(self, logging: &LoggingArgs) -> anyhow::Result<ExitCode> {
        let (config, policies) = self.read_files(logging)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(network_threads(config.network_threads))
            .thread_name("network")
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let code = runtime.block_on(run(config, policies));
        // A task that blocks on a dead disk must not keep the process from ending.
        runtime.shutdown_background();
        code
    }

    /// Reads both files, starts logging as they say, and tells their warnings.
    fn read_files(self, logging: &LoggingArgs) -> anyhow::Result<(ServerConfig, Loaded)> {
        let server = match &self.config {
            Some(path) => server::read(path)?,
            None => server::parse("(defaults)", "", &environment::of_process)?,
        };
        logging.start(&server.config.log);
        let config = self.apply_to(server.config)?;
        if let Some(folder) = &config.plugin_cache {
            wasm::use_cache(folder.clone());
        }
        let policies = policy_source::read(&config.policies)?;
        for warning in server.warnings.iter().chain(&policies.warnings) {
            tracing::warn!("{warning}");
        }
        Ok((config, policies))
    }

    /// Flags go before the file.
    fn apply_to(self, mut config: ServerConfig) -> anyhow::Result<ServerConfig> {
        if let Some(policies) = self.policies {
            config.policies.0 = Some(policies);
        }
        if let Some(shards) = self.shards {
            config.buffer.shards = shards;
        }
        if let Some(limit) = self.memory_limit {
            config.memory_limit_bytes = limit;
        }
        if let Some(endpoint) = self.grpc_endpoint {
            config.receivers.grpc.get_or_insert_default().endpoint = endpoint;
        }
        if let Some(endpoint) = self.http_endpoint {
            config.receivers.http.get_or_insert_default().endpoint = endpoint;
        }
        if let Some(endpoint) = self.admin_endpoint {
            config.admin_endpoint = endpoint;
        }
        if let Some(endpoint) = self.exporter_endpoint {
            let is_url = endpoint.starts_with("http://") || endpoint.starts_with("https://");
            anyhow::ensure!(
                is_url,
                "--exporter-endpoint {endpoint}: must be a URL, as in http://127.0.0.1:14317"
            );
            config.exporters = vec![ExporterConfig {
                name: "otlp".to_owned(),
                destination: Destination::OtlpGrpc(OtlpConfig {
                    endpoint,
                    ..OtlpConfig::default()
                }),
                queue: QueueConfig::default(),
            }];
        }
        Ok(config)
    }
}

/// Shards do the rest of the work, and each further network thread costs wake-ups: at 50,000 spans/s on two cores, one
/// takes 30 % less CPU time than two.
fn network_threads(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (cores / 2).max(1)
}

async fn run(config: ServerConfig, policies: Loaded) -> anyhow::Result<ExitCode> {
    let grace = config.shutdown_grace;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    // From here on, so that none ends the process; heard once there is a replica.
    let mut hang_ups = hang_ups()?;
    let destinations: Vec<_> = config.exporters.iter().map(describe).collect();
    let replica = Replica::start(config, policies, Clock::system()).await?;
    tracing::info!(
        grpc = replica.grpc_addr().map(tracing::field::display),
        http = replica.http_addr().map(tracing::field::display),
        admin = %replica.admin_addr(),
        peer = replica.cluster_addrs().map(|(peer, _)| tracing::field::display(peer)),
        gossip = replica.cluster_addrs().map(|(_, gossip)| tracing::field::display(gossip)),
        exporters = destinations.join(", "),
        "ready"
    );
    let reloader = replica.reloader();
    tokio::spawn(async move {
        while hang_ups.recv().await.is_some() {
            reloader.reload(Trigger::Signal).await;
        }
    });
    stop.cancelled().await;
    tracing::info!(grace_seconds = grace.as_secs_f64(), "shutting down");
    let ended = replica.shut_down(grace).await;
    if ended.left_spans > 0 {
        tracing::error!(
            spans = ended.left_spans,
            "the grace period is over and spans are left unexported"
        );
        return Ok(ExitCode::from(INCOMPLETE));
    }
    tracing::info!("everything accepted has been decided and exported");
    Ok(ExitCode::SUCCESS)
}

fn describe(exporter: &ExporterConfig) -> String {
    let destination = match &exporter.destination {
        Destination::OtlpGrpc(otlp) | Destination::OtlpHttp(otlp) => otlp.endpoint.clone(),
        Destination::File(file) => file.path.display().to_string(),
    };
    format!("{} -> {destination}", exporter.name)
}
