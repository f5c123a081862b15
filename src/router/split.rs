//! Groups a walked request's spans by trace and deals the traces to shards, or to other replicas, in order of their first
//! span.
//!
//! A request has few traces (tens), so grouping is an open-addressing table of the request's own, kept by the caller's
//! thread between requests: about 20 ns a span, and the shards then look each trace up once instead of once a span.

use std::sync::Arc;

use crate::batch::key::{KeyHash, ShardId};
use crate::batch::metadata::RequestMetadata;
use crate::batch::sub_batch::{SharedRequest, SubBatch, TraceSpans};
use crate::keyed_hash::keyed_hash;
use crate::otlp::wire::SpanHeader;

/// A request's sub-batches, for distinct shards.
pub type Routed = Vec<(ShardId, SubBatch)>;

const NONE: u32 = u32::MAX;

/// Spans up to which the working space is kept for the next request: about 1 MiB.
const SPANS_KEPT_MAX: usize = 8_192;

/// The working space of a split; reusing one spares its allocations.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Index into `traces` by hash, linear probing; [`NONE`] is empty.
    table: Vec<u32>,
    traces: Vec<GroupedTrace>,
    /// Of each span the next one of the same trace.
    next_span: Vec<u32>,
}

#[derive(Debug)]
struct GroupedTrace {
    trace: TraceSpans,
    first_span: u32,
    last_span: u32,
}

/// Bytes of the sub-batches of `spans` spans, if each is of another trace.
#[must_use]
pub fn routed_bytes_max(spans: usize) -> usize {
    spans * (size_of::<SpanHeader>() + size_of::<TraceSpans>())
}

/// Bytes that a split of `spans` spans takes for itself while it runs.
#[must_use]
pub fn working_bytes_max(spans: usize) -> usize {
    const SLOTS_AND_LINK_BYTES: usize = 5 * size_of::<u32>();
    spans * (SLOTS_AND_LINK_BYTES + size_of::<GroupedTrace>())
}

impl Splitter {
    /// Splits `spans` of `request` over `shards` shards.
    pub fn split(&mut self, request: SharedRequest, spans: &[SpanHeader], shards: usize) -> Routed {
        self.split_by(request, spans, shards, |hash| hash.shard(shards))
    }

    /// Splits `spans` of `request` over about `parts` parts, each trace to the one that `part_of` says.
    pub fn split_by<P: Copy + PartialEq>(
        &mut self,
        request: SharedRequest,
        spans: &[SpanHeader],
        parts: usize,
        part_of: impl Fn(KeyHash) -> P,
    ) -> Vec<(P, SubBatch)> {
        self.group_by_trace(spans, request.metadata.as_deref());
        let request = Arc::new(request);
        let mut routed = Vec::with_capacity(parts.min(self.traces.len()));
        for grouped in &self.traces {
            let part = part_of(grouped.trace.hash);
            let sub_batch = sub_batch_of(&mut routed, part, &request, spans.len() / parts);
            sub_batch.traces.push(grouped.trace);
            let mut at = grouped.first_span;
            while let Some(span) = spans.get(at as usize) {
                sub_batch.spans.push(*span);
                at = self.next_span.get(at as usize).copied().unwrap_or(NONE);
            }
        }
        if spans.len() > SPANS_KEPT_MAX {
            *self = Self::default();
        }
        routed
    }

    fn group_by_trace(&mut self, spans: &[SpanHeader], metadata: Option<&RequestMetadata>) {
        let slots = (spans.len() * 2).next_power_of_two();
        self.table.clear();
        self.table.resize(slots, NONE);
        self.traces.clear();
        self.next_span.clear();
        self.next_span.resize(spans.len(), NONE);
        for (index, span) in spans.iter().enumerate() {
            // Exporters send the spans of a trace together more often than not.
            let grouped = match self.traces.last() {
                Some(last) if last.trace.trace_id == span.trace_id => self.traces.len() - 1,
                _ => self.find_or_add(span, metadata),
            };
            if let Some(grouped) = self.traces.get_mut(grouped) {
                let previous = std::mem::replace(&mut grouped.last_span, index as u32);
                match self.next_span.get_mut(previous as usize) {
                    Some(next) => *next = index as u32,
                    None => grouped.first_span = index as u32,
                }
                grouped.trace.span_count += 1;
                grouped.trace.span_bytes += u64::from(span.length);
            }
        }
    }

    fn find_or_add(&mut self, span: &SpanHeader, metadata: Option<&RequestMetadata>) -> usize {
        let mask = self.table.len() - 1;
        // Not by the hash of the key, which clients can foresee and have collide.
        let mut at = keyed_hash(&span.trace_id.0) as usize & mask;
        while let Some(found) = self.table.get(at).filter(|found| **found != NONE) {
            let grouped = self.traces.get(*found as usize);
            if grouped.is_some_and(|grouped| grouped.trace.trace_id == span.trace_id) {
                return *found as usize;
            }
            at = (at + 1) & mask;
        }
        let added = self.traces.len();
        if let Some(slot) = self.table.get_mut(at) {
            *slot = added as u32;
        }
        self.traces.push(GroupedTrace {
            trace: TraceSpans {
                trace_id: span.trace_id,
                hash: KeyHash::of(span.trace_id, metadata),
                span_count: 0,
                span_bytes: 0,
            },
            first_span: NONE,
            last_span: NONE,
        });
        added
    }
}

fn sub_batch_of<'a, P: Copy + PartialEq>(
    routed: &'a mut Vec<(P, SubBatch)>,
    part: P,
    request: &Arc<SharedRequest>,
    spans_expected: usize,
) -> &'a mut SubBatch {
    let index = match routed.iter().position(|(id, _)| *id == part) {
        Some(index) => index,
        None => {
            routed.push((
                part,
                SubBatch {
                    request: Arc::clone(request),
                    traces: Vec::new(),
                    spans: Vec::with_capacity(spans_expected),
                    room: request.charge.budget().charge(0),
                },
            ));
            routed.len() - 1
        }
    };
    #[allow(
        clippy::indexing_slicing,
        reason = "the index was found or pushed above"
    )]
    &mut routed[index].1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::memory::Budget;
    use crate::otlp::ids::{SpanId, TraceId};
    use crate::otlp::wire::SpanStatus;

    fn span(trace: u8, number: usize) -> SpanHeader {
        SpanHeader {
            trace_id: TraceId([trace; 16]),
            span_id: SpanId((number as u64 + 1).to_be_bytes()),
            start_ns: 0,
            end_ns: 0,
            offset: number as u32,
            length: 10,
            scope_index: 0,
            status: SpanStatus::Unset,
            is_root: false,
            has_sampled_flag: false,
        }
    }

    fn empty_request() -> SharedRequest {
        SharedRequest {
            body: Bytes::new(),
            scopes: Vec::new(),
            metadata: None,
            origin: None,
            charge: Budget::new(0).charge(0),
        }
    }

    #[test]
    fn traces_chosen_to_have_one_key_hash_cost_no_more_than_others() {
        const SPANS: u64 = 300_000;
        let spans: Vec<_> = (0..SPANS)
            .map(|number| SpanHeader {
                trace_id: crate::otlp::ids::colliding_for_tests(number),
                ..span(1, 0)
            })
            .collect();
        let mut splitter = Splitter::default();
        // One after the other, they would be compared 45 billion times.
        let routed = splitter.split(empty_request(), &spans, 1);
        assert_eq!(routed[0].1.traces.len() as u64, SPANS);
        assert_eq!(splitter.table.capacity(), 0);
    }

    proptest! {
        #[test]
        fn every_span_goes_to_its_traces_shard_in_order(
            traces in vec(1_u8..20, 0..200),
            shards in 1_usize..5,
        ) {
            let spans: Vec<_> = traces.iter().enumerate().map(|(i, trace)| span(*trace, i)).collect();
            let request = empty_request();
            let mut naive: BTreeMap<ShardId, BTreeMap<TraceId, Vec<SpanHeader>>> = BTreeMap::new();
            for span in &spans {
                let shard = KeyHash::of(span.trace_id, None).shard(shards);
                naive.entry(shard).or_default().entry(span.trace_id).or_default().push(*span);
            }
            let mut splitter = Splitter::default();
            splitter.split(
                empty_request(),
                &[span(9, 0), span(8, 1)],
                1,
            );
            let routed = splitter.split(request, &spans, shards);
            let mut found: BTreeMap<ShardId, BTreeMap<TraceId, Vec<SpanHeader>>> = BTreeMap::new();
            for (shard, sub_batch) in &routed {
                let mut first_offsets = Vec::new();
                for (trace, spans) in sub_batch.iter() {
                    prop_assert_eq!(trace.span_bytes, spans.len() as u64 * 10);
                    first_offsets.push(spans[0].offset);
                    found.entry(*shard).or_default().entry(trace.trace_id).or_default().extend(spans);
                }
                prop_assert!(first_offsets.is_sorted());
            }
            prop_assert_eq!(found, naive);
        }
    }
}
