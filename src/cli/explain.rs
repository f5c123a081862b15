//! `tailsieve explain`: what became of a trace in a running replica, and why.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::admin::{AdminArgs, Format};
use super::{output, runtime};
use crate::otlp::ids::TraceId;
use crate::tools::explain;

/// Ask a running replica what became of a trace, and why
///
/// Tells whether the trace is buffered, was kept or dropped; which policy decided, what made it due, when; and what every
/// policy said with the value that it looked at. A replica knows the traces that it holds, its latest decisions with all
/// votes (decision_log.limit), and for longer the decisions alone (decision_cache.limit). In a cluster any replica may be
/// asked: it asks the others.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ExplainArgs {
    /// 32 hexadecimal digits
    #[arg(value_name = "TRACE_ID")]
    trace_id: TraceId,

    #[command(flatten)]
    replica: AdminArgs,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve explain 4bf92f3577b34da6a3ce929d0e0e4736
  tailsieve explain 4bf92f3577b34da6a3ce929d0e0e4736 --admin http://tailsieve-0:9464
      another replica's admin port
  tailsieve explain 4bf92f3577b34da6a3ce929d0e0e4736 --format json | jq '.found[0].votes'
      for machines, as GET /api/v1/traces/4bf92f3577b34da6a3ce929d0e0e4736 gives it

Exit codes: 0 known, 1 not known or not reachable, 2 wrong arguments";

impl ExplainArgs {
    /// Asks, prints.
    ///
    /// # Errors
    /// Nobody answers; the trace is not known.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let (admin, trace_id) = (&self.replica.admin, self.trace_id);
        let answer = runtime::new(1)?.block_on(explain::ask(admin, trace_id))?;
        let is_known = !answer.page.found.is_empty();
        let is_incomplete = !answer.page.not_answered.is_empty();
        output::write(|out| match self.replica.format {
            Format::Json => writeln!(out, "{}", answer.json.trim_end()),
            Format::Text if is_known || is_incomplete => write!(out, "{}", answer.page),
            Format::Text => Ok(()),
        })?;
        anyhow::ensure!(
            is_known,
            "{admin} does not know trace {trace_id}: no span of it has come here, or it is forgotten"
        );
        Ok(ExitCode::SUCCESS)
    }
}
