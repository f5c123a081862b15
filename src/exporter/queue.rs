//! The sending queue: first in, first out, bounded in encoded bytes, requests under way included.
//!
//! Filled by shards, which are plain threads and never wait here; emptied by consumers, which are tasks. A request
//! larger than the whole limit is taken when nothing else is in the queue, so that it is delivered rather than stuck.
//!
//! Architecture invariant: nothing here knows where requests go or what became of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use ::metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::batch::ExportBatch;
use super::config::{Overflow, QueueConfig};

/// Called when the queue leaves the full state. It must not block.
pub type OnRoom = Arc<dyn Fn() + Send + Sync>;

/// What became of an offer.
#[derive(Debug)]
pub(super) enum Offer {
    /// The request is the queue's; these are not any more.
    Taken {
        /// What had to go to make room, oldest first. It may be the offered request itself, when all room is held by
        /// requests under way.
        dropped: Vec<ExportBatch>,
    },
    /// No room, or closed: the request is handed back.
    Refused(ExportBatch),
}

/// The queue of one exporter.
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    gauges: QueueGauges,
    on_room: OnRoom,
}

/// Where the queue shows its size.
pub(super) struct QueueGauges {
    pub(super) bytes: Gauge,
    pub(super) spans: Gauge,
}

#[derive(Debug)]
struct State {
    limit_bytes: u64,
    overflow: Overflow,
    waiting: VecDeque<ExportBatch>,
    /// Waiting and under way.
    bytes: u64,
    /// Waiting and under way.
    spans: u64,
    /// Set while somebody was told that there is no room: the smallest request that was turned away.
    refused_bytes_min: Option<u64>,
    closed: bool,
}

impl Queue {
    /// An empty queue.
    pub(super) fn new(config: QueueConfig, gauges: QueueGauges, on_room: OnRoom) -> Self {
        Self {
            state: Mutex::new(State::new(config)),
            arrived: Notify::new(),
            gauges,
            on_room,
        }
    }

    /// Takes a request or hands it back; never waits.
    pub(super) fn offer(&self, batch: ExportBatch) -> Offer {
        let mut state = self.state.lock();
        let offer = state.offer(batch);
        self.show(&state);
        drop(state);
        if matches!(offer, Offer::Taken { .. }) {
            self.arrived.notify_one();
        }
        offer
    }

    /// Whether a small request would be taken. After `false`, `on_room` is called when that changes.
    pub(super) fn has_room(&self) -> bool {
        self.state.lock().has_room()
    }

    /// Spans and bytes, waiting and under way.
    pub(super) fn pending(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.spans, state.bytes)
    }

    /// The oldest request that waits; `None` once the queue is closed and empty.
    ///
    /// It stays counted until [`Queue::release`].
    pub(super) async fn next(&self) -> Option<ExportBatch> {
        loop {
            // Registered before the look, so that a close between the two is not missed.
            let arrived = self.arrived.notified();
            {
                let mut state = self.state.lock();
                if let Some(batch) = state.waiting.pop_front() {
                    return Some(batch);
                }
                if state.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Forgets a request that was delivered or given up, frees it, and tells those who wait for room.
    pub(super) fn release(&self, batch: ExportBatch) {
        let mut state = self.state.lock();
        let room = state.release(&batch);
        self.show(&state);
        drop(state);
        // Its share of the budget returns before anyone is woken to use it.
        drop(batch);
        if room {
            (self.on_room)();
        }
    }

    /// Refuses all further offers; consumers end when nothing waits any more.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_waiters();
    }

    /// The oldest request that waits, without waiting for one.
    pub(super) fn take_waiting(&self) -> Option<ExportBatch> {
        self.state.lock().waiting.pop_front()
    }

    #[allow(clippy::cast_precision_loss)]
    fn show(&self, state: &State) {
        self.gauges.bytes.set(state.bytes as f64);
        self.gauges.spans.set(state.spans as f64);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.lock().fmt(f)
    }
}

impl State {
    fn new(config: QueueConfig) -> Self {
        Self {
            limit_bytes: config.limit_bytes,
            overflow: config.overflow,
            waiting: VecDeque::new(),
            bytes: 0,
            spans: 0,
            refused_bytes_min: None,
            closed: false,
        }
    }

    fn fits(&self, size_bytes: u64) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(size_bytes) <= self.limit_bytes
    }

    fn has_room(&mut self) -> bool {
        if self.overflow == Overflow::DropOldest || self.fits(1) {
            return true;
        }
        self.note_refusal(1);
        false
    }

    fn offer(&mut self, batch: ExportBatch) -> Offer {
        let size_bytes = batch.size_bytes();
        if self.closed {
            return Offer::Refused(batch);
        }
        let mut dropped = Vec::new();
        if !self.fits(size_bytes) {
            if self.overflow == Overflow::Wait {
                self.note_refusal(size_bytes);
                return Offer::Refused(batch);
            }
            while !self.fits(size_bytes) {
                let Some(oldest) = self.waiting.pop_front() else {
                    dropped.push(batch);
                    return Offer::Taken { dropped };
                };
                self.forget(&oldest);
                dropped.push(oldest);
            }
        }
        self.bytes += size_bytes;
        self.spans += batch.spans;
        self.waiting.push_back(batch);
        Offer::Taken { dropped }
    }

    fn note_refusal(&mut self, size_bytes: u64) {
        let smallest = self.refused_bytes_min.unwrap_or(u64::MAX);
        self.refused_bytes_min = Some(smallest.min(size_bytes));
    }

    /// Whether somebody who was refused would be taken now.
    fn release(&mut self, batch: &ExportBatch) -> bool {
        self.forget(batch);
        let room = self.refused_bytes_min.is_some_and(|size| self.fits(size));
        if room {
            self.refused_bytes_min = None;
        }
        room
    }

    fn forget(&mut self, batch: &ExportBatch) {
        self.bytes = self.bytes.saturating_sub(batch.size_bytes());
        self.spans = self.spans.saturating_sub(batch.spans);
    }
}

#[cfg(test)]
mod tests;
