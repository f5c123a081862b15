//! `and`: Sampled when all sub-policies are, asked in order up to the first that is not. An empty list samples.

use super::super::policy::{Context, Needs, Policy, PolicyError, Vote};
use super::super::trace_view::TraceView;

#[derive(Debug)]
pub(super) struct And(pub(super) Vec<Box<dyn Policy>>);

impl Policy for And {
    fn needs(&self) -> Needs {
        self.0
            .iter()
            .map(|policy| policy.needs())
            .max()
            .unwrap_or(Needs::TraceId)
    }

    fn evaluate(&self, trace: &TraceView<'_>, context: &Context) -> Result<Vote, PolicyError> {
        for policy in &self.0 {
            if policy.evaluate(trace, context)? != Vote::Sampled {
                return Ok(Vote::NotSampled);
            }
        }
        Ok(Vote::Sampled)
    }
}
