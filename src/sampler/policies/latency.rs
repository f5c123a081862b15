//! `latency`: keeps traces that took longer than a threshold, or between two.
//!
//! The collector tests the running duration after every span, in order of arrival, and the first hit counts. Without
//! an upper bound that is the same as testing its peak, which the summary has. With one, a trace may pass through the
//! band on its way to a longer duration, so the spans' times are read again in order. Durations are cut to
//! milliseconds. A duration equal to the threshold is not kept (collector 0.157 and later).

use super::super::policy::{Context, Needs, Policy, PolicyError, Vote};
use super::super::trace_summary::RunningDuration;
use super::super::trace_view::TraceView;

const NS_PER_MS: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Latency {
    pub(super) threshold_ms: i64,
    /// 0 is none.
    pub(super) upper_threshold_ms: i64,
}

impl Policy for Latency {
    fn needs(&self) -> Needs {
        if self.upper_threshold_ms == 0 {
            Needs::Summary
        } else {
            Needs::SpanHeaders
        }
    }

    fn evaluate(&self, trace: &TraceView<'_>, _: &Context) -> Result<Vote, PolicyError> {
        let hit = if self.upper_threshold_ms == 0 {
            trace.summary.duration.peak_ns() / NS_PER_MS > self.threshold_ms
        } else {
            let mut running = RunningDuration::default();
            trace.any_header(|span| {
                let duration_ms = running.add(span.start_ns, span.end_ns) / NS_PER_MS;
                self.threshold_ms < duration_ms && duration_ms <= self.upper_threshold_ms
            })
        };
        Ok(if hit { Vote::Sampled } else { Vote::NotSampled })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::trace_view::test_support::TraceFixture;
    use super::*;
    use crate::clock::Moment;

    fn vote(policy: &Latency, spans_ms: &[(u64, u64)]) -> Vote {
        let times: Vec<_> = spans_ms
            .iter()
            .map(|(start, end)| (start * 1_000_000, end * 1_000_000))
            .collect();
        let trace = TraceFixture::with_times(&times);
        let context = Context { now: Moment(0) };
        policy.evaluate(&trace.view(), &context).unwrap()
    }

    #[test]
    fn longer_than_the_threshold_is_kept_and_equal_is_not() {
        let policy = Latency {
            threshold_ms: 500,
            upper_threshold_ms: 0,
        };
        assert_eq!(vote(&policy, &[(1_000, 1_501)]), Vote::Sampled);
        assert_eq!(vote(&policy, &[(1_000, 1_500)]), Vote::NotSampled);
        assert_eq!(
            vote(&policy, &[(1_000, 1_300), (1_290, 1_700)]),
            Vote::Sampled
        );
    }

    #[test]
    fn a_band_is_tested_after_every_span() {
        let policy = Latency {
            threshold_ms: 100,
            upper_threshold_ms: 200,
        };
        assert_eq!(
            vote(&policy, &[(1_000, 1_150), (1_000, 1_900)]),
            Vote::Sampled
        );
        assert_eq!(
            vote(&policy, &[(1_000, 1_900), (1_000, 1_150)]),
            Vote::NotSampled
        );
        assert_eq!(vote(&policy, &[(1_000, 1_200)]), Vote::Sampled);
        assert_eq!(vote(&policy, &[(1_000, 1_100)]), Vote::NotSampled);
    }

    #[test]
    fn a_trace_that_ends_before_it_starts_has_no_latency() {
        let policy = Latency {
            threshold_ms: 0,
            upper_threshold_ms: 0,
        };
        assert_eq!(vote(&policy, &[(2_000, 1_000)]), Vote::NotSampled);
    }
}
