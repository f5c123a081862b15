//! `tailsieve sink`: an OTLP backend for trying things.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::generate::create;
use super::{output, runtime, values};
use crate::clock::Clock;
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::receiver::Receivers;
use crate::receiver::config::{GrpcConfig, HttpConfig, ReceiverConfig};
use crate::tools::sink::Backend;
use crate::tools::sink::faults::{Fault, Faults};
use crate::tools::sink::ledger::Ledger;

/// Bodies held at once, received or being received.
const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// Time for requests under way at the end.
const GRACE: Duration = Duration::from_secs(2);

/// How often metrics are tended.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Be an OTLP backend that counts what it gets
///
/// Takes OTLP over gRPC and HTTP, and at the end (Ctrl-C, SIGTERM or --for) prints spans, whole traces and duplicates.
/// It can be slow or failing on request, to see what the sender makes of that.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct SinkArgs {
    /// Where OTLP/gRPC is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:14317")]
    grpc_endpoint: SocketAddr,

    /// Where OTLP/HTTP is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:14318")]
    http_endpoint: SocketAddr,

    /// End after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = values::duration)]
    run_for: Option<Duration>,

    #[command(flatten)]
    faults: FaultArgs,

    /// Write what is taken as OTLP/JSON, a request a line; `send` reads it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// At the end write a JSON line for each trace: spans, duplicates, root, error
    #[arg(long, value_name = "FILE", conflicts_with = "count_only")]
    ledger: Option<PathBuf>,

    /// Count spans and bytes only: cheap, but without traces and duplicates
    #[arg(long)]
    count_only: bool,

    /// Most spans that are told apart, at about 30 bytes each; further ones are only counted
    #[arg(long, value_name = "N", default_value_t = 20_000_000)]
    tracked_spans_max: u64,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// How the backend misbehaves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Misbehaviour")]
struct FaultArgs {
    /// Wait this long before each answer
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = values::duration)]
    delay: Duration,

    /// Share of requests that fail, as 0.1 or 10%
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = values::share)]
    fail_rate: f64,

    /// Fail all requests for this long, from --fail-after on
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = values::duration)]
    fail_for: Duration,

    /// When --fail-for begins, from the start
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = values::duration)]
    fail_after: Duration,

    /// What a failing request is answered
    #[arg(long, value_enum, default_value_t)]
    fail_code: Fault,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve sink
      take OTLP on 127.0.0.1:14317 (gRPC) and 127.0.0.1:14318 (HTTP) until Ctrl-C
  tailsieve sink --for 1m --write kept.jsonl --ledger kept-traces.jsonl
      keep what came and the books, for a minute
  tailsieve sink --fail-after 5s --fail-for 10s
      a backend that is away for ten seconds
  tailsieve sink --delay 200ms --fail-rate 10% --json
      a slow and unreliable one

Exit codes: 0 done, 1 failed, 2 wrong arguments";

impl SinkArgs {
    /// Serves until told to end, then prints the summary.
    ///
    /// # Errors
    /// An address or file that can't be had, or a file that can't be written.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let lines = self.write.as_deref().map(create).transpose()?;
        let ledger_file = self.ledger.as_deref().map(create).transpose()?;
        let ledger = (!self.count_only).then(|| Ledger::new(self.tracked_spans_max));
        let clock = Clock::system();
        let backend = Backend::new(self.faults(), clock.clone(), ledger, lines);
        runtime::new(1)?.block_on(self.serve(backend.clone(), clock))?;
        backend
            .finish(ledger_file)
            .context("cannot write what came")?;
        let report = backend.report();
        let text = if self.json {
            serde_json::to_string(&report)? + "\n"
        } else {
            report.to_string()
        };
        output::write(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(&self, backend: Backend, clock: Clock) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        runtime::stop_on_signal(stop.clone())?;
        let memory = Budget::new(MEMORY_BYTES_MAX);
        let registry = Registry::new();
        let metrics = registry.receiver();
        let receivers = Receivers::start(self.receivers(), backend, memory, metrics, clock).await?;
        for (transport, address) in [("gRPC", receivers.grpc_addr), ("HTTP", receivers.http_addr)] {
            if let Some(address) = address {
                tracing::info!(%address, "taking OTLP over {transport}");
            }
        }
        let end = async {
            match self.run_for {
                Some(run_for) => tokio::time::sleep(run_for).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            () = stop.cancelled() => {}
            () = upkeep(&registry) => {}
        }
        receivers.finished(GRACE).await;
        Ok(())
    }

    fn receivers(&self) -> ReceiverConfig {
        ReceiverConfig {
            grpc: Some(GrpcConfig {
                endpoint: self.grpc_endpoint,
                ..GrpcConfig::default()
            }),
            http: Some(HttpConfig {
                endpoint: self.http_endpoint,
                ..HttpConfig::default()
            }),
            ..ReceiverConfig::default()
        }
    }

    fn faults(&self) -> Faults {
        let args = &self.faults;
        Faults {
            delay: args.delay,
            rate: args.fail_rate,
            outage_after: args.fail_after,
            outage_for: args.fail_for,
            fault: args.fail_code,
        }
    }
}

/// Nobody reads these metrics, but their histograms grow until they are tended. Never returns.
async fn upkeep(registry: &Registry) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        registry.run_upkeep();
    }
}
