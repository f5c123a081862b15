//! The sending queue: first in, first out, bounded in encoded bytes, requests under way included.
//!
//! Filled by shards, which are plain threads and never wait here; emptied by consumers, which are tasks. A request
//! larger than the whole limit is taken when nothing else is in the queue, so that it is delivered rather than stuck.
//!
//! Architecture invariant: nothing here knows where requests go or what became of them.

mod state;

use std::fmt;
use std::sync::Arc;

use ::metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use self::state::State;
use super::config::QueueConfig;
use crate::batch::export::ExportBatch;

/// Called when the queue leaves the full state. It must not block.
pub type OnRoom = Arc<dyn Fn() + Send + Sync>;

pub(super) use self::state::Offer;

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
        state.size()
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
                if let Some(batch) = state.take_waiting() {
                    return Some(batch);
                }
                if state.is_closed() {
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
        self.state.lock().close();
        self.arrived.notify_waiters();
    }

    /// The oldest request that waits, without waiting for one.
    pub(super) fn take_waiting(&self) -> Option<ExportBatch> {
        self.state.lock().take_waiting()
    }

    fn show(&self, state: &State) {
        let (spans, bytes) = state.size();
        self.gauges.bytes.set(bytes as f64);
        self.gauges.spans.set(spans as f64);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.lock().fmt(f)
    }
}

#[cfg(test)]
mod tests;
