//! `tailsieve generate`: the load generator.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::client::ClientArgs;
use super::values;
use crate::tools::generate::cohort::Rates;
use crate::tools::generate::encoder::Encoder;
use crate::tools::generate::ledger::Ledger;
use crate::tools::generate::load::{Load, LoadConfig, Order};
use crate::tools::generate::shape::Shape;

/// Send generated traces and say what became of them
///
/// Every trace is one tree of spans over several services, with attributes as the semantic conventions have them. A
/// request carries one service's spans of several traces, so a trace's spans arrive in as many requests as it has
/// services, at different moments (--spread). Identifiers are fresh, times are the present.
///
/// With --rate the load is an open loop: requests begin at their moments, whatever the server does; the latency "from
/// intended" counts from there. Without it, each connection has --in-flight requests under way and sends the next as
/// soon as one is answered.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct GenerateArgs {
    /// Spans per second over all connections; 0 for as fast as they are acknowledged
    #[arg(long, value_name = "SPANS", default_value_t = 0)]
    rate: u64,

    /// Begin no trace after this long; without --duration and --spans the load ends with Ctrl-C
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,

    /// Send this many spans, rounded up to whole traces
    #[arg(long, value_name = "N")]
    spans: Option<u64>,

    /// Most requests under way on each connection [default: 4, with --rate 256 over all connections]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,

    #[command(flatten)]
    traces: TraceArgs,

    #[command(flatten)]
    client: ClientArgs,

    /// At the end write a JSON line for each trace: spans sent and acknowledged, error, slow, start
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// What the traces are like.
#[derive(Debug, Args)]
#[command(next_help_heading = "Traces")]
struct TraceArgs {
    /// Spans of a trace
    #[arg(long, value_name = "N", default_value_t = 25)]
    spans_per_trace: usize,

    /// Services of a trace, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 5)]
    services: usize,

    /// Traces in a request
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    traces_per_request: u32,

    /// Size of a span as encoded
    #[arg(long, value_name = "BYTES", default_value_t = 485)]
    span_bytes: usize,

    /// Share of traces with an error span, as 0.05 or 5%
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = values::share)]
    error_rate: f64,

    /// Share of traces that take longer than a second
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = values::share)]
    slow_rate: f64,

    /// Time between the first and the last request of a trace
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = values::duration)]
    spread: Duration,

    /// Whose spans come first
    #[arg(long, value_enum, default_value_t)]
    order: Order,

    /// Makes the same identifiers, errors and slow traces again [default: random]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve generate --rate 5000 --duration 10s
      5,000 spans a second for ten seconds to a receiver on this machine
  tailsieve generate --spans 1000000 --connections 4 --compression gzip
      a million spans as fast as they are acknowledged
  tailsieve generate --rate 20000 --error-rate 5% --slow-rate 2% --spread 3s --ledger sent.jsonl
      more of what is kept, scattered over three seconds, and the books to check it with
  tailsieve generate --protocol http --endpoint http://127.0.0.1:4318 --retry 0 --json
      each request once, a summary for machines

Exit codes: 0 all spans acknowledged, 1 failed, 2 wrong arguments, 3 some spans not acknowledged";

#[derive(Serialize)]
struct Generated {
    traces: u64,
    seed: u64,
}

impl GenerateArgs {
    /// Sends the load, writes the ledger, prints the summary.
    ///
    /// # Errors
    /// A shape that can't be, an endpoint that is no URL, a ledger that can't be written.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let shape = Shape::new(self.traces.spans_per_trace, self.traces.services)?;
        let encoder = Arc::new(Encoder::new(shape, self.traces.span_bytes));
        let file = self.ledger.as_deref().map(create).transpose()?;
        let ledger = file.as_ref().map(|_| Arc::new(Ledger::default()));
        let config = self.load();
        let in_flight = self
            .in_flight
            .map_or_else(|| self.client.in_flight_default(self.rate), usize::from);
        let report = self.client.drive(in_flight, |start| {
            Load::new(config, Arc::clone(&encoder), start, ledger.clone())
        })?;
        if let (Some(file), Some(ledger)) = (file, ledger) {
            ledger
                .write(encoder.shape(), &mut BufWriter::new(file))
                .context("cannot write the ledger")?;
        }
        let spans_per_trace = self.traces.spans_per_trace as u64;
        let generated = Generated {
            traces: report.spans.sent / spans_per_trace.max(1),
            seed: config.seed,
        };
        let title = format!("{} traces (seed {})", generated.traces, generated.seed);
        self.client.print(&title, &generated, &report)
    }

    fn load(&self) -> LoadConfig {
        let traces = &self.traces;
        LoadConfig {
            rates: Rates {
                error: traces.error_rate,
                slow: traces.slow_rate,
            },
            traces_per_request: traces.traces_per_request as usize,
            spans_per_second: self.rate,
            duration: self.duration,
            spans_max: self.spans,
            spread: traces.spread,
            order: traces.order,
            seed: traces.seed.unwrap_or_else(rand::random),
        }
    }
}

/// Opens the ledger before the load starts, so that a wrong path costs nothing.
pub(super) fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}
