//! `drop`: as `and`, but Dropped where that samples. An empty list drops every trace.

use crate::sampler::evaluation::{Evaluation, Node};
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

#[derive(Debug)]
pub(super) struct Drop(pub(super) Vec<Node>);

impl Policy for Drop {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        for policy in &self.0 {
            let vote = policy.vote(evaluation)?;
            if vote != Vote::Sampled {
                return Ok(vote.into());
            }
        }
        Ok(Vote::Dropped.into())
    }
}
