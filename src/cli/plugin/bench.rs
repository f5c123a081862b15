//! `tailsieve plugin bench`: what a plugin costs, beside a policy that does nothing.

use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::session::{Answer, Session};
use super::subject::{self, Subject, size, time};
use crate::cli::{output, values};
use crate::clock::Clock;
use crate::sampler::trace_view::TraceView;
use crate::sampler::wasm::{Plugin, Verdict};
use crate::what_if::traces::WholeTrace;

/// Measure what a plugin costs
///
/// One instance is asked about all traces over and over, on one thread; figures are the median of rounds. Beside them
/// stands a native policy that does nothing, called in the same way. Of a plugin that keeps state, the figures are those
/// of traces that it has seen before.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    subject: Subject,

    /// Files of OTLP/JSON lines, plain or .gz
    #[arg(value_name = "TRACES", required = true)]
    traces: Vec<PathBuf>,

    /// How long to measure
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "2s")]
    duration: Duration,
}

const EXAMPLES: &str = "\
Examples:
  tailsieve plugin bench my-policy.wasm --config '{min_services: 4}' traces.jsonl
  tailsieve plugin bench my-policy.wasm --duration 10s recorded.jsonl.gz

Exit codes: 0 done, 1 failed: the plugin is not taken, or calls of it failed, of which the figures say how many;
2 wrong arguments";

/// Calls in a round, if the time is long enough: so that reading the clock does not show.
const ROUND_CALLS: usize = 1_000;
/// Rounds, at least, of all traces once if they take long.
const ROUNDS_MIN: usize = 5;
/// New instances that are timed.
const INSTANCES: usize = 20;

struct Figures {
    calls: usize,
    /// Calls that failed, each of which made a new instance necessary.
    failed: usize,
    first_failure: Option<String>,
    call_ns: f64,
    slowest_ns: f64,
    memory_bytes: usize,
}

impl BenchArgs {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes = subject::read(&self.subject.file)?;
        let plugin = self.subject.load(&bytes)?;
        let traces = subject::traces(&self.traces)?;
        let plugged = self.measure(&plugin, traces.all());
        let native_ns = self.measure_native(traces.all());
        let instance_ns = measure_instances(&plugin)?;
        let (count, spans) = (traces.all().len(), traces.span_count());
        let spans_each = spans as f64 / count as f64;
        output::write(|out| {
            let (size_of_it, loaded) = (size(plugin.binary_bytes()), time(plugin.load_ns() as f64));
            writeln!(
                out,
                "{}: {size_of_it}, loaded in {loaded}",
                self.subject.name()
            )?;
            writeln!(
                out,
                "  traces        {count}, of {spans_each:.1} spans each"
            )?;
            writeln!(out, "  calls         {}", plugged.calls)?;
            if let Some(first) = &plugged.first_failure {
                writeln!(
                    out,
                    "  failed        {}; the first: {first}",
                    plugged.failed
                )?;
            }
            writeln!(out, "  a call        {}", time(plugged.call_ns))?;
            writeln!(out, "  native no-op  {}", time(native_ns))?;
            let (slowest, limits) = (time(plugged.slowest_ns), plugin.limits());
            writeln!(
                out,
                "  slowest call  {slowest} of {} ms",
                limits.deadline_ms
            )?;
            writeln!(out, "  new instance  {}", time(instance_ns))?;
            let (memory, limit) = (size(plugged.memory_bytes), size(limits.memory_bytes));
            writeln!(out, "  memory        {memory} of {limit}, in each shard")
        })?;
        if cfg!(debug_assertions) {
            tracing::warn!("this is no release build: a release build is several times as fast");
        }
        Ok(match plugged.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    fn measure(&self, plugin: &Plugin, traces: &[WholeTrace]) -> Figures {
        let clock = Clock::system();
        let mut session = Session::new(plugin);
        let mut slowest_ns = 0.0_f64;
        let (mut failed, mut first_failure) = (0, None);
        let mut note = |trace: &WholeTrace, answer: Answer| {
            if let Err(failure) = answer.verdict {
                failed += 1;
                first_failure
                    .get_or_insert_with(|| format!("on trace {}: {failure}", trace.trace_id()));
            }
        };
        // The first round warms up, and is timed call by call.
        for trace in traces {
            let started = clock.now();
            let answer = session.ask(trace);
            slowest_ns = slowest_ns.max(clock.now().since(started).as_nanos() as f64);
            note(trace, answer);
        }
        let (rounds_ns, calls) = self.rounds(traces, |trace| {
            note(trace, black_box(session.ask(trace)));
        });
        Figures {
            calls: calls + traces.len(),
            failed,
            first_failure,
            call_ns: median(rounds_ns),
            slowest_ns,
            memory_bytes: session.memory_bytes(),
        }
    }

    fn measure_native(&self, traces: &[WholeTrace]) -> f64 {
        let policy: &dyn Fn(&TraceView<'_>) -> Verdict = &|_| Verdict::Abstain;
        let policy = black_box(policy);
        let (rounds_ns, _) = self.rounds(traces, |trace| {
            black_box(policy(&black_box(trace.view())));
        });
        median(rounds_ns)
    }

    /// Calls `ask` with all traces, round after round; nanoseconds a call of each round, and the number of calls.
    fn rounds(&self, traces: &[WholeTrace], mut ask: impl FnMut(&WholeTrace)) -> (Vec<f64>, usize) {
        let clock = Clock::system();
        let begun = clock.now();
        traces.iter().for_each(&mut ask);
        let once_ns = clock.now().since(begun).as_nanos().max(1);
        let fitting = self.duration.as_nanos() / ROUNDS_MIN as u128 / once_ns;
        let repeats = (fitting as usize).clamp(1, ROUND_CALLS.div_ceil(traces.len()));
        let calls = repeats * traces.len();
        let begun = clock.now();
        let mut rounds_ns = Vec::new();
        while rounds_ns.len() < ROUNDS_MIN || clock.now().since(begun) < self.duration {
            let started = clock.now();
            for _ in 0..repeats {
                traces.iter().for_each(&mut ask);
            }
            let ns = clock.now().since(started).as_nanos() as f64;
            rounds_ns.push(ns / calls as f64);
        }
        let all_calls = traces.len() + calls * rounds_ns.len();
        (rounds_ns, all_calls)
    }
}

fn measure_instances(plugin: &Plugin) -> anyhow::Result<f64> {
    let clock = Clock::system();
    let mut instances_ns = Vec::new();
    for _ in 0..INSTANCES {
        let started = clock.now();
        let instance = plugin.instance()?;
        instances_ns.push(clock.now().since(started).as_nanos() as f64);
        drop(instance);
    }
    Ok(median(instances_ns))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
