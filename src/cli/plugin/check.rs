//! `tailsieve plugin check`: whether Tailsieve takes a plugin.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::session::{Session, in_words};
use super::subject::{self, Subject, size, time};
use crate::cli::output;
use crate::clock::Clock;
use crate::otlp::json;
use crate::sampler::wasm::{Anatomy, CONTRACT};
use crate::what_if::traces::Traces;

/// Check that Tailsieve takes a plugin
///
/// Its contract and imports, that it compiles and starts with its config, and that it answers: about the traces given, or
/// else about three of the usual kinds and one that is odd.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    subject: Subject,

    /// Files of OTLP/JSON lines to try it on, plain or .gz
    #[arg(value_name = "TRACES")]
    traces: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin check my-policy.wasm --config '{min_services: 4}'
  tailsieve plugin check my-policy.wasm --config @config.yaml recorded.jsonl.gz

Exit codes: 0 it is taken, 1 it is not, as standard error says; 2 wrong arguments";

/// Traces to try a plugin on when none are given: those of the templates, and one without root, service and times.
const USUAL: &str = include_str!("../../../plugins/templates/shared/traces.jsonl");
const ODD: &str = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
    {"traceId": "00000000000000000000000000000001", "spanId": "0000000000000001", "parentSpanId": "00000000000000ff"},
    {"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002", "parentSpanId": "0000000000000002", "name": "\u0000\ufffd"}
]}]}]}"#;

impl CheckArgs {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes = subject::read(&self.subject.file)?;
        let plugin = self.subject.load(&bytes)?;
        let traces = self.traces()?;
        let clock = Clock::system();
        let mut session = Session::new(&plugin);
        let mut verdicts = Vec::new();
        let mut slowest_ns = 0.0_f64;
        for trace in traces.all() {
            let started = clock.now();
            let answer = session.ask(trace);
            slowest_ns = slowest_ns.max(clock.now().since(started).as_nanos() as f64);
            match answer.verdict {
                Ok(verdict) => verdicts.push(in_words(verdict).0),
                Err(failure) => bail!(
                    "{} failed on trace {}: {failure}",
                    self.subject.name(),
                    trace.trace_id()
                ),
            }
        }
        let limits = plugin.limits();
        let anatomy = Anatomy::read(&bytes)?;
        output::write(|out| {
            writeln!(out, "{}: taken", self.subject.name())?;
            writeln!(out, "  contract   {CONTRACT}")?;
            for (name, kind) in &anatomy.imports {
                writeln!(out, "  import     {name} ({kind})")?;
            }
            writeln!(out, "  size       {}", size(plugin.binary_bytes()))?;
            writeln!(out, "  sha256     {}", plugin.sha256())?;
            writeln!(out, "  loaded in  {}", time(plugin.load_ns() as f64))?;
            let (memory, limit) = (size(session.memory_bytes()), size(limits.memory_bytes));
            writeln!(out, "  memory     {memory} of {limit}")?;
            writeln!(
                out,
                "  dry run    {} traces, at most {} of {} ms: {}",
                traces.all().len(),
                time(slowest_ns),
                limits.deadline_ms,
                verdicts.join(", ")
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }

    fn traces(&self) -> anyhow::Result<Traces> {
        if !self.traces.is_empty() {
            return Ok(Traces::read(&self.traces)?);
        }
        let mut traces = Traces::default();
        for request in USUAL.lines().chain([ODD]) {
            traces.add(json::decode_request(request.as_bytes())?)?;
        }
        Ok(traces)
    }
}
