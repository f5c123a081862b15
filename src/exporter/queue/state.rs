//! The queue's bookkeeping, without locks or wake-ups.

use std::collections::VecDeque;

use crate::batch::export::ExportBatch;
use crate::exporter::config::{Overflow, QueueConfig};

/// What became of an offer.
#[derive(Debug)]
pub(in crate::exporter) enum Offer {
    /// The request is the queue's; these are not any more.
    Taken {
        /// What had to go to make room, oldest first. It may be the offered request itself, when all room is held by
        /// requests under way.
        dropped: Vec<ExportBatch>,
    },
    /// No room, or closed: the request is handed back.
    Refused(ExportBatch),
}

/// What is in the queue, and whether more may come.
#[derive(Debug)]
pub(super) struct State {
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

impl State {
    /// An empty queue.
    pub(super) fn new(config: QueueConfig) -> Self {
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

    /// Whether a small request would be taken; a `false` counts as a refusal.
    pub(super) fn has_room(&mut self) -> bool {
        if self.overflow == Overflow::DropOldest || self.fits(1) {
            return true;
        }
        self.note_refusal(1);
        false
    }

    /// Takes a request, at the expense of older ones if so configured, or hands it back.
    pub(super) fn offer(&mut self, batch: ExportBatch) -> Offer {
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

    /// Forgets a request that was taken out. Whether somebody who was refused would be taken now.
    pub(super) fn release(&mut self, batch: &ExportBatch) -> bool {
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

    /// The oldest request that waits. It stays counted until [`State::release`].
    pub(super) fn take_waiting(&mut self) -> Option<ExportBatch> {
        self.waiting.pop_front()
    }

    /// Spans and bytes, waiting and under way.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.spans, self.bytes)
    }

    /// Refuses all further offers.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}
