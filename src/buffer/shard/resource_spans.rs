//! Where a trace's `ResourceSpans` matter one by one: `span-ingest` judges each of them alone as it arrives, and the
//! collector's size of a trace is the sum of theirs.

use super::arrivals::Held;
use super::views::ArrivingSpans;
use super::{Shard, Trigger};
use crate::batch::sub_batch::{SubBatch, TraceSpans};
use crate::buffer::envelopes::Envelopes;
use crate::buffer::span_store::SpanStore;
use crate::buffer::trace_table::TraceRef;
use crate::clock::Moment;
use crate::otlp::size::{framed, framed_span_bytes, resource_bytes, scope_bytes};
use crate::otlp::wire::SpanHeader;
use crate::sampler::config::Strategy;
use crate::sampler::precedence::{Decision, Verdict};
use crate::sampler::trace_summary::{CollectorSizes, TraceSummary};
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
                self.decide_if_oversized(held.trace, now);
            }
        }
    }

    /// Adds the group's size to its trace, and judges it where that is asked for.
    fn look_at(
        &mut self,
        Held { trace, new_spans }: Held,
        group: &[SpanHeader],
        sub_batch: &SubBatch,
        now: Moment,
    ) {
        let size_max = self.policies.windows.maximum_trace_size_bytes;
        if size_max.is_some() || self.policies.set.needs_sizes() {
            self.add_size(trace, body_bytes(group, sub_batch), new_spans);
        }
        let Some(held) = self.table.get(trace) else {
            return;
        };
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
        let verdict = self.judge(&policies, &view, now);
        if is_final(verdict) {
            self.conclude(trace, verdict, Trigger::Ingest, now);
        }
    }
}

impl Shard {
    /// Adds a group that has just been stored to the size of its trace: whole, as the collector does, even where some
    /// of its spans were there before.
    fn add_size(&mut self, trace: TraceRef, body_bytes: u64, new_spans: u64) {
        let Some(held) = self.table.get_mut(trace) else {
            return;
        };
        if held.summary.sizes.span_count + new_spans == held.summary.span_count {
            held.summary.sizes.add(body_bytes, new_spans);
        } else {
            self.catch_up_on_size(trace);
        }
    }

    /// Sizes up a trace whose spans arrived, some or all, while nobody asked for sizes: from what is stored. Spans of
    /// one resource that are next to each other count as one `ResourceSpans`, however they arrived.
    pub(super) fn catch_up_on_size(&mut self, trace: TraceRef) {
        let Some(held) = self.table.get_mut(trace) else {
            return;
        };
        if held.summary.sizes.span_count != held.summary.span_count {
            held.summary.sizes = stored_sizes(&held.spans, &self.envelopes);
        }
    }
}

impl CollectorSizes {
    /// Adds a `ResourceSpans` with so many spans that were not there before.
    fn add(&mut self, body_bytes: u64, new_spans: u64) {
        self.body_bytes += body_bytes;
        self.framed_bytes += framed(body_bytes);
        self.span_count += new_spans;
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

fn stored_sizes(spans: &SpanStore, envelopes: &Envelopes) -> CollectorSizes {
    let mut sizes = CollectorSizes::default();
    let mut records = spans.iter().peekable();
    while let Some(first) = records.peek() {
        let resource = envelopes.resource(first.envelope);
        let resource_id = resource.map(|(id, _)| id);
        let mut body = resource.map_or(0, |(_, fields)| resource_bytes(fields));
        let mut spans = 0;
        while let Some(scope) = records.peek().map(|record| record.envelope) {
            if envelopes.resource(scope).map(|(id, _)| id) != resource_id {
                break;
            }
            let mut scope_body = scope_bytes(envelopes.scope(scope));
            while let Some(record) = records.next_if(|record| record.envelope == scope) {
                scope_body += framed_span_bytes(record.span);
                spans += 1;
            }
            body += framed(scope_body);
        }
        sizes.add(body, spans);
    }
    sizes
}
