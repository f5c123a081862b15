//! What a shard counts, added up locally and handed to metrics and accounting once a turn.

use std::sync::Arc;

use super::shard::Trigger;
use crate::accounting::Accounting;
use crate::metrics::{BufferMetrics, DecidedMetrics, PolicyMetrics, SamplerMetrics, TIMED_EVERY};
use crate::sampler::evaluation::{Answer, Record, Scratch};
use crate::sampler::policy::Vote;
use crate::sampler::precedence::{Decision, Verdict};
use crate::sampler::trace_summary::TraceSummary;

/// Counts of one shard since its last [`Ledger::settle`].
#[derive(Debug)]
pub(super) struct Ledger {
    accounting: Arc<Accounting>,
    metrics: BufferMetrics,
    /// By policy, the last row for none, and decision.
    decided: Vec<[Decided; 3]>,
    /// By policy, nested ones included.
    voted: Vec<Voted>,
    repeated_attributes: u64,
    by_trigger: [u64; 9],
    late_spans: [u64; 3],
    deduplicated_spans: u64,
    traces_started: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Decided {
    traces: u64,
    spans: u64,
    bytes: u64,
}

/// What one policy said.
#[derive(Debug, Clone, Copy, Default)]
struct Voted {
    /// By vote.
    votes: [Decided; 4],
    errors: u64,
    time_ns: u64,
}

/// What a shard holds at the end of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holdings {
    pub(super) traces: usize,
    pub(super) spans: u64,
    pub(super) bytes: u64,
    pub(super) release_spans: u64,
    pub(super) oldest_age_seconds: f64,
}

impl Ledger {
    pub(super) fn new(accounting: Arc<Accounting>, metrics: BufferMetrics) -> Self {
        Self {
            accounting,
            metrics,
            decided: Vec::new(),
            voted: Vec::new(),
            repeated_attributes: 0,
            by_trigger: [0; 9],
            late_spans: [0; 3],
            deduplicated_spans: 0,
            traces_started: 0,
        }
    }

    pub(super) fn trace_started(&mut self) {
        self.traces_started += 1;
    }

    /// Spans stored in an undecided trace, and spans not stored because it had them.
    pub(super) fn spans_arrived(&mut self, stored: u64, deduplicated: u64) {
        self.accounting.buffered.add(stored);
        if deduplicated > 0 {
            self.accounting.deduplicated.add(deduplicated);
            self.deduplicated_spans += deduplicated;
        }
    }

    /// Spans of a batch that was taken before.
    pub(super) fn applied_before(&mut self, spans: u64) {
        self.accounting.received_from_peers.subtract(spans);
        self.deduplicated_spans += spans;
    }

    /// Spans that are owed to another replica from now on.
    pub(super) fn passed_on(&self, spans: u64) {
        self.accounting.held.add(spans);
    }

    /// An undecided trace that is owed to another replica from now on.
    pub(super) fn handed_over(&self, summary: &TraceSummary) {
        self.accounting.buffered.subtract(summary.span_count);
        self.accounting.held.add(summary.span_count);
    }

    /// Late spans that followed `decision`, and ones sent twice in the same request.
    pub(super) fn late_spans(&mut self, decision: Decision, followed: u64, deduplicated: u64) {
        self.settled(decision).add(followed);
        self.accounting.deduplicated.add(deduplicated);
        self.deduplicated_spans += deduplicated;
        if let Some(count) = self.late_spans.get_mut(decision as usize) {
            *count += followed;
        }
    }

    pub(super) fn trace_decided(
        &mut self,
        verdict: Verdict,
        trigger: Trigger,
        summary: &TraceSummary,
    ) {
        self.settled(verdict.decision).add(summary.span_count);
        self.accounting.buffered.subtract(summary.span_count);
        if let Some(count) = self.by_trigger.get_mut(trigger as usize) {
            *count += 1;
        }
    }

    /// Counts a decision for the policy that made it, of those in force; they have so many rows.
    pub(super) fn decided_by(&mut self, verdict: Verdict, summary: &TraceSummary, rows: usize) {
        if self.decided.len() < rows {
            self.decided.resize(rows, [Decided::default(); 3]);
        }
        let row = verdict.policy_index.map_or(rows - 1, usize::from);
        let cell = self.decided.get_mut(row);
        if let Some(cell) = cell.and_then(|row| row.get_mut(verdict.decision as usize)) {
            cell.add(summary);
        }
    }

    /// What each policy said about a trace.
    pub(super) fn evaluated(&mut self, scratch: &Scratch, summary: &TraceSummary) {
        let records = scratch.records();
        if self.voted.len() < records.len() {
            self.voted.resize(records.len(), Voted::default());
        }
        for (voted, record) in self.voted.iter_mut().zip(records) {
            voted.add(record, summary);
        }
        self.repeated_attributes += scratch.repeated_attributes();
    }

    /// Time from the end of a window to the decision.
    pub(super) fn decision_lag(&self, seconds: f64) {
        self.metrics.decision_lag_seconds.record(seconds);
    }

    /// Hands on what was decided, by the policies that decided it.
    pub(super) fn settle_decided(&mut self, sampler: &SamplerMetrics) {
        for (counts, handles) in self.decided.iter_mut().zip(&sampler.decided) {
            for (count, handles) in counts.iter_mut().zip(handles) {
                std::mem::take(count).settle(handles);
            }
        }
        for (voted, handles) in self.voted.iter_mut().zip(&sampler.policies) {
            std::mem::take(voted).settle(handles);
        }
        sampler
            .repeated_attributes
            .increment(std::mem::take(&mut self.repeated_attributes));
    }

    /// Hands all counts on.
    pub(super) fn settle(&mut self, sampler: &SamplerMetrics, holdings: Holdings) {
        self.settle_decided(sampler);
        for (count, handle) in self.by_trigger.iter_mut().zip(&self.metrics.decisions) {
            handle.increment(std::mem::take(count));
        }
        for (count, handle) in self.late_spans.iter_mut().zip(&self.metrics.late_spans) {
            handle.increment(std::mem::take(count));
        }
        let metrics = &self.metrics;
        metrics
            .spans_deduplicated
            .increment(std::mem::take(&mut self.deduplicated_spans));
        metrics
            .traces_started
            .increment(std::mem::take(&mut self.traces_started));
        metrics.traces.set(holdings.traces as f64);
        metrics.spans.set(holdings.spans as f64);
        metrics.held_bytes.set(holdings.bytes as f64);
        metrics.release_spans.set(holdings.release_spans as f64);
        metrics.oldest_age_seconds.set(holdings.oldest_age_seconds);
    }

    fn settled(&self, decision: Decision) -> &crate::accounting::Tally {
        match decision {
            Decision::Sampled => &self.accounting.kept,
            Decision::NotSampled => &self.accounting.not_sampled,
            Decision::Dropped => &self.accounting.dropped,
        }
    }
}

/// Counts a decision by policies that are not in force any more, of which there are few.
pub(super) fn count_decided(sampler: &SamplerMetrics, verdict: Verdict, summary: &TraceSummary) {
    let none = sampler.decided.len().saturating_sub(1);
    let row = verdict.policy_index.map_or(none, usize::from);
    let handles = sampler.decided.get(row);
    if let Some(handles) = handles.and_then(|row| row.get(verdict.decision as usize)) {
        let mut decided = Decided::default();
        decided.add(summary);
        decided.settle(handles);
    }
}

/// Counts what they said.
pub(super) fn count_votes(sampler: &SamplerMetrics, scratch: &Scratch, summary: &TraceSummary) {
    for (record, handles) in scratch.records().iter().zip(&sampler.policies) {
        let mut voted = Voted::default();
        voted.add(record, summary);
        voted.settle(handles);
    }
    sampler
        .repeated_attributes
        .increment(scratch.repeated_attributes());
}

impl Decided {
    fn add(&mut self, summary: &TraceSummary) {
        self.traces += 1;
        self.spans += summary.span_count;
        self.bytes += summary.span_bytes;
    }

    fn settle(self, handles: &DecidedMetrics) {
        if self.traces > 0 {
            handles.traces.increment(self.traces);
            handles.spans.increment(self.spans);
            handles.bytes.increment(self.bytes);
        }
    }
}

impl Voted {
    fn add(&mut self, record: &Record, summary: &TraceSummary) {
        let [sampled, not_sampled, dropped, abstained] = &mut self.votes;
        match record.answer {
            Answer::NotAsked => return,
            Answer::Failed => self.errors += 1,
            Answer::Voted(Vote::Sampled) => sampled.add(summary),
            Answer::Voted(Vote::NotSampled) => not_sampled.add(summary),
            Answer::Voted(Vote::Dropped) => dropped.add(summary),
            Answer::Voted(Vote::Abstained) => abstained.add(summary),
        }
        self.time_ns += record.time_ns * TIMED_EVERY;
    }

    fn settle(self, handles: &PolicyMetrics) {
        for (votes, handles) in self.votes.iter().zip(&handles.votes) {
            votes.settle(handles);
        }
        if self.errors > 0 {
            handles.errors.increment(self.errors);
        }
        if self.time_ns > 0 {
            handles.time_ns.increment(self.time_ns);
        }
    }
}
