//! `wasm`: whatever a plugin says.
//!
//! What it says with a probability is kept as `probabilistic` keeps it. Where it fails, `on_error` says what the policy
//! says instead; without one it has failed as any policy may, and abstains.

use std::sync::Arc;

use super::probabilistic::Probabilistic;
use crate::clock::Moment;
use crate::clock::log_limit::LogQuota;
use crate::otlp::ids::TraceId;
use crate::sampler::compiler::Compiler;
use crate::sampler::config::{OnError, WasmConfig};
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::wasm::{Asked, Failure, Line, Seats, Verdict};
use crate::sampler::witness::Witness;

/// Lines of plugins' logs, of one policy, that go to our own log in a second.
const LINES_A_SECOND_MAX: u32 = 10;
/// Failures of one policy that are logged in ten seconds, and times that a shard leaves it alone.
const FAILURES_LOGGED_MAX: u32 = 1;
const SECOND_NS: u64 = 1_000_000_000;

#[derive(Debug)]
struct Wasm {
    /// Names from the top-level policy down.
    path: String,
    seats: Arc<Seats>,
    on_error: OnError,
    lines: LogQuota,
    failures: LogQuota,
    pauses: LogQuota,
}

pub(super) fn compile(config: &WasmConfig, compiler: &mut Compiler<'_>) -> Box<dyn Policy> {
    let seats = Seats::new(Arc::clone(&config.plugin), config.rebuild_after);
    Box::new(Wasm {
        path: compiler.path(),
        seats: compiler.seats(seats),
        on_error: config.on_error,
        lines: LogQuota::new(LINES_A_SECOND_MAX, SECOND_NS),
        failures: LogQuota::new(FAILURES_LOGGED_MAX, 10 * SECOND_NS),
        pauses: LogQuota::new(FAILURES_LOGGED_MAX, 10 * SECOND_NS),
    })
}

impl Policy for Wasm {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let context = evaluation.context();
        let mut lines = Vec::new();
        let asked = if context.is_rehearsal {
            self.seats.rehearse(evaluation.trace(), &mut lines)
        } else {
            let started = evaluation.stopwatch();
            let trace = evaluation.trace();
            let asked = self
                .seats
                .ask(context.shard, context.now, trace, &mut lines);
            let was_asked = !matches!(asked, Asked::Skipped);
            if let (Some(observer), Some(started)) = (self.seats.observer(), started)
                && was_asked
                && let Some(ended) = evaluation.stopwatch()
            {
                observer.took_ns(ended.since(started).as_nanos() as u64);
            }
            asked
        };
        if !lines.is_empty() {
            self.log(&lines, context.now.0);
            evaluation.note(lines);
        }
        match asked {
            Asked::Answered(verdict) => Ok(opinion(verdict, evaluation.trace().trace_id)),
            Asked::Failed(failure, pause_ns) => {
                self.tell(&failure, pause_ns, context.now.0);
                self.instead(failure.reason.label(), failure.message)
            }
            Asked::Skipped => self.instead("skipped", "it has failed too often".to_owned()),
        }
    }
}

impl Wasm {
    /// What the policy says where the plugin says nothing.
    fn instead(&self, what: &str, reason: String) -> Result<Opinion, PolicyError> {
        let vote = match self.on_error {
            OnError::Abstain => return Err(PolicyError { reason }),
            OnError::Sample => Vote::Sampled,
            OnError::NotSample => Vote::NotSampled,
            OnError::Drop => Vote::Dropped,
        };
        let witness = Witness::text(format!("on_error: {what}").as_bytes());
        Ok(Opinion { vote, witness })
    }

    fn log(&self, lines: &[Line], now_ns: u64) {
        for line in lines {
            let Some(left_out) = self.lines.admit(Moment(now_ns)) else {
                continue;
            };
            let (policy, level) = (self.path.as_str(), line.level);
            let text = &line.text;
            match level {
                "error" => tracing::error!(policy, left_out, "plugin: {text}"),
                "warn" => tracing::warn!(policy, left_out, "plugin: {text}"),
                "info" => tracing::info!(policy, left_out, "plugin: {text}"),
                _ => tracing::debug!(policy, left_out, "plugin: {text}"),
            }
        }
    }

    fn tell(&self, failure: &Failure, pause_ns: Option<u64>, now_ns: u64) {
        if let Some(left_out) = self.failures.admit(Moment(now_ns)) {
            let (policy, reason) = (self.path.as_str(), failure.reason.label());
            tracing::warn!(policy, reason, left_out, "a plugin failed: {failure}");
        }
        if let Some(pause_ns) = pause_ns
            && let Some(left_out) = self.pauses.admit(Moment(now_ns))
        {
            let (policy, seconds) = (self.path.as_str(), pause_ns / SECOND_NS);
            tracing::warn!(
                policy,
                seconds,
                left_out,
                "a plugin fails too often: its shard leaves it alone for so long"
            );
        }
    }
}

fn opinion(verdict: Verdict, trace_id: TraceId) -> Opinion {
    let vote = match verdict {
        Verdict::Abstain => Vote::Abstained,
        Verdict::Sample => Vote::Sampled,
        Verdict::NotSample => Vote::NotSampled,
        Verdict::Drop => Vote::Dropped,
        Verdict::SampleWithProbability(share) => {
            let probabilistic = Probabilistic::new(share * 100.0, "");
            return Opinion {
                vote: Vote::sampled_if(probabilistic.keeps(trace_id)),
                witness: Witness::text(format!("probability {share}").as_bytes()),
            };
        }
    };
    vote.into()
}

#[cfg(test)]
mod tests;
