//! `always_sample`: keeps every trace.

use super::super::policy::{Context, Needs, Policy, PolicyError, Vote};
use super::super::trace_view::TraceView;

#[derive(Debug)]
pub(super) struct AlwaysSample;

impl Policy for AlwaysSample {
    fn needs(&self) -> Needs {
        Needs::TraceId
    }

    fn evaluate(&self, _: &TraceView<'_>, _: &Context) -> Result<Vote, PolicyError> {
        Ok(Vote::Sampled)
    }
}
