//! Traces that are decided: when they are due, when memory is short, when the process ends.

use std::sync::Arc;

use super::views::StoredSpans;
use super::{ActivePolicies, Shard, Trigger};
use crate::buffer::config::Overflow;
use crate::buffer::decision_cache::Remembered;
use crate::buffer::decision_log::Decided;
use crate::buffer::ledger;
use crate::buffer::marks::MarkId;
use crate::buffer::release::KeptTrace;
use crate::buffer::trace::Trace;
use crate::buffer::trace_table::TraceRef;
use crate::clock::Moment;
use crate::metrics::TIMED_EVERY;
use crate::sampler::policy::Context;
use crate::sampler::policy_set::Setting;
use crate::sampler::precedence::{Decision, Verdict};
use crate::sampler::trace_view::TraceView;

/// Traces decided in one turn at most, for each cause.
const DECISIONS_A_TURN_MAX: usize = 1_024;

/// Of a trace that no policy wants.
pub(super) const NOT_SAMPLED: Verdict = Verdict {
    decision: Decision::NotSampled,
    policy_index: None,
};

const DROPPED: Verdict = Verdict {
    decision: Decision::Dropped,
    policy_index: None,
};

impl Shard {
    /// Decides what is due; returns whether more is.
    pub(super) fn decide_due(&mut self, now: Moment) -> bool {
        for _ in 0..DECISIONS_A_TURN_MAX {
            let Some(due) = self.deadlines.pop_due(now) else {
                return false;
            };
            // Traces decided early are gone.
            let Some(trace) = self.table.get(due) else {
                continue;
            };
            let (deadline, by_root) = (trace.deadline, trace.is_due_by_root);
            let trigger = if by_root {
                Trigger::Root
            } else {
                Trigger::Wait
            };
            self.ledger.decision_lag(now.since(deadline).as_secs_f64());
            self.decide(due, trigger, now);
        }
        true
    }

    /// Decides the oldest traces early while memory or `num_traces` is short; returns whether it still is.
    pub(super) fn relieve_pressure(&mut self, now: Moment) -> bool {
        let traces_max = self.traces_max().unwrap_or(usize::MAX);
        let mut decided = 0;
        while self.table.len() > traces_max || self.pressure.is_relieved_by_deciding() {
            let Some(oldest) = self.table.oldest() else {
                return false;
            };
            self.decide(oldest, Trigger::Memory, now);
            self.update_charge();
            decided += 1;
            if decided == DECISIONS_A_TURN_MAX {
                return true;
            }
        }
        false
    }

    /// Decides the oldest traces whatever their deadline; returns whether there are more.
    pub(super) fn decide_oldest(&mut self, trigger: Trigger, now: Moment) -> bool {
        for _ in 0..DECISIONS_A_TURN_MAX {
            let Some(oldest) = self.table.oldest() else {
                return false;
            };
            self.decide(oldest, trigger, now);
        }
        true
    }

    /// Makes room for one more trace, under `num_traces_overflow: discard`.
    pub(super) fn discard_oldest_if_full(&mut self, now: Moment) {
        if self.policies.windows.num_traces_overflow != Overflow::Discard {
            return;
        }
        let Some(traces_max) = self.traces_max() else {
            return;
        };
        while self.table.len() >= traces_max {
            let Some(oldest) = self.table.oldest() else {
                return;
            };
            self.scratch.clear();
            self.conclude(oldest, DROPPED, Trigger::Discarded, now);
        }
    }

    /// This shard's part of `num_traces`, unless clients are told to wait instead.
    fn traces_max(&self) -> Option<usize> {
        let windows = &self.policies.windows;
        let traces_max = windows.num_traces.filter(|_| !windows.block_on_overflow);
        traces_max.map(|all| all.div_ceil(self.shards))
    }

    pub(super) fn decide(&mut self, trace: TraceRef, trigger: Trigger, now: Moment) {
        let Some(held) = self.table.get(trace) else {
            return;
        };
        let drops_pending = self
            .policies
            .set
            .evaluation()
            .drop_pending_traces_on_shutdown;
        self.scratch.clear();
        let verdict = if trigger == Trigger::Shutdown && drops_pending {
            DROPPED
        } else if held.judged_by.is_some() {
            // No batch of it was enough.
            NOT_SAMPLED
        } else {
            self.evaluate(trace, now)
        };
        self.conclude(trace, verdict, trigger, now);
    }

    /// Gives a trace up, over `maximum_trace_size_bytes`.
    pub(super) fn give_up(&mut self, trace: TraceRef, now: Moment) {
        self.scratch.clear();
        self.conclude(trace, NOT_SAMPLED, Trigger::TooLarge, now);
    }

    /// Does what was decided, and remembers it with what the policies have just said.
    pub(super) fn conclude(
        &mut self,
        trace: TraceRef,
        verdict: Verdict,
        trigger: Trigger,
        now: Moment,
    ) {
        let Some(trace) = self.remove(trace) else {
            return;
        };
        let policies = Arc::clone(trace.judged_by.as_ref().unwrap_or(&self.policies));
        let mark = self.mark(verdict, &policies);
        // A discarded trace was not decided: what comes of it later is a trace of its own.
        if trigger != Trigger::Discarded {
            let remembered = Remembered {
                decision: verdict.decision,
                policy: MarkId::number(mark),
                threshold: 0,
            };
            self.remembered.insert(trace.hash, remembered);
        }
        let decided = Decided {
            trace_id: trace.id,
            verdict,
            trigger,
            unix_ns: self.unix_ns,
            held_ns: now.since(trace.first_arrival).as_nanos() as u64,
            span_count: trace.summary.span_count,
            span_bytes: trace.summary.span_bytes,
            policies: Arc::clone(&policies.roster),
            records: Vec::new(),
            notes: self.scratch.notes().to_vec(),
        };
        self.log.push(decided, self.scratch.records());
        self.ledger.trace_decided(verdict, trigger, &trace.summary);
        if Arc::ptr_eq(&policies, &self.policies) {
            let rows = policies.metrics.decided.len();
            self.ledger.decided_by(verdict, &trace.summary, rows);
        } else {
            // The ledger's counts are by the policies in force.
            ledger::count_decided(&policies.metrics, verdict, &trace.summary);
        }
        if verdict.decision == Decision::Sampled {
            let trace = *trace;
            let span_bytes = trace.summary.span_bytes;
            let kept = KeptTrace::new(
                trace.spans,
                trace.envelopes,
                trace.metadata,
                span_bytes,
                mark,
            );
            self.release.push(kept, now);
            return;
        }
        let Trace {
            spans, envelopes, ..
        } = *trace;
        for envelope in &envelopes {
            self.envelopes.release(*envelope);
        }
        spans.recycle(&mut self.blocks);
    }

    /// Takes an undecided trace out.
    pub(super) fn remove(&mut self, trace: TraceRef) -> Option<Box<Trace>> {
        let trace = self.table.remove(trace)?;
        self.undecided_bytes -= trace.held_bytes();
        self.undecided_spans -= trace.summary.span_count;
        self.traces_judged -= usize::from(trace.judged_by.is_some());
        self.slots.trace_ended(trace.hash.slot());
        Some(trace)
    }

    /// The mark of a trace that is kept, where marks are on.
    fn mark(&mut self, verdict: Verdict, policies: &ActivePolicies) -> Option<MarkId> {
        let marks = self.release.marks();
        if !marks.are_on() || verdict.decision != Decision::Sampled {
            return None;
        }
        let index = usize::from(verdict.policy_index?);
        marks.of_policy(policies.set.names().nth(index)?)
    }

    /// The policies' verdict on a whole trace.
    fn evaluate(&mut self, trace: TraceRef, now: Moment) -> Verdict {
        if self.policies.set.needs_sizes() {
            self.catch_up_on_size(trace);
        }
        let Some(trace) = self.table.get(trace) else {
            return NOT_SAMPLED;
        };
        let spans = StoredSpans {
            spans: &trace.spans,
            envelopes: &self.envelopes,
        };
        let view = TraceView {
            trace_id: trace.id,
            summary: &trace.summary,
            spans: &spans,
        };
        let stopwatch = stopwatch(&self.clock);
        let setting = Setting {
            context: Context {
                now,
                unix_ns: self.unix_ns,
                shard: self.number,
                is_rehearsal: false,
                share: self.share(),
            },
            stopwatch: is_timed(&mut self.evaluations).then_some(&stopwatch),
        };
        let policies = &self.policies;
        let verdict = policies.set.decide(&view, &setting, &mut self.scratch);
        self.ledger.evaluated(&self.scratch, &trace.summary);
        verdict
    }

    /// The verdict of `policies` on a part of a trace that has just arrived.
    pub(super) fn judge(
        &mut self,
        policies: &Arc<ActivePolicies>,
        view: &TraceView<'_>,
        now: Moment,
    ) -> Verdict {
        let stopwatch = stopwatch(&self.clock);
        let setting = Setting {
            context: Context {
                now,
                unix_ns: self.unix_ns,
                shard: self.number,
                is_rehearsal: false,
                share: self.share(),
            },
            stopwatch: is_timed(&mut self.evaluations).then_some(&stopwatch),
        };
        let verdict = policies.set.decide(view, &setting, &mut self.scratch);
        if Arc::ptr_eq(policies, &self.policies) {
            self.ledger.evaluated(&self.scratch, view.summary);
        } else {
            ledger::count_votes(&policies.metrics, &self.scratch, view.summary);
        }
        verdict
    }
}

fn stopwatch(clock: &crate::clock::Clock) -> impl Fn() -> Moment {
    || clock.now()
}

fn is_timed(evaluations: &mut u64) -> bool {
    *evaluations += 1;
    evaluations.is_multiple_of(TIMED_EVERY)
}
