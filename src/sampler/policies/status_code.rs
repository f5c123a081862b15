//! `status_code`: keeps traces with a span of one of the given status codes.

use super::super::config::StatusCode;
use super::super::policy::{Context, Needs, Policy, PolicyError, Vote};
use super::super::trace_view::TraceView;

/// Whether UNSET, OK, ERROR is wanted, in this order, as [`super::super::trace_summary::TraceSummary`] has them.
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
    fn needs(&self) -> Needs {
        Needs::Summary
    }

    fn evaluate(&self, trace: &TraceView<'_>, _: &Context) -> Result<Vote, PolicyError> {
        let has = trace.summary.has_status;
        let hit = self.0.iter().zip(has).any(|(wanted, has)| *wanted && has);
        Ok(if hit { Vote::Sampled } else { Vote::NotSampled })
    }
}
