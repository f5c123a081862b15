//! `not`: Sampled and NotSampled swapped; a drop stays one, and so does an abstention.

use crate::sampler::evaluation::{Evaluation, Node};
use crate::sampler::policy::{Opinion, Policy, PolicyError, Vote};

#[derive(Debug)]
pub(super) struct Not(pub(super) Node);

impl Policy for Not {
    fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Opinion, PolicyError> {
        let vote = match self.0.vote(evaluation)? {
            Vote::Sampled => Vote::NotSampled,
            Vote::NotSampled => Vote::Sampled,
            Vote::Dropped => Vote::Dropped,
            Vote::Abstained => Vote::Abstained,
        };
        Ok(vote.into())
    }
}
