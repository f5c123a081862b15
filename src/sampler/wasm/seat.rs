//! Where instances sit: one for each shard and policy, made when the shard first asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::breaker::{Breaker, BreakerState};
use super::failure::Failure;
use super::host::Verdict;
use super::instance::Instance;
use super::lines::Line;
use super::observer::{Observer, Rebuild};
use super::plugin::Plugin;
use crate::clock::Moment;
use crate::sampler::trace_view::TraceView;

/// Most shards. More would share seats.
const SEATS: usize = 1_024;

/// The seats of one policy.
#[derive(Debug)]
pub(in crate::sampler) struct Seats {
    plugin: Arc<Plugin>,
    /// Calls after which an instance is made anew; 0 is never.
    rebuild_after: u64,
    seats: Box<[OnceLock<Box<Mutex<Seat>>>]>,
    observer: OnceLock<Arc<dyn Observer>>,
    /// Over all seats.
    memory_bytes: AtomicUsize,
    /// Seats whose breaker is not closed.
    shards_without: AtomicUsize,
}

#[derive(Debug, Default)]
struct Seat {
    instance: Option<Instance>,
    breaker: Breaker,
    /// As the observer knows it.
    memory_bytes: usize,
}

/// What came of asking.
#[derive(Debug)]
pub(in crate::sampler) enum Asked {
    Answered(Verdict),
    /// And is left alone in this shard for so many nanoseconds, if that was once too often.
    Failed(Failure, Option<u64>),
    /// It has failed too often.
    Skipped,
}

impl Seats {
    pub(in crate::sampler) fn new(plugin: Arc<Plugin>, rebuild_after: u64) -> Self {
        Self {
            plugin,
            rebuild_after,
            seats: (0..SEATS).map(|_| OnceLock::new()).collect(),
            observer: OnceLock::new(),
            memory_bytes: AtomicUsize::new(0),
            shards_without: AtomicUsize::new(0),
        }
    }

    /// Tells `observer` from now on; the first one stays.
    pub(in crate::sampler) fn observe(&self, observer: Arc<dyn Observer>) {
        let _ = self.observer.set(observer);
    }

    pub(in crate::sampler) fn observer(&self) -> Option<&dyn Observer> {
        self.observer.get().map(|observer| &**observer)
    }

    pub(in crate::sampler) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Asks the instance of shard number `shard` about a trace; what it logs goes to `lines`.
    pub(in crate::sampler) fn ask(
        &self,
        shard: usize,
        now: Moment,
        trace: &TraceView<'_>,
        lines: &mut Vec<Line>,
    ) -> Asked {
        let Some(seat) = self.seats.get(shard % SEATS) else {
            return Asked::Skipped;
        };
        // Nobody waits here: a seat has one shard.
        let mut seat = seat.get_or_init(Box::default).lock();
        let before = seat.breaker.state();
        let asked = self.ask_seat(&mut seat, now, trace, lines);
        if let Some(observer) = self.observer() {
            tell(observer, &asked);
        }
        let after = seat.breaker.state();
        if before != after {
            self.breaker_changed(before, after);
        }
        let bytes = seat.instance.as_ref().map_or(0, Instance::memory_bytes);
        if bytes != seat.memory_bytes {
            self.memory_changed(seat.memory_bytes, bytes);
            seat.memory_bytes = bytes;
        }
        asked
    }

    /// Memory of its instances together, as they see it.
    pub(in crate::sampler) fn memory_bytes(&self) -> usize {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Shards in which the plugin is left alone.
    pub(in crate::sampler) fn shards_without(&self) -> usize {
        self.shards_without.load(Ordering::Relaxed)
    }

    fn breaker_changed(&self, from: BreakerState, to: BreakerState) {
        let is_closed = |state| state == BreakerState::Closed;
        match (is_closed(from), is_closed(to)) {
            (true, false) => _ = self.shards_without.fetch_add(1, Ordering::Relaxed),
            (false, true) => _ = self.shards_without.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        if let Some(observer) = self.observer() {
            observer.breaker_changed(from, to);
        }
    }

    fn memory_changed(&self, from: usize, to: usize) {
        // Wraps around where it is less, as the sum does.
        let by = to.wrapping_sub(from);
        self.memory_bytes.fetch_add(by, Ordering::Relaxed);
        if let Some(observer) = self.observer() {
            observer.memory_changed(to as i64 - from as i64);
        }
    }

    /// Asks an instance that is made for this and thrown away: nothing is to come of it.
    pub(in crate::sampler) fn rehearse(
        &self,
        trace: &TraceView<'_>,
        lines: &mut Vec<Line>,
    ) -> Asked {
        let mut instance = match self.plugin.instance() {
            Ok(instance) => instance,
            Err(failure) => return Asked::Failed(failure, None),
        };
        let verdict = instance.evaluate(trace);
        *lines = instance.take_lines().0;
        verdict.map_or_else(|failure| Asked::Failed(failure, None), Asked::Answered)
    }

    fn ask_seat(
        &self,
        seat: &mut Seat,
        now: Moment,
        trace: &TraceView<'_>,
        lines: &mut Vec<Line>,
    ) -> Asked {
        if !seat.breaker.admits(now) {
            return Asked::Skipped;
        }
        let instance = match &mut seat.instance {
            Some(instance) => instance,
            none => match self.plugin.instance() {
                Ok(instance) => none.insert(instance),
                Err(failure) => {
                    seat.breaker.failed(failure.reason, now);
                    return Asked::Failed(failure, seat.breaker.pause_ns());
                }
            },
        };
        let verdict = instance.evaluate(trace);
        if instance.has_lines() {
            let (taken, left_out) = instance.take_lines();
            if let Some(observer) = self.observer() {
                observer.logged(taken.len() as u64, left_out);
            }
            *lines = taken;
        }
        let is_old = self.rebuild_after > 0 && instance.calls() >= self.rebuild_after;
        let spent = instance.spent().or(is_old.then_some(Rebuild::Calls));
        if let Some(why) = spent {
            seat.instance = None;
            if let Some(observer) = self.observer() {
                observer.rebuilt(why);
            }
        }
        match verdict {
            Ok(verdict) => {
                seat.breaker.succeeded(now);
                Asked::Answered(verdict)
            }
            Err(failure) => {
                seat.breaker.failed(failure.reason, now);
                Asked::Failed(failure, seat.breaker.pause_ns())
            }
        }
    }
}

impl Drop for Seats {
    /// Gauges go back to what they are without this policy.
    fn drop(&mut self) {
        let Some(observer) = self.observer.get() else {
            return;
        };
        for seat in self.seats.iter_mut().filter_map(OnceLock::get_mut) {
            let seat = seat.get_mut();
            observer.memory_changed(-(seat.memory_bytes as i64));
            observer.breaker_changed(seat.breaker.state(), BreakerState::Closed);
        }
    }
}

fn tell(observer: &dyn Observer, asked: &Asked) {
    match asked {
        Asked::Answered(verdict) => observer.answered(*verdict),
        Asked::Failed(failure, _) => observer.failed(failure.reason),
        Asked::Skipped => observer.skipped(),
    }
}
