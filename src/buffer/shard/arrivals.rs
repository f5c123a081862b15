//! Spans that arrive: of a trace held, of one decided, of a new one.

use std::sync::Arc;

use crate::batch::key::KeyHash;
use crate::batch::origin::HandedOver;
use crate::batch::sub_batch::{SubBatch, TraceSpans};
use crate::buffer::decision_cache::Remembered;
use crate::buffer::envelopes::{EnvelopeId, Envelopes};
use crate::buffer::marks::MarkId;
use crate::buffer::release::KeptTrace;
use crate::buffer::span_store::SpanStore;
use crate::buffer::trace::Trace;
use crate::buffer::trace_table::TraceRef;
use crate::clock::Moment;
use crate::otlp::wire::SpanHeader;
use crate::planted::{Planted, is_planted};
use crate::sampler::config::Strategy;
use crate::sampler::precedence::Decision;

use super::cluster::Passing;
use super::{Shard, Trigger};

/// Spans that joined an undecided trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) trace: TraceRef,
    /// Of them, those that were not there before.
    pub(super) new_spans: u64,
}

impl Shard {
    /// Takes all spans of a sub-batch.
    pub(super) fn take(&mut self, sub_batch: &SubBatch, now: Moment) {
        self.envelopes_at_hand.clear();
        self.envelopes_at_hand
            .resize(sub_batch.request.scopes.len(), None);
        if self.slots.are_all_here() {
            for (trace, spans) in sub_batch.iter() {
                self.take_trace(trace, spans, sub_batch, now);
            }
        } else {
            self.take_or_pass_on(sub_batch, now);
        }
        for envelope in self.envelopes_at_hand.drain(..).flatten() {
            self.envelopes.release(envelope);
        }
    }

    fn take_or_pass_on(&mut self, sub_batch: &SubBatch, now: Moment) {
        let origin = sub_batch.request.origin.as_deref();
        if origin.is_some_and(|origin| self.is_stray(origin)) {
            self.count_applied_before(sub_batch.spans.len());
            return;
        }
        let applied_before = origin.map_or_else(Vec::new, |origin| self.applied_before(origin));
        if is_planted(Planted::NamesPerBatch) && !applied_before.is_empty() {
            self.count_applied_before(sub_batch.spans.len());
            return;
        }
        let mut applied: Vec<KeyHash> = Vec::new();
        let mut passing = Passing::default();
        for (trace, spans) in sub_batch.iter() {
            if applied_before.contains(&trace.hash) {
                self.count_applied_before(spans.len());
                continue;
            }
            match self.course_of(trace, sub_batch) {
                Ok(()) => {
                    self.take_trace(trace, spans, sub_batch, now);
                    if let Some(handed_over) = handed_over(trace, sub_batch) {
                        self.apply_handed_over(trace.hash, handed_over);
                    }
                    applied.push(trace.hash);
                }
                Err(mark) => passing.push(mark, trace, spans),
            }
        }
        if let Some(origin) = origin {
            self.apply(origin, &applied);
        }
        if !passing.is_empty() {
            self.pass_on(passing, &sub_batch.request);
        }
    }

    fn count_applied_before(&mut self, spans: usize) {
        self.ledger.applied_before(spans as u64);
        if let Some(link) = self.slots.link() {
            link.applied_before(spans as u64);
        }
    }

    fn take_trace(
        &mut self,
        trace: &TraceSpans,
        spans: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) {
        if self.looks_at_resource_spans() {
            self.take_by_resource_spans(trace, spans, sub_batch, now);
        } else if let Some(held) = self.take_spans(trace, spans, sub_batch, now) {
            self.decide_if_oversized(held.trace, now);
        }
    }

    /// Takes spans of one trace, all of the request or all of one of its `ResourceSpans`; `None` where they were late.
    pub(super) fn take_spans(
        &mut self,
        trace: &TraceSpans,
        spans: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) -> Option<Held> {
        let metadata = sub_batch.request.metadata.as_ref();
        let found = self.table.find(trace.hash, trace.trace_id, metadata);
        let held = match found {
            Some(found) => found,
            None => match self.remembered.get(trace.hash) {
                Some(remembered) => {
                    self.take_late(remembered, trace, spans, sub_batch, now);
                    return None;
                }
                None => self.start_trace(trace, sub_batch, now),
            },
        };
        if let Some(handed_over) = handed_over(trace, sub_batch) {
            self.put_back_to_age(held, handed_over, now);
        }
        let new_spans = self.append(held, trace, spans, sub_batch, now);
        Some(Held {
            trace: held,
            new_spans,
        })
    }

    fn start_trace(&mut self, spans: &TraceSpans, sub_batch: &SubBatch, now: Moment) -> TraceRef {
        self.discard_oldest_if_full(now);
        let deadline = now.after(self.policies.windows.decision_wait);
        let metadata = sub_batch.request.metadata.clone();
        self.has_metadata |= metadata.is_some();
        let mut trace = Trace::new(spans.trace_id, spans.hash, metadata, now, deadline);
        if self.policies.set.evaluation().strategy == Strategy::SpanIngest {
            trace.judged_by = Some(Arc::clone(&self.policies));
            self.traces_judged += 1;
        }
        self.undecided_bytes += trace.held_bytes();
        let started = self.table.insert(trace);
        self.deadlines.schedule(deadline, started);
        self.slots.trace_started(spans.hash.slot());
        self.ledger.trace_started();
        started
    }

    /// Of two first arrivals of a trace the earlier counts.
    fn put_back_to_age(&mut self, trace: TraceRef, handed_over: &HandedOver, now: Moment) {
        let Some(held) = self.table.get_mut(trace) else {
            return;
        };
        held.first_arrival = held.first_arrival.min(now.before(handed_over.age));
        let deadline = now.after(handed_over.due_in);
        if deadline < held.deadline {
            held.deadline = deadline;
            self.deadlines.schedule(deadline, trace);
        }
    }

    /// Adds spans to a trace; returns how many were not there before.
    fn append(
        &mut self,
        trace: TraceRef,
        batch: &TraceSpans,
        spans: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) -> u64 {
        let Some(held) = self.table.get_mut(trace) else {
            return 0;
        };
        let bytes_before = held.held_bytes();
        let had_root = held.summary.has_root;
        let mut stored = 0;
        held.spans
            .reserve(spans.len(), batch.span_bytes, &mut self.blocks);
        for span in spans {
            let envelope = envelope_at_hand(
                &mut self.envelopes_at_hand,
                &mut self.envelopes,
                sub_batch,
                span,
            );
            if held.spans.push(envelope, sub_batch.span_bytes(span)) {
                stored += 1;
                held.summary.add(span);
                if held.envelopes.last() != Some(&envelope) {
                    self.envelopes.add_user(envelope);
                    held.envelopes.push(envelope);
                }
            }
        }
        let bytes = held.held_bytes();
        if held.summary.has_root && !had_root {
            self.bring_deadline_forward(trace, now);
        }
        self.undecided_bytes += bytes - bytes_before;
        self.undecided_spans += stored;
        self.ledger
            .spans_arrived(stored, spans.len() as u64 - stored);
        stored
    }

    /// Decides a trace that holds more than its share of the memory, if it is still there: after all else that its
    /// latest spans give occasion to, which may have decided it, or what it is decided by.
    pub(super) fn decide_if_oversized(&mut self, trace: TraceRef, now: Moment) {
        let bytes = self.table.get(trace).map_or(0, Trace::held_bytes);
        if bytes > self.pressure.trace_bytes_max() {
            self.decide(trace, Trigger::Size, now);
        }
    }

    fn bring_deadline_forward(&mut self, trace: TraceRef, now: Moment) {
        let Some(wait) = self.policies.windows.decision_wait_after_root else {
            return;
        };
        let Some(held) = self.table.get_mut(trace) else {
            return;
        };
        let deadline = now.after(wait);
        if deadline < held.deadline {
            held.deadline = deadline;
            held.is_due_by_root = true;
            self.deadlines.schedule(deadline, trace);
        }
    }

    /// Late spans follow the decision that is remembered of their trace.
    fn take_late(
        &mut self,
        remembered: Remembered,
        batch: &TraceSpans,
        spans: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) {
        let count = spans.len() as u64;
        if remembered.decision != Decision::Sampled {
            self.ledger.late_spans(remembered.decision, count, 0);
            return;
        }
        let mut store = SpanStore::default();
        let mut envelopes: Vec<EnvelopeId> = Vec::new();
        store.reserve(spans.len(), batch.span_bytes, &mut self.blocks);
        for span in spans {
            let envelope = envelope_at_hand(
                &mut self.envelopes_at_hand,
                &mut self.envelopes,
                sub_batch,
                span,
            );
            if store.push(envelope, sub_batch.span_bytes(span))
                && envelopes.last() != Some(&envelope)
            {
                self.envelopes.add_user(envelope);
                envelopes.push(envelope);
            }
        }
        let kept = store.span_count();
        self.ledger
            .late_spans(Decision::Sampled, kept, count - kept);
        let metadata = sub_batch.request.metadata.clone();
        let mark = MarkId::of_number(remembered.policy);
        let late = KeptTrace::new(store, envelopes, metadata, batch.span_bytes, mark);
        self.release.push(late, now);
    }
}

fn handed_over<'a>(trace: &TraceSpans, sub_batch: &'a SubBatch) -> Option<&'a HandedOver> {
    let origin = sub_batch.request.origin.as_deref()?;
    origin.handed_over(trace.trace_id)
}

/// The envelope of a span of the sub-batch at hand, which uses each of its envelopes until it is done.
fn envelope_at_hand(
    at_hand: &mut [Option<EnvelopeId>],
    envelopes: &mut Envelopes,
    sub_batch: &SubBatch,
    span: &SpanHeader,
) -> EnvelopeId {
    let index = span.scope_index as usize;
    match (at_hand.get_mut(index), sub_batch.request.scopes.get(index)) {
        (Some(known), Some(scope)) => *known.get_or_insert_with(|| envelopes.acquire(scope)),
        _ => EnvelopeId(u32::MAX),
    }
}
