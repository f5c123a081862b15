//! What was expected of a trace against what became of it.

use std::fmt;
use std::time::Duration;

use crate::config::policy_test::Expected;
use crate::otlp::ids::TraceId;
use crate::sampler::policy_set::PolicySet;
use crate::what_if::report::Depth;
use crate::what_if::tally::TraceOutcome;

/// A trace that did not become what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its number among the traces of the test, from 1.
    pub number: usize,
    /// Its ID.
    pub trace_id: TraceId,
    /// When it was decided.
    pub at: Duration,
    /// As `sampled by "errors"`.
    pub expected: String,
    /// The same of what happened.
    pub got: String,
    /// What all policies said.
    pub votes: Vec<SeenVote>,
    /// Further traces of the same item, copies or others of its file, that failed too.
    pub more: usize,
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenVote {
    /// Its name, `outer/inner` of a nested one.
    pub policy: String,
    /// Its type.
    pub type_name: &'static str,
    /// `sampled`, `not_sampled`, `dropped`, `abstained`, `failed` or `not_asked`.
    pub vote: &'static str,
    /// The value that it looked at; empty where there is none.
    pub value: String,
}

/// `None` when all is as expected.
pub(super) fn compare(
    expected: &Expected,
    outcome: &TraceOutcome,
    set: &PolicySet,
) -> Option<Failure> {
    let votes = votes(outcome, set);
    let got_policy = outcome.policy(set);
    let vote_of = |policy: &str| {
        let seen = votes.iter().find(|seen| seen.policy == policy);
        seen.map(|seen| seen.vote)
    };
    let as_decided = expected
        .decision
        .is_none_or(|decision| decision.label() == outcome.decision());
    let as_by = expected
        .policy
        .as_ref()
        .is_none_or(|policy| Some(policy.as_str()) == got_policy);
    let wrong = expected.votes.iter();
    let wrong: Vec<_> = wrong
        .filter(|(policy, vote)| vote_of(policy) != Some(*vote))
        .collect();
    if as_decided && as_by && wrong.is_empty() {
        return None;
    }
    let wanted: Vec<String> = wrong
        .iter()
        .map(|(policy, vote)| format!("vote of {policy:?}: {vote}"))
        .collect();
    let seen: Vec<String> = wrong
        .iter()
        .map(|(policy, _)| match vote_of(policy) {
            Some(vote) => format!("vote of {policy:?}: {vote}"),
            None => format!("no policy {policy:?}"),
        })
        .collect();
    let decision = expected.decision.map(|decision| decision.label());
    let shown = outcome.decided.as_ref().map_or(
        "no decision: a trace of this ID was decided before in this test",
        |_| outcome.decision(),
    );
    Some(Failure {
        number: 0,
        trace_id: outcome.trace_id,
        at: Duration::ZERO,
        expected: phrase(decision, expected.policy.as_deref(), wanted),
        got: phrase(Some(shown), got_policy, seen),
        votes,
        more: 0,
    })
}

/// As `sampled by "errors", vote of "slow": not_sampled`.
fn phrase(decision: Option<&str>, policy: Option<&str>, votes: Vec<String>) -> String {
    let by = policy.map(|policy| format!("by {policy:?}"));
    let decided: Vec<String> = decision.map(str::to_owned).into_iter().chain(by).collect();
    let decided = Some(decided.join(" ")).filter(|decided| !decided.is_empty());
    let parts: Vec<String> = decided.into_iter().chain(votes).collect();
    parts.join(", ")
}

/// All policies in the order of the file, those that were not asked included.
fn votes(outcome: &TraceOutcome, set: &PolicySet) -> Vec<SeenVote> {
    let asked: Vec<_> = outcome.votes(set, Depth::All).collect();
    let infos = set.infos().iter();
    infos
        .map(|info| {
            let seen = asked.iter().find(|(asked, _, _)| asked.path == info.path);
            SeenVote {
                policy: info.path.clone(),
                type_name: info.type_name,
                vote: seen.map_or("not_asked", |(_, _, vote)| vote),
                value: seen.map_or_else(String::new, |(_, record, _)| record.witness.to_string()),
            }
        })
        .collect()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, id, seconds) = (self.number, self.trace_id, self.at.as_secs_f64());
        writeln!(f, "trace {number} ({id}), decided at {seconds}s:")?;
        writeln!(f, "    exp: {}", self.expected)?;
        write!(f, "    got: {}", self.got)?;
        if self.more > 0 {
            write!(f, " (and {} more like it)", self.more)?;
        }
        let width = |shown: fn(&SeenVote) -> usize| self.votes.iter().map(shown).max();
        let policies = width(|seen| seen.policy.chars().count()).unwrap_or_default();
        let types = width(|seen| seen.type_name.len()).unwrap_or_default();
        for seen in &self.votes {
            let SeenVote {
                policy,
                type_name,
                vote,
                value,
            } = seen;
            let line = format!("{policy:policies$}  {type_name:types$}  {vote:11}  {value}");
            write!(f, "\n        {}", line.trim_end())?;
        }
        Ok(())
    }
}
