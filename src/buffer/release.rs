//! Release: kept traces become export requests, with resources and scopes grouped back.
//!
//! Traces wait as they were buffered until there is enough for a request, or the oldest has waited long enough, and
//! some outlet has room. Then their spans are written out once, grouped by resource and scope, and every outlet gets
//! the same bytes. An outlet without room gets them later: they stay charged to the budget, so that a backend that is
//! gone turns into back-pressure and not into loss. A trace larger than a request goes out in several.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::block_pool::BlockPool;
use super::envelopes::{EnvelopeId, Envelopes, ResourceId};
use super::span_store::{Cursor, SpanStore, push_varint, varint_len};
use crate::accounting::Accounting;
use crate::batch::export::ExportBatch;
use crate::batch::metadata::{RequestMetadata, is_same};
use crate::clock::Moment;
use crate::memory::Charge;
use crate::otlp::wire::{RESOURCE_SPANS_FIELD_KEY, SCOPE_SPANS_FIELD_KEY};

/// Takes export batches, or hands them back when it has no room: an exporter's queue.
pub trait Outlet: Send {
    /// Takes `batch` if there is room.
    ///
    /// # Errors
    /// The batch itself when there is none.
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch>;
}

/// Requests encoded in one turn at most, so that a very large trace does not keep others waiting.
const BATCHES_A_TURN_MAX: usize = 4;

/// What leaves a shard.
pub(super) struct Release {
    batch_bytes_max: usize,
    batch_timeout: Duration,
    accounting: Arc<Accounting>,
    queues: Vec<Queue>,
    outlets: Vec<WaitingOutlet>,
    held_bytes: u64,
    /// Of kept traces, those not yet encoded.
    waiting_spans: u64,
    /// [`Self::waiting_spans()`] as the books have it.
    waiting_spans_booked: u64,
}

/// Kept traces of one combination of request metadata.
struct Queue {
    metadata: Option<Arc<RequestMetadata>>,
    traces: VecDeque<KeptTrace>,
    /// Encoded spans not yet written out.
    span_bytes: u64,
    oldest: Moment,
}

/// A decided trace, or late spans of one.
pub(super) struct KeptTrace {
    pub(super) spans: SpanStore,
    pub(super) envelopes: Vec<EnvelopeId>,
    pub(super) metadata: Option<Arc<RequestMetadata>>,
    pub(super) span_bytes: u64,
    /// What has gone out of it already.
    written: Cursor,
}

/// Records to write in one request, and where to go on after it.
struct Gathered<'a> {
    records: Vec<(EnvelopeId, &'a [u8])>,
    finished_traces: usize,
    rest: Cursor,
}

struct WaitingOutlet {
    outlet: Box<dyn Outlet>,
    waiting: VecDeque<ExportBatch>,
}

impl Release {
    pub(super) fn new(
        batch_bytes_max: usize,
        batch_timeout: Duration,
        accounting: Arc<Accounting>,
        outlets: Vec<Box<dyn Outlet>>,
    ) -> Self {
        let outlets = outlets.into_iter().map(|outlet| WaitingOutlet {
            outlet,
            waiting: VecDeque::new(),
        });
        Self {
            batch_bytes_max,
            batch_timeout,
            accounting,
            queues: Vec::new(),
            outlets: outlets.collect(),
            held_bytes: 0,
            waiting_spans: 0,
            waiting_spans_booked: 0,
        }
    }

    /// Takes a kept trace, whose memory this now holds.
    pub(super) fn push(&mut self, kept: KeptTrace, now: Moment) {
        self.held_bytes += kept.spans.held_bytes();
        self.waiting_spans += kept.spans.span_count();
        let index = self
            .queues
            .iter()
            .position(|queue| is_same(queue.metadata.as_ref(), kept.metadata.as_ref()));
        let index = index.unwrap_or_else(|| {
            self.queues.push(Queue {
                metadata: kept.metadata.clone(),
                traces: VecDeque::new(),
                span_bytes: 0,
                oldest: now,
            });
            self.queues.len() - 1
        });
        if let Some(queue) = self.queues.get_mut(index) {
            if queue.traces.is_empty() {
                queue.oldest = now;
            }
            queue.span_bytes += kept.span_bytes;
            queue.traces.push_back(kept);
        }
        self.book_waiting_spans();
    }

    /// Bytes of the process's memory that kept traces hold here.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Spans that wait here for the slowest outlet.
    pub(super) fn waiting_spans(&self) -> u64 {
        let offered_back = self.outlets.iter().map(|outlet| {
            let spans = outlet.waiting.iter().map(|batch| batch.spans);
            spans.sum::<u64>()
        });
        self.waiting_spans + offered_back.max().unwrap_or(0)
    }

    /// Whether everything has been handed to the outlets.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.outlets.iter().all(|outlet| outlet.waiting.is_empty())
    }

    /// Hands over what outlets have room for; encodes what is due. Returns whether there is more to do right away.
    ///
    /// The charge of a request is cut off from `charge`, which holds the spans in it, so that encoding takes nothing of
    /// a budget that may be used up.
    pub(super) fn turn(
        &mut self,
        now: Moment,
        flush: bool,
        envelopes: &mut Envelopes,
        blocks: &mut BlockPool,
        charge: &mut Charge,
    ) -> bool {
        for outlet in &mut self.outlets {
            outlet.retry();
        }
        let has_more = self.encode_due(now, flush, envelopes, blocks, charge);
        self.book_waiting_spans();
        has_more
    }

    fn encode_due(
        &mut self,
        now: Moment,
        flush: bool,
        envelopes: &mut Envelopes,
        blocks: &mut BlockPool,
        charge: &mut Charge,
    ) -> bool {
        for _ in 0..BATCHES_A_TURN_MAX {
            let has_room = self.outlets.is_empty()
                || self.outlets.iter().any(|outlet| outlet.waiting.is_empty());
            let due = self.queues.iter().position(|queue| {
                let is_due = queue.due_at(self.batch_bytes_max, self.batch_timeout) <= now;
                !queue.traces.is_empty() && (flush || is_due)
            });
            let Some(due) = due.filter(|_| has_room) else {
                return false;
            };
            self.encode(due, now, envelopes, blocks, charge);
        }
        true
    }

    /// When a request falls due; `None` when nothing waits, or only for outlets.
    pub(super) fn next_due(&self) -> Option<Moment> {
        if !self.outlets.iter().any(|outlet| outlet.waiting.is_empty()) {
            return None;
        }
        let due = self
            .queues
            .iter()
            .map(|queue| queue.due_at(self.batch_bytes_max, self.batch_timeout));
        due.min()
    }

    /// Tells the books what waits here, spans that an outlet handed back included.
    fn book_waiting_spans(&mut self) {
        let waiting = self.waiting_spans();
        let releasing = &self.accounting.releasing;
        if waiting >= self.waiting_spans_booked {
            releasing.add(waiting - self.waiting_spans_booked);
        } else {
            releasing.subtract(self.waiting_spans_booked - waiting);
        }
        self.waiting_spans_booked = waiting;
    }

    fn encode(
        &mut self,
        index: usize,
        now: Moment,
        envelopes: &mut Envelopes,
        blocks: &mut BlockPool,
        charge: &mut Charge,
    ) {
        let Some(queue) = self.queues.get_mut(index) else {
            return;
        };
        let gathered = queue.gather(self.batch_bytes_max);
        let spans = gathered.records.len() as u64;
        let body = Bytes::from(write_request(&gathered.records, envelopes));
        let (finished, rest) = (gathered.finished_traces, gathered.rest);
        for trace in queue.traces.drain(..finished) {
            self.held_bytes -= trace.spans.held_bytes();
            for envelope in &trace.envelopes {
                envelopes.release(*envelope);
            }
            trace.spans.recycle(blocks);
        }
        if let Some(first) = queue.traces.front_mut() {
            first.written = rest;
        }
        queue.oldest = now;
        let batch = ExportBatch {
            spans,
            metadata: queue.metadata.clone(),
            charge: Arc::new(charge.split_off(body.len() as u64)),
            body,
        };
        if queue.traces.is_empty() {
            self.queues.swap_remove(index);
        } else {
            queue.span_bytes = queue.span_bytes.saturating_sub(batch.size_bytes());
        }
        self.waiting_spans -= spans;
        for outlet in &mut self.outlets {
            outlet.waiting.push_back(batch.clone());
            outlet.retry();
        }
    }
}

impl KeptTrace {
    pub(super) fn new(
        spans: SpanStore,
        envelopes: Vec<EnvelopeId>,
        metadata: Option<Arc<RequestMetadata>>,
        span_bytes: u64,
    ) -> Self {
        Self {
            spans,
            envelopes,
            metadata,
            span_bytes,
            written: Cursor::default(),
        }
    }
}

impl Queue {
    fn due_at(&self, batch_bytes_max: usize, batch_timeout: Duration) -> Moment {
        if self.span_bytes >= batch_bytes_max as u64 {
            self.oldest
        } else {
            self.oldest.after(batch_timeout)
        }
    }

    /// The next records, of about `bytes_max` together and at least one.
    fn gather(&self, bytes_max: usize) -> Gathered<'_> {
        let mut gathered = Gathered {
            records: Vec::new(),
            finished_traces: 0,
            rest: Cursor::default(),
        };
        let mut bytes = 0;
        for trace in &self.traces {
            let mut cursor = trace.written;
            while let Some(record) = trace.spans.next(&mut cursor) {
                if bytes > 0 && bytes + record.framed.len() > bytes_max {
                    return gathered;
                }
                bytes += record.framed.len();
                gathered.records.push((record.envelope, record.framed));
                gathered.rest = cursor;
            }
            gathered.finished_traces += 1;
            gathered.rest = Cursor::default();
        }
        gathered
    }
}

impl WaitingOutlet {
    fn retry(&mut self) {
        while let Some(batch) = self.waiting.pop_front() {
            if let Err(batch) = self.outlet.offer(batch) {
                self.waiting.push_front(batch);
                return;
            }
        }
    }
}

/// Writes an `ExportTraceServiceRequest` with one `ResourceSpans` a resource and one `ScopeSpans` an envelope.
fn write_request(records: &[(EnvelopeId, &[u8])], envelopes: &Envelopes) -> Vec<u8> {
    let scopes = group(records.iter().copied());
    let resource_of = |envelope| envelopes.resource(envelope).unwrap_or((ResourceId(0), &[]));
    let resources = group(scopes.iter().map(|scope| {
        let spans_bytes: usize = scope.1.iter().map(|framed| framed.len()).sum();
        let scope_fields = envelopes.scope(scope.0);
        (
            resource_of(scope.0).0,
            (scope, scope_fields, scope_fields.len() + spans_bytes),
        )
    }));
    let sized = resources.iter().map(|(_, scopes)| {
        let envelope = scopes.first().map(|(scope, ..)| scope.0);
        let fields = envelope.map_or(&[] as &[u8], |envelope| resource_of(envelope).1);
        let scopes_bytes: usize = scopes
            .iter()
            .map(|(_, _, bytes)| delimited_len(*bytes))
            .sum();
        (fields, scopes, fields.len() + scopes_bytes)
    });
    let sized: Vec<_> = sized.collect();
    let total = sized
        .iter()
        .map(|(_, _, bytes)| delimited_len(*bytes))
        .sum();
    let mut out = Vec::with_capacity(total);
    for (fields, scopes, bytes) in sized {
        out.push(RESOURCE_SPANS_FIELD_KEY);
        push_varint(&mut out, bytes as u64);
        out.extend_from_slice(fields);
        for ((_, spans), scope_fields, bytes) in scopes {
            out.push(SCOPE_SPANS_FIELD_KEY);
            push_varint(&mut out, *bytes as u64);
            out.extend_from_slice(scope_fields);
            for framed in spans {
                out.extend_from_slice(framed);
            }
        }
    }
    out
}

/// Groups values by key, keys in order of their first appearance.
fn group<K: Copy + Eq + std::hash::Hash, V>(
    pairs: impl Iterator<Item = (K, V)>,
) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for (key, value) in pairs {
        // Runs of the same key are the rule.
        if let Some((_, values)) = groups.last_mut().filter(|(last, _)| *last == key) {
            values.push(value);
            continue;
        }
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Length of a length-delimited field of `content_bytes`, its one-byte key and its length included.
fn delimited_len(content_bytes: usize) -> usize {
    1 + varint_len(content_bytes as u64) + content_bytes
}
