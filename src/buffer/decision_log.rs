//! Recent decisions with every policy's vote, kept and dropped traces alike, for those who ask why: bounded in bytes.
//!
//! Of the policies their names are remembered and counted, once for each set, so that a set that is replaced goes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::shard::Trigger;
use crate::otlp::ids::TraceId;
use crate::sampler::evaluation::{Note, Record};
use crate::sampler::policy_set::Roster;
use crate::sampler::precedence::Verdict;

/// One decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The trace.
    pub trace_id: TraceId,
    /// What became of it.
    pub verdict: Verdict,
    /// What made it due.
    pub trigger: Trigger,
    /// When it was decided, in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// From its first span to the decision.
    pub held_ns: u64,
    /// Its spans at that moment.
    pub span_count: u64,
    /// Their encoded bytes.
    pub span_bytes: u64,
    /// The policies that decided.
    pub policies: Arc<Roster>,
    /// What each of them said, in the order of [`crate::sampler::policy_set::PolicySet::infos`]; empty where none was
    /// asked.
    pub records: Vec<Record>,
    /// What some of them had to say besides.
    pub notes: Vec<Note>,
}

/// The latest decisions of one shard. Single writer.
#[derive(Debug)]
pub(super) struct DecisionLog {
    decisions: VecDeque<Decided>,
    /// The policies of these decisions, the latest met last.
    electorates: Vec<Electorate>,
    bytes: usize,
    bytes_max: usize,
}

/// The policies of a set that decisions refer to.
#[derive(Debug)]
struct Electorate {
    policies: Arc<Roster>,
    decisions: usize,
}

impl DecisionLog {
    /// A log of at most `bytes_max`; 0 keeps none.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            decisions: VecDeque::new(),
            electorates: Vec::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Notes a decision; the oldest make way. `decided.records` are taken from `records`.
    #[inline]
    pub(super) fn push(&mut self, mut decided: Decided, records: &[Record]) {
        let bytes = size_of::<Decided>() + size_of_val(records) + notes_bytes(&decided.notes);
        if !self.enter(&decided.policies, bytes) {
            return;
        }
        while self.bytes + bytes > self.bytes_max {
            let Some(oldest) = self.decisions.pop_front() else {
                break;
            };
            self.bytes -= bytes_of(&oldest);
            self.leave(&oldest.policies);
            // Its memory serves the newest, where it is as large.
            if oldest.records.capacity() == records.len() {
                decided.records = oldest.records;
                decided.records.clear();
            }
        }
        if decided.records.capacity() == 0 {
            decided.records.reserve_exact(records.len());
        }
        decided.records.extend_from_slice(records);
        self.bytes += bytes_of(&decided);
        self.decisions.push_back(decided);
    }

    /// Takes all decisions out, the oldest first.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Decided> {
        self.bytes = 0;
        self.electorates.clear();
        self.decisions.drain(..)
    }

    /// Counts a decision by `policies`, which takes `bytes`; `false` where there is no room for both.
    fn enter(&mut self, policies: &Arc<Roster>, bytes: usize) -> bool {
        let mut known = self.electorates.iter_mut().rev();
        if let Some(known) = known.find(|known| Arc::ptr_eq(&known.policies, policies)) {
            known.decisions += 1;
            return true;
        }
        let policies_bytes = electorate_bytes(policies);
        if bytes + policies_bytes > self.bytes_max {
            return false;
        }
        self.bytes += policies_bytes;
        self.electorates.push(Electorate {
            policies: Arc::clone(policies),
            decisions: 1,
        });
        true
    }

    /// Counts one decision less by `policies`; they go with the last one.
    fn leave(&mut self, policies: &Arc<Roster>) {
        let mut known = self.electorates.iter();
        let place = known.position(|known| Arc::ptr_eq(&known.policies, policies));
        let Some(place) = place else {
            return;
        };
        let Some(known) = self.electorates.get_mut(place) else {
            return;
        };
        known.decisions -= 1;
        if known.decisions == 0 {
            self.electorates.remove(place);
            self.bytes -= electorate_bytes(policies);
        }
    }

    /// All decisions about a trace, the latest first.
    pub(super) fn about(&self, trace_id: TraceId) -> impl Iterator<Item = &Decided> {
        let decisions = self.decisions.iter().rev();
        decisions.filter(move |decided| decided.trace_id == trace_id)
    }
}

fn electorate_bytes(policies: &Roster) -> usize {
    size_of::<Electorate>() + policies.held_bytes()
}

fn bytes_of(decided: &Decided) -> usize {
    let records_bytes = decided.records.capacity() * size_of::<Record>();
    size_of::<Decided>() + records_bytes + notes_bytes(&decided.notes)
}

fn notes_bytes(notes: &[Note]) -> usize {
    notes.iter().map(Note::held_bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::config::{EvaluationConfig, PolicyConfig, RuleConfig};
    use crate::sampler::policy_set::PolicySet;
    use crate::sampler::precedence::Decision;

    fn roster(policies: usize) -> Arc<Roster> {
        let policies: Vec<PolicyConfig> = (0..policies)
            .map(|number| PolicyConfig::new(&format!("policy-{number}"), RuleConfig::AlwaysSample))
            .collect();
        let set = PolicySet::compile(&policies, EvaluationConfig::default());
        Arc::new(set.roster(1))
    }

    fn decided(number: u128, policies: &Arc<Roster>) -> Decided {
        Decided {
            trace_id: TraceId(number.to_be_bytes()),
            verdict: Verdict {
                decision: Decision::Sampled,
                policy_index: None,
            },
            trigger: Trigger::Wait,
            unix_ns: 0,
            held_ns: 0,
            span_count: 1,
            span_bytes: 1,
            policies: Arc::clone(policies),
            records: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn is_known(log: &DecisionLog, number: u128) -> bool {
        log.about(TraceId(number.to_be_bytes())).count() == 1
    }

    #[test]
    fn the_oldest_decisions_make_way_for_the_newest() {
        let policies = roster(3);
        let records = [Record::default(); 3];
        let bytes = size_of::<Decided>() + size_of_val(&records);
        let mut log = DecisionLog::new(20 * bytes + electorate_bytes(&policies));
        for number in 1..=100 {
            log.push(decided(number, &policies), &records);
            assert!(log.bytes <= log.bytes_max);
        }
        assert!(!is_known(&log, 80) && is_known(&log, 81) && is_known(&log, 100));
    }

    #[test]
    fn names_of_policies_are_counted_and_go_with_the_last_decision_by_them() {
        let (few, many) = (roster(1), roster(1_000));
        let records = [Record::default()];
        let bytes = size_of::<Decided>() + size_of_val(&records);
        let room = electorate_bytes(&many) + 10 * bytes;
        let mut log = DecisionLog::new(room);
        log.push(decided(1, &many), &records);
        let with_many = log.bytes;
        assert!(with_many > electorate_bytes(&many));
        for number in 2..=200 {
            log.push(decided(number, &few), &records);
            assert!(log.bytes <= room);
        }
        for number in 201..=2_000 {
            log.push(decided(number, &few), &records);
        }
        assert!(!is_known(&log, 1));
        assert_eq!(Arc::strong_count(&many), 1, "nothing refers to it");
        // What is too large is not noted, and does no harm.
        let known = log.decisions.len();
        log.push(decided(3_000, &roster(5_000)), &records);
        assert!(!is_known(&log, 3_000));
        assert_eq!(log.decisions.len(), known);
    }
}
