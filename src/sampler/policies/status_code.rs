//! `status_code`: keeps traces with a span of one of the given status codes.

use crate::sampler::config::StatusCode;
use crate::sampler::evaluation::Evaluation;
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};
use crate::sampler::witness::Witness;

/// Whether UNSET, OK, ERROR is wanted, in this order, as [`crate::sampler::trace_summary::TraceSummary`] has them.
#[derive(Debug)]
pub(super) struct StatusCodes([bool; 3]);

impl StatusCodes {
    pub(super) fn new(status_codes: &[StatusCode]) -> Self {
        let wanted = |code| status_codes.contains(&code);
        Self([
            wanted(StatusCode::Unset),
            wanted(StatusCode::Ok),
            wanted(StatusCode::Error),
        ])
    }
}

impl Policy for StatusCodes {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let has = evaluation.trace().summary.has_status;
        let hit = self.0.iter().zip(has).any(|(wanted, has)| *wanted && has);
        Ok(Opinion {
            vote: Vote::sampled_if(hit),
            witness: Witness::Statuses(has),
        })
    }
}
