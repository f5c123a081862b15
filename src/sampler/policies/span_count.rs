//! `span_count`: keeps traces with so many spans, both bounds included.

use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::witness::Witness;

#[derive(Debug)]
pub(super) struct SpanCount {
    pub(super) min_spans: i64,
    /// 0 is none.
    pub(super) max_spans: i64,
}

impl Policy for SpanCount {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let spans = evaluation.trace().summary.span_count;
        let count = spans as i64;
        let is_within = self.min_spans <= count && (self.max_spans == 0 || count <= self.max_spans);
        Ok(Opinion {
            vote: Vote::sampled_if(is_within),
            witness: Witness::Spans(spans),
        })
    }
}
