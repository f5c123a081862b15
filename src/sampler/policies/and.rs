//! `and`: Sampled when all sub-policies are, asked in order up to the first that is not. An empty list samples.

use crate::sampler::evaluation::{Evaluation, Node};
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

#[derive(Debug)]
pub(super) struct And(pub(super) Vec<Node>);

impl Policy for And {
    /// The first vote that is not Sampled: a `drop` among the sub-policies drops, if it comes to it.
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        for policy in &self.0 {
            let vote = policy.vote(evaluation)?;
            if vote != Vote::Sampled {
                return Ok(vote.into());
            }
        }
        Ok(Vote::Sampled.into())
    }
}
