//! When memory is so short that traces are decided before their windows close, and when new ones must wait.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::buffer::config::WindowConfig;
use crate::memory::Budget;

/// Traces are decided early while more of the budget than this is in use …
const PRESSURE_PERCENT: u64 = 90;
/// … unless undecided traces hold less than this: then it is exporters that hold the memory, and clients must wait.
const UNDECIDED_FLOOR_PERCENT: u64 = 25;
/// A trace that holds more of the budget than this is decided early, by itself.
const TRACE_PERCENT_MAX: u64 = 12;

/// The budget as all shards see it.
#[derive(Debug)]
pub struct Pressure {
    budget: Budget,
    undecided_bytes: AtomicU64,
    undecided_traces: AtomicU64,
    /// Under `block_on_overflow`, `num_traces`.
    traces_before_block: AtomicU64,
}

impl Pressure {
    /// Nothing held yet.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            undecided_bytes: AtomicU64::new(0),
            undecided_traces: AtomicU64::new(0),
            traces_before_block: AtomicU64::new(u64::MAX),
        }
    }

    /// The process's budget.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// A shard's undecided traces hold `change` bytes more, or less, by wrapping around.
    pub(super) fn undecided_changed(&self, change: u64) {
        self.undecided_bytes.fetch_add(change, Ordering::Relaxed);
    }

    /// A shard has `change` more undecided traces, or less, by wrapping around.
    pub(super) fn traces_changed(&self, change: u64) {
        self.undecided_traces.fetch_add(change, Ordering::Relaxed);
    }

    /// Takes over what `windows` say of `block_on_overflow`.
    pub(super) fn set_block(&self, windows: &WindowConfig) {
        let traces = windows.num_traces.filter(|_| windows.block_on_overflow);
        let traces = traces.map_or(u64::MAX, |traces| traces as u64);
        self.traces_before_block.store(traces, Ordering::Relaxed);
    }

    /// Whether there are `num_traces` undecided traces and clients are to wait until there are fewer.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        let traces = self.undecided_traces.load(Ordering::Relaxed);
        traces >= self.traces_before_block.load(Ordering::Relaxed)
    }

    /// Whether undecided traces should be decided early.
    pub(super) fn is_relieved_by_deciding(&self) -> bool {
        let floor = self.budget.limit_bytes() / 100 * UNDECIDED_FLOOR_PERCENT;
        self.is_high() && self.undecided_bytes.load(Ordering::Relaxed) > floor
    }

    /// Whether memory is short, whoever holds it.
    pub(super) fn is_high(&self) -> bool {
        self.budget.used_bytes() > self.budget.limit_bytes() / 100 * PRESSURE_PERCENT
    }

    /// Whether it will be once `more_bytes` are charged.
    pub(super) fn is_high_with(&self, more_bytes: u64) -> bool {
        let used_bytes = self.budget.used_bytes() + more_bytes;
        used_bytes > self.budget.limit_bytes() / 100 * PRESSURE_PERCENT
    }

    /// What a trace that is waited for may hold, in bytes.
    pub(super) fn trace_bytes_max(&self) -> u64 {
        self.budget.limit_bytes() / 100 * TRACE_PERCENT_MAX
    }
}
