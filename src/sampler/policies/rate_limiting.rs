//! `rate_limiting`: keeps traces while their spans fit a token bucket of spans per second.

use super::super::limiter::TokenBucket;
use super::super::policy::{Context, Needs, Policy, PolicyError, Vote};
use super::super::trace_view::TraceView;

#[derive(Debug)]
pub(super) struct RateLimiting(TokenBucket);

impl RateLimiting {
    /// `burst_capacity` 0 or less means twice the rate.
    pub(super) fn new(spans_per_second: i64, burst_capacity: i64) -> Self {
        let burst = if burst_capacity > 0 {
            burst_capacity
        } else {
            spans_per_second.saturating_mul(2)
        };
        Self(TokenBucket::new(spans_per_second as f64, burst as f64))
    }
}

impl Policy for RateLimiting {
    fn needs(&self) -> Needs {
        Needs::Summary
    }

    fn evaluate(&self, trace: &TraceView<'_>, context: &Context) -> Result<Vote, PolicyError> {
        let cost_spans = trace.summary.span_count as f64;
        Ok(if self.0.take(cost_spans, context.now) {
            Vote::Sampled
        } else {
            Vote::NotSampled
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::trace_view::test_support::TraceFixture;
    use super::*;
    use crate::clock::Moment;

    #[test]
    fn the_burst_defaults_to_twice_the_rate() {
        let trace = TraceFixture::with_times(&[(1, 2); 10]);
        let context = Context { now: Moment(0) };
        let kept = |policy: &RateLimiting| {
            (0..10)
                .filter(|_| policy.evaluate(&trace.view(), &context) == Ok(Vote::Sampled))
                .count()
        };
        assert_eq!(kept(&RateLimiting::new(15, 0)), 3);
        assert_eq!(kept(&RateLimiting::new(15, 50)), 5);
        assert_eq!(kept(&RateLimiting::new(0, 0)), 0);
    }
}
