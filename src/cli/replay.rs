//! `tailsieve replay`: what a policy file would keep of recorded spans.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::output;
use crate::clock::Clock;
use crate::config::policy_source;
use crate::config::server::PolicySource;
use crate::tools::replay::recording::RequestReader;
use crate::what_if::WhatIf;
use crate::what_if::report::{Depth, write_json, write_table};
use crate::what_if::tally::Tally;

/// Say what a policy file would keep of recorded spans
///
/// Files hold an ExportTraceServiceRequest in OTLP/JSON a line, plain or gzipped, as the Collector's file exporter and
/// `tailsieve sink --write` write them. All of them arrive in order within one window; then the traces are decided one
/// after another in order of first arrival, with no time passing and limiters full at the start. Nothing is sent and no
/// replica is needed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Policy file, or a folder of them
    #[arg(long, value_name = "PATH")]
    policies: PathBuf,

    /// A table for people, or JSON: an object a trace, the totals as the last line
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Show the votes of nested policies too, as in `outer/inner`
    #[arg(long)]
    nested: bool,

    /// Files of OTLP/JSON lines, plain or .gz
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// A JSON object a line.
    Json,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve replay --policies policies/default.yaml recorded.jsonl.gz
      each trace with its decision, the policy that decided and all votes, then the totals
  tailsieve replay --policies a.yaml --format json x.jsonl | jq 'select(.decision == \"sampled\")'
      the traces that would be kept, for machines
  diff <(tailsieve replay --policies a.yaml x.jsonl) <(tailsieve replay --policies b.yaml x.jsonl)
      what a change of policies changes
  tailsieve replay --policies nested.yaml --nested recorded.jsonl
      with the votes within `and`, `not`, `drop` and `composite`

A line of JSON:
  {\"trace_id\": \"4b...\", \"decision\": \"sampled\", \"policy\": \"a\", \"votes\": {\"a\": \"sampled\"}, \"spans\": 2}
  decision is sampled, not_sampled or dropped; policy is null where none decided; a policy that was not asked has no vote.

Exit codes: 0 done, 1 failed (the message names file and line), 2 wrong arguments";

impl ReplayArgs {
    /// Reads, decides, prints.
    ///
    /// # Errors
    /// A policy file that is not valid; a file that can't be read or a line that is no request, by its number.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let policies = policy_source::read(&PolicySource(Some(self.policies)))?;
        for warning in &policies.warnings {
            tracing::warn!("{warning}");
        }
        let mut engine = WhatIf::new(&policies.file, Clock::system().unix_ns());
        let mut tally = Tally::default();
        let mut reader = RequestReader::default();
        let mut first_refused: Option<String> = None;
        for file in &self.files {
            reader.read(file, |line, request| -> anyhow::Result<()> {
                let taken = engine
                    .send(request)
                    .with_context(|| format!("{}:{line}", file.display()))?;
                if let Some(bad) = &taken.rejected.first {
                    first_refused
                        .get_or_insert_with(|| format!("{}:{line}: {bad}", file.display()));
                }
                tally.arrived(&taken);
                tally.decided(engine.take_decided());
                Ok(())
            })?;
        }
        engine.decide_all();
        tally.decided(engine.take_decided());
        if let Some(first) = first_refused {
            let spans = tally.refused_spans();
            tracing::warn!(
                "{spans} spans left out, as a receiver refuses them; the first: {first}"
            );
        }
        let depth = match self.nested {
            true => Depth::All,
            false => Depth::TopLevel,
        };
        let set = engine.policies();
        output::write(|out| match self.format {
            Format::Table => write_table(out, &tally, set, depth),
            Format::Json => write_json(out, &tally, set, depth),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
