//! `always_sample`: keeps every trace.

use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

#[derive(Debug)]
pub(super) struct AlwaysSample;

impl Policy for AlwaysSample {
    fn vote(&self, _: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        Ok(Vote::Sampled.into())
    }
}
