//! What was decided, written for machines (JSON lines) and for people (a table).

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::tally::{PolicyTotals, Tally, Totals, TraceOutcome};
use crate::sampler::evaluation::{Answer, Record};
use crate::sampler::policy_set::{PolicyInfo, PolicySet};

/// Which votes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Those of top-level policies.
    TopLevel,
    /// Those of nested ones too, under `outer/inner`.
    All,
}

/// A trace as a line of JSON.
#[derive(serde::Serialize)]
struct Line<'a> {
    trace_id: String,
    decision: &'a str,
    policy: Option<&'a str>,
    votes: Votes<'a>,
    spans: u64,
}

#[derive(serde::Serialize)]
struct LastLine<'a> {
    totals: &'a Totals,
}

struct Votes<'a> {
    outcome: &'a TraceOutcome,
    set: &'a PolicySet,
    depth: Depth,
}

/// Writes an object a trace, in order of first arrival, and the totals as the last line.
///
/// # Errors
/// Those of `out`.
pub fn write_json(
    out: &mut impl Write,
    tally: &Tally,
    set: &PolicySet,
    depth: Depth,
) -> io::Result<()> {
    for outcome in tally.traces() {
        let line = Line {
            trace_id: outcome.trace_id.to_string(),
            decision: outcome.decision(),
            policy: outcome.policy(set),
            votes: Votes {
                outcome,
                set,
                depth,
            },
            spans: outcome.spans,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    let totals = tally.totals(set);
    serde_json::to_writer(&mut *out, &LastLine { totals: &totals })?;
    out.write_all(b"\n")
}

/// Writes a line for each trace, with the values that policies looked at, then the totals.
///
/// # Errors
/// Those of `out`.
pub fn write_table(
    out: &mut impl Write,
    tally: &Tally,
    set: &PolicySet,
    depth: Depth,
) -> io::Result<()> {
    let names = set.names().map(|name| name.chars().count());
    let width = names.chain(["policy".len()]).max().unwrap_or_default();
    let title = ("trace_id", "decision", "policy", "spans");
    let (trace_id, decision, policy, spans) = title;
    writeln!(
        out,
        "{trace_id:32}  {decision:11}  {policy:width$}  {spans:>6}  votes"
    )?;
    for outcome in tally.traces() {
        let id = outcome.trace_id;
        let (decision, spans) = (outcome.decision(), outcome.spans);
        let policy = outcome.policy(set).unwrap_or("-");
        write!(out, "{id}  {decision:11}  {policy:width$}  {spans:>6} ")?;
        for (info, record, vote) in outcome.votes(set, depth) {
            write!(out, " {}={vote}", info.path)?;
            let value = record.witness.to_string();
            if !value.is_empty() {
                write!(out, " ({value})")?;
            }
        }
        writeln!(out)?;
    }
    write_totals(out, &tally.totals(set), width)
}

fn write_totals(out: &mut impl Write, totals: &Totals, width: usize) -> io::Result<()> {
    let decisions = totals.decisions;
    let percent = 100.0 * decisions.sampled as f64 / totals.traces.max(1) as f64;
    writeln!(
        out,
        "\n{} traces, {} spans: {} sampled ({percent:.1} %), {} not sampled, {} dropped",
        totals.traces, totals.spans, decisions.sampled, decisions.not_sampled, decisions.dropped
    )?;
    writeln!(
        out,
        "\n{:width$}  {:>8}  {:>8}  {:>11}  {:>8}  {:>8}",
        "policy", "decided", "sampled", "not_sampled", "dropped", "failed"
    )?;
    for (name, policy) in &totals.policies {
        let PolicyTotals {
            decided,
            sampled,
            not_sampled,
            dropped,
            failed,
        } = policy;
        writeln!(
            out,
            "{name:width$}  {decided:>8}  {sampled:>8}  {not_sampled:>11}  {dropped:>8}  {failed:>8}"
        )?;
    }
    Ok(())
}

impl TraceOutcome {
    /// What became of it, as metrics label it; `undecided` before it was decided.
    #[must_use]
    pub fn decision(&self) -> &'static str {
        let decided = self.decided.as_ref();
        decided.map_or("undecided", |decided| decided.verdict.decision.label())
    }

    /// The policy of `set` that decided.
    #[must_use]
    pub fn policy<'a>(&self, set: &'a PolicySet) -> Option<&'a str> {
        let index = self.decided.as_ref()?.verdict.policy_index?;
        set.names().nth(usize::from(index))
    }

    /// The policies of `set` that were asked, with what they looked at and said.
    pub fn votes<'a>(
        &'a self,
        set: &'a PolicySet,
        depth: Depth,
    ) -> impl Iterator<Item = (&'a PolicyInfo, &'a Record, &'static str)> {
        let records = self.decided.iter().flat_map(|decided| &decided.records);
        let votes = set.infos().iter().zip(records);
        votes.filter_map(move |(info, record)| {
            let is_shown = depth == Depth::All || info.depth == 0;
            let vote = vote_label(record.answer).filter(|_| is_shown)?;
            Some((info, record, vote))
        })
    }
}

/// `None` for a policy that was not asked.
fn vote_label(answer: Answer) -> Option<&'static str> {
    match answer {
        Answer::NotAsked => None,
        Answer::Voted(vote) => Some(vote.label()),
        Answer::Failed => Some("failed"),
    }
}

impl Serialize for Votes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let votes = self.outcome.votes(self.set, self.depth);
        serializer.collect_map(votes.map(|(info, _, vote)| (&info.path, vote)))
    }
}

/// Names and values as an object, in their order.
pub(super) fn as_map<S: Serializer, T: Serialize>(
    entries: &[(String, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (name, value) in entries {
        map.serialize_entry(name, value)?;
    }
    map.end()
}
