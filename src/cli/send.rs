//! `tailsieve send`: recorded requests again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::client::ClientArgs;
use crate::tools::replay::recording::Recording;
use crate::tools::replay::source::{Replay, ReplayConfig};

/// Send recorded OTLP/JSON lines and say what became of them
///
/// Files hold an ExportTraceServiceRequest in OTLP/JSON a line, plain or gzipped, as the Collector's file exporter and
/// `tailsieve sink --write` write them. Requests go out one after another in the order of the files and lines, unless
/// --in-flight or --shuffle say otherwise.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct SendArgs {
    /// Files of OTLP/JSON lines, plain or .gz
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Spans per second; 0 for as fast as they are acknowledged
    #[arg(long, value_name = "SPANS", default_value_t = 0)]
    rate: u64,

    /// Send each request when its last span ended, counted from the earliest request
    #[arg(long, conflicts_with_all = ["rate", "shuffle"])]
    recorded_pace: bool,

    /// Send all of it this often, with fresh trace IDs from the second time on
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u64,

    /// Move all times so that the latest span ends now; for each repetition anew
    #[arg(long)]
    shift_time: bool,

    /// Send the requests in another order, which the seed determines
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,

    /// Most requests under way on each connection; above 1 they may overtake each other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,

    #[command(flatten)]
    client: ClientArgs,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve send hotel-reservation.otlp.jsonl.gz
      everything once, in order, as recorded
  tailsieve send recorded.jsonl --repeat 100 --shift-time --rate 20000
      a hundred times as new traces of the present
  tailsieve send recorded.jsonl --recorded-pace --shift-time
      as if it happened now
  tailsieve send recorded.jsonl --shuffle 7 --protocol http --json
      in another order, the same at each run

Exit codes: 0 all spans acknowledged, 1 failed, 2 wrong arguments, 3 some spans not acknowledged";

#[derive(Serialize)]
struct Sent {
    recorded_requests: u64,
    recorded_spans: u64,
    repeat: u64,
}

impl SendArgs {
    /// Reads the files, sends them, prints the summary.
    ///
    /// # Errors
    /// A file that can't be read, with the line; an endpoint that is no URL.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let mut recording = Recording::default();
        for file in &self.files {
            recording.read(file)?;
        }
        if let Some(seed) = self.shuffle {
            recording.shuffle(seed);
        }
        let sent = Sent {
            recorded_requests: recording.requests.len() as u64,
            recorded_spans: recording.spans(),
            repeat: self.repeat,
        };
        let recording = Arc::new(recording);
        let config = ReplayConfig {
            repeat: self.repeat,
            spans_per_second: self.rate,
            recorded_pace: self.recorded_pace,
            shift_time: self.shift_time,
        };
        let in_flight = usize::from(self.in_flight);
        let report = self.client.drive(in_flight, |start| {
            Replay::new(config, Arc::clone(&recording), start)
        })?;
        let title = format!(
            "{} recorded requests, {} times",
            sent.recorded_requests, sent.repeat
        );
        self.client.print(&title, &sent, &report)
    }
}
