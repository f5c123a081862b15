//! Release: kept traces become export requests, with resources and scopes grouped back.
//!
//! Traces wait as they were buffered until there is enough for a request, or the oldest has waited long enough, and
//! some outlet has room. Then their spans are written out once, grouped by resource and scope, and every outlet gets
//! the same bytes. An outlet without room gets them later: they stay charged to the budget, so that a backend that is
//! gone turns into back-pressure and not into loss. A trace larger than a request goes out in several. The mark of the
//! policy that kept it, where marks are on, is added as it is written, and charged while it waits.

mod request;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::block_pool::BlockPool;
use super::envelopes::{EnvelopeId, Envelopes};
use super::marks::{MarkId, Marks};
use super::span_store::{Cursor, SpanStore};
use crate::accounting::Accounting;
use crate::batch::export::ExportBatch;
use crate::batch::metadata::{RequestMetadata, is_same};
use crate::clock::Moment;
use crate::memory::Charge;
use request::{Piece, write_request};

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
    marks: Marks,
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
    /// Of the policy that kept it.
    pub(super) mark: Option<MarkId>,
    /// What the mark adds to the requests that it goes out in.
    mark_bytes: u64,
    /// What has gone out of it already.
    written: Cursor,
}

/// Spans to write in one request, and where to go on after it.
struct Gathered<'a> {
    pieces: Vec<Piece<'a>>,
    finished_traces: usize,
    rest: Cursor,
}

struct WaitingOutlet {
    outlet: Box<dyn Outlet>,
    waiting: VecDeque<ExportBatch>,
}

/// All spans of one trace as a request, without a mark.
pub(super) fn encode_trace(spans: &SpanStore, envelopes: &Envelopes) -> Bytes {
    let mut cursor = Cursor::default();
    let pieces: Vec<Piece<'_>> = std::iter::from_fn(|| spans.next(&mut cursor))
        .map(|record| Piece {
            envelope: record.envelope,
            mark: None,
            framed: record.framed,
        })
        .collect();
    Bytes::from(write_request(&pieces, envelopes, &Marks::new(None)))
}

impl Release {
    pub(super) fn new(
        batch_bytes_max: usize,
        batch_timeout: Duration,
        accounting: Arc<Accounting>,
        outlets: Vec<Box<dyn Outlet>>,
        marks: Marks,
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
            marks,
            held_bytes: 0,
            waiting_spans: 0,
            waiting_spans_booked: 0,
        }
    }

    /// Takes a kept trace, whose memory this now holds.
    pub(super) fn push(&mut self, mut kept: KeptTrace, now: Moment) {
        kept.mark_bytes = self.mark_bytes(&kept);
        kept.span_bytes += kept.mark_bytes;
        self.held_bytes += kept.held_bytes();
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

    /// The marks of the policies that keep traces.
    pub(super) fn marks(&mut self) -> &mut Marks {
        &mut self.marks
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

    /// What a trace's mark adds to requests: one for each span, or for each run of spans that share their envelope.
    fn mark_bytes(&self, kept: &KeptTrace) -> u64 {
        let Some(mark) = kept.mark else {
            return 0;
        };
        let marked = if self.marks.are_on_spans() {
            kept.spans.span_count()
        } else {
            kept.envelopes.len() as u64
        };
        marked * self.marks.attribute(mark).len() as u64
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
        let gathered = queue.gather(self.batch_bytes_max, &self.marks);
        let spans = gathered.pieces.len() as u64;
        let body = Bytes::from(write_request(&gathered.pieces, envelopes, &self.marks));
        let (finished, rest) = (gathered.finished_traces, gathered.rest);
        for trace in queue.traces.drain(..finished) {
            self.held_bytes -= trace.held_bytes();
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
        mark: Option<MarkId>,
    ) -> Self {
        Self {
            spans,
            envelopes,
            metadata,
            span_bytes,
            mark,
            mark_bytes: 0,
            written: Cursor::default(),
        }
    }

    fn held_bytes(&self) -> u64 {
        self.spans.held_bytes() + self.mark_bytes
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

    /// The next spans, of about `bytes_max` together and at least one.
    fn gather(&self, bytes_max: usize, marks: &Marks) -> Gathered<'_> {
        let mut gathered = Gathered {
            pieces: Vec::new(),
            finished_traces: 0,
            rest: Cursor::default(),
        };
        let mut bytes = 0;
        for trace in &self.traces {
            let mut cursor = trace.written;
            let mark_bytes = trace.mark.map_or(0, |mark| marks.span_bytes(mark));
            while let Some(record) = trace.spans.next(&mut cursor) {
                let span_bytes = record.framed.len() + mark_bytes;
                if bytes > 0 && bytes + span_bytes > bytes_max {
                    return gathered;
                }
                bytes += span_bytes;
                gathered.pieces.push(Piece {
                    envelope: record.envelope,
                    mark: trace.mark,
                    framed: record.framed,
                });
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
