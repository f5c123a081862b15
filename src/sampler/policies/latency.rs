//! `latency`: keeps traces that took longer than a threshold, or between two.
//!
//! The collector tests the running duration after every span, in order of arrival, and the first hit counts. Without
//! an upper bound that is the same as testing its peak, which the summary has. With one, a trace may pass through the
//! band on its way to a longer duration, so the spans' times are read again in order; under `strict` the duration of the
//! whole trace is tested instead, from its least start to its greatest end, spans without times left out. Durations are
//! cut to milliseconds. A duration equal to the lower threshold is not kept (collector 0.157 and later), except under
//! `compat: "0.156"` where there is no upper one.

use crate::sampler::compiler::Compiler;
use crate::sampler::config::{Compat, Scope};
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::scan::{Memory, ProbeId, SpanTest};
use crate::sampler::span_context::SpanContext;
use crate::sampler::witness::Witness;

const NS_PER_MS: i64 = 1_000_000;

/// Longer than the threshold.
#[derive(Debug)]
struct Above {
    threshold_ms: i64,
    keeps_equal: bool,
    is_strict: bool,
}

/// The band between two thresholds, judged on the whole trace.
#[derive(Debug)]
struct Within(Band);

/// The same, after every span.
#[derive(Debug)]
struct PassesThrough(ProbeId);

#[derive(Debug, Clone, Copy)]
struct Band {
    threshold_ms: i64,
    upper_threshold_ms: i64,
}

pub(super) fn compile(
    threshold_ms: i64,
    upper_threshold_ms: i64,
    compiler: &mut Compiler<'_>,
) -> Box<dyn Policy> {
    let is_strict = compiler.evaluation.strict;
    if upper_threshold_ms == 0 {
        return Box::new(Above {
            threshold_ms,
            keeps_equal: compiler.evaluation.compat == Compat::V0_156,
            is_strict,
        });
    }
    let band = Band {
        threshold_ms,
        upper_threshold_ms,
    };
    if is_strict {
        return Box::new(Within(band));
    }
    Box::new(PassesThrough(compiler.probe(Scope::Any, Box::new(band))))
}

impl Policy for Above {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let summary = evaluation.trace().summary;
        let duration_ns = if self.is_strict {
            summary.extent.duration_ns()
        } else {
            summary.duration.peak_ns()
        };
        let duration_ms = duration_ns / NS_PER_MS;
        let is_above =
            duration_ms > self.threshold_ms || self.keeps_equal && duration_ms == self.threshold_ms;
        Ok(opinion(is_above, duration_ms))
    }
}

impl Policy for Within {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let duration_ms = evaluation.trace().summary.extent.duration_ns() / NS_PER_MS;
        Ok(opinion(self.0.holds(duration_ms), duration_ms))
    }
}

impl Policy for PassesThrough {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let (hit, witness) = evaluation.found(self.0)?;
        Ok(Opinion {
            vote: Vote::sampled_if(hit),
            witness,
        })
    }
}

impl SpanTest for Band {
    fn span(&self, span: &SpanContext<'_>, memory: &mut Memory) -> Result<bool, PolicyError> {
        let duration_ns = memory
            .duration
            .add(span.fields.start_ns, span.fields.end_ns);
        let duration_ms = duration_ns / NS_PER_MS;
        memory.witness = Witness::Milliseconds(duration_ms);
        Ok(self.holds(duration_ms))
    }
}

impl Band {
    fn holds(self, duration_ms: i64) -> bool {
        self.threshold_ms < duration_ms && duration_ms <= self.upper_threshold_ms
    }
}

fn opinion(hit: bool, duration_ms: i64) -> Opinion {
    Opinion {
        vote: Vote::sampled_if(hit),
        witness: Witness::Milliseconds(duration_ms),
    }
}

#[cfg(test)]
mod tests {
    use crate::sampler::config::{Compat, EvaluationConfig, RuleConfig};
    use crate::sampler::policy::Vote;
    use crate::sampler::test_support::{TraceFixture, votes_under};

    fn vote(threshold_ms: i64, upper_threshold_ms: i64, spans_ms: &[(u64, u64)]) -> Vote {
        vote_under(
            EvaluationConfig::default(),
            threshold_ms,
            upper_threshold_ms,
            spans_ms,
        )
    }

    fn vote_under(
        evaluation: EvaluationConfig,
        threshold_ms: i64,
        upper_threshold_ms: i64,
        spans_ms: &[(u64, u64)],
    ) -> Vote {
        let times: Vec<_> = spans_ms
            .iter()
            .map(|(start, end)| (start * 1_000_000, end * 1_000_000))
            .collect();
        let rule = RuleConfig::Latency {
            threshold_ms,
            upper_threshold_ms,
        };
        votes_under(evaluation, &rule, &[&TraceFixture::with_times(&times)])[0]
            .clone()
            .unwrap()
    }

    #[test]
    fn longer_than_the_threshold_is_kept_and_equal_is_not() {
        assert_eq!(vote(500, 0, &[(1_000, 1_501)]), Vote::Sampled);
        assert_eq!(vote(500, 0, &[(1_000, 1_500)]), Vote::NotSampled);
        assert_eq!(
            vote(500, 0, &[(1_000, 1_300), (1_290, 1_700)]),
            Vote::Sampled
        );
    }

    #[test]
    fn a_band_is_tested_after_every_span() {
        assert_eq!(
            vote(100, 200, &[(1_000, 1_150), (1_000, 1_900)]),
            Vote::Sampled
        );
        assert_eq!(
            vote(100, 200, &[(1_000, 1_900), (1_000, 1_150)]),
            Vote::NotSampled
        );
        assert_eq!(vote(100, 200, &[(1_000, 1_200)]), Vote::Sampled);
        assert_eq!(vote(100, 200, &[(1_000, 1_100)]), Vote::NotSampled);
    }

    #[test]
    fn under_strict_a_span_without_a_time_does_not_make_a_trace_longer() {
        let strict = EvaluationConfig {
            strict: true,
            ..EvaluationConfig::default()
        };
        let times = [(0, 1_500), (1_400, 1_450)];
        assert_eq!(vote(200, 0, &times), Vote::Sampled);
        assert_eq!(vote_under(strict, 200, 0, &times), Vote::NotSampled);
        assert_eq!(vote_under(strict, 40, 0, &times), Vote::Sampled);
    }

    #[test]
    fn a_trace_that_ends_before_it_starts_has_no_latency() {
        assert_eq!(vote(0, 0, &[(2_000, 1_000)]), Vote::NotSampled);
        assert_eq!(vote(-10, 0, &[(2_000, 1_000)]), Vote::NotSampled);
        assert_eq!(vote(-1_001, 0, &[(2_000, 1_000)]), Vote::Sampled);
        let older = EvaluationConfig {
            compat: Compat::V0_156,
            ..EvaluationConfig::default()
        };
        let without_duration = [(1_000, 1_000)];
        assert_eq!(vote_under(older, 0, 0, &without_duration), Vote::Sampled);
        assert_eq!(vote_under(older, 0, 0, &[(2_000, 1_000)]), Vote::NotSampled);
    }
}
