//! One decision from many votes, by the collector's rule.
//!
//! 1. Any policy says Dropped: the trace is dropped and evaluation ends.
//! 2. Else any says Sampled: it is kept, by the first policy that said so.
//! 3. Else it is not kept.
//!
//! `drop` policies are asked first. A policy that fails abstains. All policies are asked, since limiters count what they see, unless
//! `sample_on_first_match` ends the evaluation at the first that says Sampled.

use super::policy::{PolicyError, Vote};

/// What becomes of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Kept: all its spans are exported.
    Sampled,
    /// Not kept: no policy wanted it.
    NotSampled,
    /// Not kept: a policy forbade it.
    Dropped,
}

/// A decision and the policy that it is due to, by its index in the set; `None` when no policy decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of the trace.
    pub decision: Decision,
    /// Who decided.
    pub policy_index: Option<u16>,
}

/// Combines the votes of policies, each with the policy's index; asks for no more of them than the rule needs.
pub fn combine(
    votes: impl Iterator<Item = (usize, Result<Vote, PolicyError>)>,
    sample_on_first_match: bool,
) -> Verdict {
    let mut verdict = Verdict {
        decision: Decision::NotSampled,
        policy_index: None,
    };
    for (index, vote) in votes {
        match vote {
            Ok(Vote::Dropped) => {
                return Verdict {
                    decision: Decision::Dropped,
                    policy_index: Some(index as u16),
                };
            }
            Ok(Vote::Sampled) if verdict.decision == Decision::NotSampled => {
                verdict.decision = Decision::Sampled;
                verdict.policy_index = Some(index as u16);
                if sample_on_first_match {
                    break;
                }
            }
            Ok(Vote::Sampled | Vote::NotSampled | Vote::Abstained) | Err(_) => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn vote() -> impl Strategy<Value = Result<Vote, PolicyError>> {
        prop_oneof![
                1 => Just(Ok(Vote::Sampled)),
                3 => Just(Ok(Vote::NotSampled)),
        1 => Just(Ok(Vote::Dropped)),
                1 => Just(Ok(Vote::Abstained)),
                1 => Just(Err(PolicyError { reason: "failed".into() })),
            ]
    }

    proptest! {
        #[test]
        fn a_drop_beats_all_and_else_the_first_sampled_decides(votes in vec(vote(), 0..8)) {
            let position = |wanted| votes.iter().position(|vote| *vote == Ok(wanted));
            let verdict = combine(votes.iter().cloned().enumerate(), false);
            let expected = match (position(Vote::Dropped), position(Vote::Sampled)) {
                (Some(index), _) => (Decision::Dropped, Some(index as u16)),
                (None, Some(index)) => (Decision::Sampled, Some(index as u16)),
                (None, None) => (Decision::NotSampled, None),
            };
            prop_assert_eq!((verdict.decision, verdict.policy_index), expected);
        }

        #[test]
        fn on_first_match_nobody_is_asked_after_the_first_sampled(votes in vec(vote(), 0..8)) {
            let mut asked = 0;
            let counted = votes.iter().cloned().enumerate().inspect(|_| asked += 1);
            combine(counted, true);
            let end = votes.iter().position(|vote| matches!(vote, Ok(Vote::Sampled | Vote::Dropped)));
            prop_assert_eq!(asked, end.map_or(votes.len(), |index| index + 1));
        }
    }

    #[test]
    fn a_failing_policy_abstains() {
        let failed = Err(PolicyError {
            reason: "no".into(),
        });
        let votes = [failed, Ok(Vote::Sampled)].into_iter().enumerate();
        assert_eq!(combine(votes, false).policy_index, Some(1));
    }
}
