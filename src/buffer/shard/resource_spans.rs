//! Where a trace's `ResourceSpans` matter one by one: `span-ingest` judges each of them alone as it arrives, and the
//! collector's size of a trace is the sum of theirs.

use std::sync::Arc;

use super::views::ArrivingSpans;
use super::{Shard, Trigger};
use crate::batch::sub_batch::{SubBatch, TraceSpans};
use crate::buffer::trace_table::TraceRef;
use crate::clock::Moment;
use crate::otlp::size::{framed, framed_span_bytes, resource_bytes, scope_bytes};
use crate::otlp::wire::SpanHeader;
use crate::sampler::config::Strategy;
use crate::sampler::precedence::{Decision, Verdict};
use crate::sampler::trace_summary::TraceSummary;
use crate::sampler::trace_view::TraceView;

impl Shard {
    /// Whether the policies in force, or those of a trace that is held, ask for this.
    pub(super) fn looks_at_resource_spans(&self) -> bool {
        let set = &self.policies.set;
        set.needs_sizes()
            || set.evaluation().strategy == Strategy::SpanIngest
            || self.policies.windows.maximum_trace_size_bytes.is_some()
            || self.traces_judged > 0
    }

    /// Takes spans of one trace, each of the request's `ResourceSpans` by itself.
    pub(super) fn take_by_resource_spans(
        &mut self,
        trace: &TraceSpans,
        spans: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) {
        let scopes = &sub_batch.request.scopes;
        let resource_of = |span: &SpanHeader| {
            let envelope = scopes.get(span.scope_index as usize);
            envelope.map(|envelope| envelope.resource_index)
        };
        for group in spans.chunk_by(|one, next| resource_of(one) == resource_of(next)) {
            let part = TraceSpans {
                span_count: group.len() as u32,
                span_bytes: group.iter().map(|span| u64::from(span.length)).sum(),
                ..*trace
            };
            if let Some(held) = self.take_spans(&part, group, sub_batch, now) {
                self.look_at(held, group, sub_batch, now);
            }
        }
    }

    /// Adds the group's size to its trace, and judges it where that is asked for.
    fn look_at(
        &mut self,
        trace: TraceRef,
        group: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) {
        let size_max = self.policies.windows.maximum_trace_size_bytes;
        let needs_sizes = size_max.is_some() || self.policies.set.needs_sizes();
        let Some(held) = self.table.get_mut(trace) else {
            return;
        };
        if needs_sizes {
            let body = body_bytes(group, sub_batch);
            held.summary.sizes.body_bytes += body;
            held.summary.sizes.framed_bytes += framed(body);
        }
        let size = held.summary.sizes.body_bytes;
        if size_max.is_some_and(|size_max| size > size_max) {
            self.give_up(trace, now);
            return;
        }
        let Some(policies) = held.judged_by.clone() else {
            return;
        };
        let mut summary = TraceSummary::default();
        for span in group {
            summary.add(span);
        }
        // Counts accumulate; everything else is the batch's own.
        summary.span_count = held.summary.span_count;
        let spans = ArrivingSpans {
            sub_batch,
            spans: group,
        };
        let view = TraceView {
            trace_id: held.id,
            summary: &summary,
            spans: &spans,
        };
        let mut verdict = self.judge(&policies, &view, now);
        if !Arc::ptr_eq(&policies, &self.policies) {
            // Its policies' counters are gone with them.
            verdict.policy_index = None;
        }
        if is_final(verdict) {
            self.conclude(trace, verdict, Trigger::Ingest, now);
        }
    }
}

fn is_final(verdict: Verdict) -> bool {
    verdict.decision != Decision::NotSampled
}

/// What the collector would count for these spans of one `ResourceSpans`.
fn body_bytes(group: &[SpanHeader], sub_batch: &SubBatch) -> u64 {
    let scopes = &sub_batch.request.scopes;
    let first = group
        .first()
        .and_then(|span| scopes.get(span.scope_index as usize));
    let mut bytes = first.map_or(0, |envelope| resource_bytes(&envelope.resource));
    for spans in group.chunk_by(|one, next| one.scope_index == next.scope_index) {
        let envelope = spans
            .first()
            .and_then(|span| scopes.get(span.scope_index as usize));
        let scope = envelope.map_or(0, |envelope| scope_bytes(&envelope.scope));
        let spans = spans
            .iter()
            .map(|span| framed_span_bytes(sub_batch.span_bytes(span)));
        bytes += framed(scope + spans.sum::<u64>());
    }
    bytes
}
