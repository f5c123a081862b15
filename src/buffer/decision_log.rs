//! Recent decisions with every policy's vote, kept and dropped traces alike, for those who ask why: bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::shard::{ActivePolicies, Trigger};
use crate::otlp::ids::TraceId;
use crate::sampler::evaluation::Record;
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
    pub policies: Arc<ActivePolicies>,
    /// What each of them said, in the order of [`crate::sampler::policy_set::PolicySet::infos`]; empty where none was
    /// asked.
    pub records: Vec<Record>,
}

/// The latest decisions of one shard. Single writer.
#[derive(Debug)]
pub(super) struct DecisionLog {
    decisions: VecDeque<Decided>,
    bytes: usize,
    bytes_max: usize,
}

impl DecisionLog {
    /// A log of at most `bytes_max`; 0 keeps none.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            decisions: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Notes a decision; the oldest make way. `decided.records` are taken from `records`.
    #[inline]
    pub(super) fn push(&mut self, mut decided: Decided, records: &[Record]) {
        let bytes = size_of::<Decided>() + size_of_val(records);
        if bytes > self.bytes_max {
            return;
        }
        while self.bytes + bytes > self.bytes_max {
            let Some(oldest) = self.decisions.pop_front() else {
                break;
            };
            self.bytes -= bytes_of(&oldest);
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
        self.decisions.drain(..)
    }

    /// All decisions about a trace, the latest first.
    pub(super) fn about(&self, trace_id: TraceId) -> impl Iterator<Item = &Decided> {
        let decisions = self.decisions.iter().rev();
        decisions.filter(move |decided| decided.trace_id == trace_id)
    }
}

fn bytes_of(decided: &Decided) -> usize {
    size_of::<Decided>() + decided.records.capacity() * size_of::<Record>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::config::WindowConfig;
    use crate::metrics::Registry;
    use crate::sampler::config::EvaluationConfig;
    use crate::sampler::policy_set::PolicySet;
    use crate::sampler::precedence::Decision;

    #[test]
    fn the_oldest_decisions_make_way_for_the_newest() {
        let policies = Arc::new(ActivePolicies::new(
            1,
            PolicySet::compile(&[], EvaluationConfig::default()),
            WindowConfig::default(),
            &Registry::new(),
        ));
        let records = [Record::default(); 3];
        let mut log = DecisionLog::new(20 * (size_of::<Decided>() + size_of_val(&records)));
        for number in 1..=100_u128 {
            let decided = Decided {
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
                policies: Arc::clone(&policies),
                records: Vec::new(),
            };
            log.push(decided, &records);
            assert!(log.bytes <= log.bytes_max);
        }
        let known = |number: u128| log.about(TraceId(number.to_be_bytes())).count();
        assert_eq!((known(80), known(81), known(100)), (0, 1, 1));
    }
}
