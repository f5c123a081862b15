//! `rate_limiting`: keeps traces while their spans fit a token bucket of spans per second.

use std::sync::Arc;

use crate::sampler::config::LimitScope;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::limiter::TokenBucket;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::witness::Witness;

#[derive(Debug)]
pub(super) struct RateLimiting {
    pub(super) bucket: Arc<TokenBucket>,
    pub(super) scope: LimitScope,
}

impl Policy for RateLimiting {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let spans = evaluation.trace().summary.span_count;
        let context = evaluation.context();
        let share = self.scope.share(&context);
        let fits = self.bucket.take(spans as f64, share, context);
        Ok(Opinion {
            vote: Vote::sampled_if(fits),
            witness: Witness::Spans(spans),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::sampler::config::{LimitScope, RuleConfig};
    use crate::sampler::policy::Vote;
    use crate::sampler::test_support::{TraceFixture, votes};

    fn kept_of_ten(spans_per_second: i64, burst_capacity: i64) -> usize {
        let trace = TraceFixture::with_times(&[(1, 2); 10]);
        let rule = RuleConfig::RateLimiting {
            spans_per_second,
            burst_capacity,
            scope: LimitScope::Replica,
        };
        let votes = votes(&rule, &[&trace; 10]);
        votes
            .iter()
            .filter(|vote| **vote == Ok(Vote::Sampled))
            .count()
    }

    #[test]
    fn the_burst_defaults_to_twice_the_rate() {
        assert_eq!(kept_of_ten(15, 0), 3);
        assert_eq!(kept_of_ten(15, 50), 5);
        assert_eq!(kept_of_ten(0, 0), 0);
    }
}
