//! `tailsieve run`: one replica.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

/// Run a replica: OTLP in, whole traces decided, OTLP out
///
/// Flags go before the configuration file, and the file before the defaults.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RunArgs {
    /// Server configuration; every key has a default, so the file may be missing
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Policy file or folder, in the collector's `tail_sampling` schema
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
    /// Runs until a signal ends it.
    ///
    /// # Errors
    /// Whatever keeps the replica from starting.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("not wired yet")
    }
}
