//! `trace_flags`: keeps traces with a span that has W3C's sampled flag.

use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

#[derive(Debug)]
pub(super) struct TraceFlags;

impl Policy for TraceFlags {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        Ok(Vote::sampled_if(evaluation.trace().summary.has_sampled_flag).into())
    }
}
