//! What was decided about each trace, in order of first arrival, and the totals.

use std::collections::HashMap;

use serde::Serialize;

use super::Taken;
use crate::buffer::decision_log::Decided;
use crate::otlp::ids::TraceId;
use crate::sampler::evaluation::Answer;
use crate::sampler::policy::Vote;
use crate::sampler::policy_set::PolicySet;
use crate::sampler::precedence::Decision;

/// Traces by arrival, each with the decision about it. Holds about 150 bytes and a record of each policy for a trace.
#[derive(Debug, Default)]
pub struct Tally {
    traces: Vec<TraceOutcome>,
    places: HashMap<TraceId, usize>,
    refused_spans: u64,
}

/// What became of a trace.
#[derive(Debug)]
pub struct TraceOutcome {
    /// Its ID.
    pub trace_id: TraceId,
    /// Its spans, those included that came after the decision.
    pub spans: u64,
    /// The decision: of several (`num_traces_overflow: discard` forgets traces that may come again) the latest.
    pub decided: Option<Decided>,
}

/// Sums over all traces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Traces.
    pub traces: u64,
    /// Their spans.
    pub spans: u64,
    /// Spans left out for identifiers that a receiver refuses.
    pub refused_spans: u64,
    /// Traces by decision.
    pub decisions: ByDecision,
    /// By top-level policy, in the order of the file.
    #[serde(serialize_with = "super::report::as_map")]
    pub policies: Vec<(String, PolicyTotals)>,
}

/// Traces by decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ByDecision {
    /// Kept.
    pub sampled: u64,
    /// Wanted by no policy.
    pub not_sampled: u64,
    /// Forbidden by a policy, or given up.
    pub dropped: u64,
}

/// What one policy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PolicyTotals {
    /// Traces that it decided about.
    pub decided: u64,
    /// Its votes to keep.
    pub sampled: u64,
    /// Its votes that there is no reason to keep.
    pub not_sampled: u64,
    /// Its votes to drop.
    pub dropped: u64,
    /// Traces that it could not tell about.
    pub failed: u64,
}

impl Tally {
    /// Notes what has arrived.
    pub fn arrived(&mut self, taken: &Taken) {
        self.refused_spans += taken.rejected.count;
        for (trace_id, spans) in &taken.traces {
            let next = self.traces.len();
            let place = *self.places.entry(*trace_id).or_insert(next);
            match self.traces.get_mut(place) {
                Some(trace) => trace.spans += spans,
                None => self.traces.push(TraceOutcome {
                    trace_id: *trace_id,
                    spans: *spans,
                    decided: None,
                }),
            }
        }
    }

    /// Notes decisions about traces that have arrived.
    pub fn decided(&mut self, decided: Vec<Decided>) {
        for decided in decided {
            let place = self.places.get(&decided.trace_id);
            if let Some(trace) = place.and_then(|place| self.traces.get_mut(*place)) {
                trace.decided = Some(decided);
            }
        }
    }

    /// All traces in order of first arrival.
    #[must_use]
    pub fn traces(&self) -> &[TraceOutcome] {
        &self.traces
    }

    /// Spans that were left out.
    #[must_use]
    pub fn refused_spans(&self) -> u64 {
        self.refused_spans
    }

    /// The sums, by the policies of `set`.
    #[must_use]
    pub fn totals(&self, set: &PolicySet) -> Totals {
        let zeros = |name: &str| (name.to_owned(), PolicyTotals::default());
        let mut totals = Totals {
            traces: self.traces.len() as u64,
            refused_spans: self.refused_spans,
            policies: set.names().map(zeros).collect(),
            ..Totals::default()
        };
        for trace in &self.traces {
            totals.spans += trace.spans;
            if let Some(decided) = &trace.decided {
                totals.add(decided, set);
            }
        }
        totals
    }
}

impl Totals {
    fn add(&mut self, decided: &Decided, set: &PolicySet) {
        *match decided.verdict.decision {
            Decision::Sampled => &mut self.decisions.sampled,
            Decision::NotSampled => &mut self.decisions.not_sampled,
            Decision::Dropped => &mut self.decisions.dropped,
        } += 1;
        let index = decided.verdict.policy_index.map(usize::from);
        if let Some((_, policy)) = index.and_then(|index| self.policies.get_mut(index)) {
            policy.decided += 1;
        }
        let votes = set.infos().iter().zip(&decided.records);
        let top_level = votes.filter(|(info, _)| info.depth == 0);
        for ((_, policy), (_, record)) in self.policies.iter_mut().zip(top_level) {
            *match record.answer {
                Answer::NotAsked | Answer::Voted(Vote::Abstained) => continue,
                Answer::Voted(Vote::Sampled) => &mut policy.sampled,
                Answer::Voted(Vote::NotSampled) => &mut policy.not_sampled,
                Answer::Voted(Vote::Dropped) => &mut policy.dropped,
                Answer::Failed => &mut policy.failed,
            } += 1;
        }
    }
}
