//! Notices that the whole process stood still (stopped, swapped out, its machine suspended), before anything acts on it.
//!
//! Who wakes from a pause sees every deadline over at once, while others may have agreed meanwhile that it is dead
//! (rule 17). So whoever acts beats first; the first to beat after a gap notes the pause and takes it off the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Clock, Moment};
use crate::planted::{Planted, is_planted};

/// A gap between beats above which the process has stood still; some thread beats at least ten times as often.
const GAP_MAX: Duration = Duration::from_secs(1);

/// Beats of one process. Clones share them.
#[derive(Debug, Clone)]
pub struct Heartbeat(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    last_ns: AtomicU64,
    is_in_doubt: AtomicBool,
    /// Taken by the first to notice, so that nobody goes on before the clock is right.
    noticing: Mutex<Duration>,
}

impl Heartbeat {
    /// Beats of the process whose time `clock` tells.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self(Arc::new(Shared {
            clock: clock.clone(),
            last_ns: AtomicU64::new(clock.unskipped().0),
            is_in_doubt: AtomicBool::new(false),
            noticing: Mutex::default(),
        }))
    }

    /// Beats; says whether the process may act. It may not after a pause, until [`Heartbeat::go_on`].
    #[must_use]
    pub fn beat(&self) -> bool {
        let now = self.0.clock.unskipped();
        let last = Moment(self.0.last_ns.load(Ordering::Acquire));
        if now.since(last) > GAP_MAX {
            self.notice(now);
        } else {
            self.0.last_ns.fetch_max(now.0, Ordering::AcqRel);
        }
        !self.is_in_doubt()
    }

    /// The clock that pauses are taken off.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether the process has paused and is not sure yet that it may go on.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.0.is_in_doubt.load(Ordering::Acquire)
    }

    /// The pauses since the last time somebody asked, together.
    #[must_use]
    pub fn take_paused(&self) -> Duration {
        std::mem::take(&mut *self.0.noticing.lock())
    }

    /// The process may act again.
    pub fn go_on(&self) {
        self.0.is_in_doubt.store(false, Ordering::Release);
    }

    fn notice(&self, now: Moment) {
        let mut paused = self.0.noticing.lock();
        let last = Moment(self.0.last_ns.load(Ordering::Acquire));
        let gap = now.since(last);
        if gap <= GAP_MAX {
            return;
        }
        if is_planted(Planted::DeadlinesAfterPause) {
            self.0.last_ns.store(now.0, Ordering::Release);
            return;
        }
        *paused += gap;
        self.0.is_in_doubt.store(true, Ordering::Release);
        self.0.clock.skip(gap);
        // Only now do others take it for noticed.
        self.0.last_ns.store(now.0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_beats_is_a_pause_until_somebody_says_to_go_on() {
        let clock = Clock::manual();
        let heartbeat = Heartbeat::new(&clock);
        clock.advance(Duration::from_millis(900));
        assert!(heartbeat.beat());
        clock.advance(Duration::from_millis(5_000));
        assert!(!heartbeat.beat());
        assert!(!heartbeat.beat());
        assert_eq!(heartbeat.take_paused(), Duration::from_millis(5_000));
        assert_eq!(heartbeat.take_paused(), Duration::ZERO);
        heartbeat.go_on();
        assert!(heartbeat.beat());
    }

    #[test]
    fn a_pause_does_not_count_on_the_systems_clock() {
        let clock = Clock::system();
        let heartbeat = Heartbeat::new(&clock);
        let before = clock.now();
        clock.skip(Duration::from_secs(60));
        assert_eq!(clock.now(), Moment(0));
        assert!(before <= clock.unskipped());
        assert!(heartbeat.beat());
    }
}
