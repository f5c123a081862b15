//! `tailsieve plugin run`: what a plugin says about recorded traces.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::session::{Answer, Session, in_words};
use super::subject::{self, Subject};
use crate::cli::admin::Format;
use crate::cli::output;
use crate::what_if::traces::WholeTrace;

/// Show what a plugin says about recorded traces, and what it logs
///
/// Files hold an OTLP/JSON request a line, plain or gzipped, as `replay` reads them. One instance is asked about all traces
/// in order of first arrival, and made anew after a failure. What a whole policy file would keep, `replay` tells.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RunArgs {
    #[command(flatten)]
    subject: Subject,

    /// Files of OTLP/JSON lines, plain or .gz
    #[arg(value_name = "TRACES", required = true)]
    traces: Vec<PathBuf>,

    /// A table for people, or a JSON object a line
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin run my-policy.wasm --config '{min_services: 4}' traces.jsonl
  tailsieve plugin run my-policy.wasm --config @config.yaml --memory 64MiB recorded.jsonl.gz
  tailsieve plugin run my-policy.wasm --format json traces.jsonl | jq 'select(.verdict == \"sample\")'

A line of JSON:
  {\"trace_id\": \"4b...\", \"spans\": 2, \"verdict\": \"sample\", \"probability\": null, \"failure\": null, \"log\": [{\"level\": \"info\", \"text\": \"...\"}]}

Exit codes: 0 done, 1 failed: the plugin is not taken, or a call of it failed; 2 wrong arguments";

#[derive(Serialize)]
struct Line<'a> {
    trace_id: String,
    spans: u64,
    verdict: Option<&'a str>,
    probability: Option<f64>,
    failure: Option<String>,
    log: Vec<LogLine>,
}

#[derive(Serialize)]
struct LogLine {
    level: &'static str,
    text: Box<str>,
}

impl RunArgs {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes = subject::read(&self.subject.file)?;
        let plugin = self.subject.load(&bytes)?;
        let traces = subject::traces(&self.traces)?;
        if traces.refused_spans() > 0 {
            let spans = traces.refused_spans();
            tracing::warn!("{spans} spans left out, as a receiver refuses them");
        }
        let mut session = Session::new(&plugin);
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        output::write(|out| {
            for trace in traces.all() {
                let line = Line::new(trace, session.ask(trace));
                *totals.entry(line.verdict.unwrap_or("failed")).or_default() += 1;
                match self.format {
                    Format::Text => line.write_text(out)?,
                    Format::Json => writeln!(out, "{}", serde_json::to_string(&line)?)?,
                }
            }
            if self.format == Format::Json {
                return Ok(());
            }
            let totals = totals
                .iter()
                .map(|(verdict, count)| format!("{count} {verdict}"));
            let totals: Vec<String> = totals.collect();
            writeln!(
                out,
                "\n{} traces: {}",
                traces.all().len(),
                totals.join(", ")
            )
        })?;
        Ok(match totals.contains_key("failed") {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }
}

impl Line<'_> {
    fn new(trace: &WholeTrace, answer: Answer) -> Self {
        let (words, failure) = match answer.verdict {
            Ok(verdict) => (Some(in_words(verdict)), None),
            Err(failure) => (None, Some(failure.message)),
        };
        let log = answer.lines.into_iter();
        Self {
            trace_id: trace.trace_id().to_string(),
            spans: trace.span_count(),
            verdict: words.map(|(verdict, _)| verdict),
            probability: words.and_then(|(_, probability)| probability),
            failure,
            log: log
                .map(|line| LogLine {
                    level: line.level,
                    text: line.text,
                })
                .collect(),
        }
    }

    fn write_text(&self, out: &mut impl Write) -> std::io::Result<()> {
        let verdict = self.verdict.unwrap_or("failed");
        write!(
            out,
            "{}  {verdict:<10} {:>5} spans",
            self.trace_id, self.spans
        )?;
        if let Some(probability) = self.probability {
            write!(out, "  probability {probability}")?;
        }
        if let Some(failure) = &self.failure {
            write!(out, "  {failure}")?;
        }
        writeln!(out)?;
        for LogLine { level, text } in &self.log {
            writeln!(out, "    {level}: {text}")?;
        }
        Ok(())
    }
}
