//! Leaves a plugin alone that keeps failing: a failed call may cost its whole deadline, and a new instance.
//!
//! Opens when [`FAILURES_MIN`] calls within [`WINDOW_NS`] have failed and they are a tenth of all or more, or so many
//! have run past their deadline whatever the others did. Then nobody is asked for a second; one call decides whether to
//! close again, or to wait twice as long as the last time, a minute at most. One for each shard, so that it is as
//! repeatable as the shard's traces are.

use super::failure::Reason;
use crate::clock::Moment;

/// Failures are counted within so long.
const WINDOW_NS: u64 = 10_000_000_000;
/// So many open it.
const FAILURES_MIN: u32 = 5;
/// If they are at least one in so many calls.
const CALLS_A_FAILURE_MAX: u32 = 10;
/// First pause.
const PAUSE_NS_MIN: u64 = 1_000_000_000;
/// Longest pause. After so long without opening, the next pause is the first again.
const PAUSE_NS_MAX: u64 = 60_000_000_000;

/// What a breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BreakerState {
    /// The plugin is asked.
    #[default]
    Closed,
    /// It is not.
    Open,
    /// It is asked once.
    Trying,
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: BreakerState,
    window_began: Moment,
    calls: u32,
    failures: u32,
    overruns: u32,
    /// Of the latest opening.
    pause_ns: u64,
    opens_again: Moment,
}

impl Breaker {
    pub(super) fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether the plugin may be asked now.
    pub(super) fn admits(&mut self, now: Moment) -> bool {
        if self.state != BreakerState::Open {
            return true;
        }
        if now < self.opens_again {
            return false;
        }
        self.state = BreakerState::Trying;
        true
    }

    /// How long the plugin is left alone since the latest failure, in nanoseconds; `None` when it is not.
    pub(super) fn pause_ns(&self) -> Option<u64> {
        (self.state == BreakerState::Open).then_some(self.pause_ns)
    }

    pub(super) fn succeeded(&mut self, now: Moment) {
        self.count(now);
        if self.state == BreakerState::Trying {
            self.state = BreakerState::Closed;
        }
    }

    pub(super) fn failed(&mut self, reason: Reason, now: Moment) {
        self.count(now);
        self.failures += 1;
        self.overruns += u32::from(reason == Reason::Deadline);
        let is_often = self.failures >= FAILURES_MIN
            && self.failures.saturating_mul(CALLS_A_FAILURE_MAX) >= self.calls;
        let is_too_much = is_often || self.overruns >= FAILURES_MIN;
        if self.state == BreakerState::Trying || is_too_much {
            self.open(now);
        }
    }

    fn count(&mut self, now: Moment) {
        if now.0.saturating_sub(self.window_began.0) > WINDOW_NS {
            self.begin_window(now);
        }
        self.calls += 1;
    }

    fn open(&mut self, now: Moment) {
        let since_last_ns = now.0.saturating_sub(self.opens_again.0);
        self.pause_ns = if self.pause_ns == 0 || since_last_ns > PAUSE_NS_MAX {
            PAUSE_NS_MIN
        } else {
            (self.pause_ns * 2).min(PAUSE_NS_MAX)
        };
        self.opens_again = Moment(now.0.saturating_add(self.pause_ns));
        self.state = BreakerState::Open;
        self.begin_window(now);
    }

    fn begin_window(&mut self, now: Moment) {
        self.window_began = now;
        (self.calls, self.failures, self.overruns) = (0, 0, 0);
    }
}

impl BreakerState {
    /// All, in the order that gauges are kept in.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::Trying];

    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Trying => "trying",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn fail(breaker: &mut Breaker, times: u32, reason: Reason, now: Moment) {
        for _ in 0..times {
            assert!(breaker.admits(now));
            breaker.failed(reason, now);
        }
    }

    #[test]
    fn it_opens_at_the_fifth_failure_and_waits_twice_as_long_each_time() {
        let mut breaker = Breaker::default();
        let mut now = Moment(7 * SECOND);
        fail(&mut breaker, 5, Reason::Trap, now);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(breaker.state(), BreakerState::Open);
            assert!(!breaker.admits(Moment(now.0 + pause * SECOND - 1)));
            now = Moment(now.0 + pause * SECOND);
            fail(&mut breaker, 1, Reason::Trap, now);
        }
        now = Moment(now.0 + 60 * SECOND);
        assert!(breaker.admits(now));
        breaker.succeeded(now);
        assert_eq!(breaker.state(), BreakerState::Closed);
        // Long after, it begins anew.
        now = Moment(now.0 + 61 * SECOND);
        fail(&mut breaker, 5, Reason::Trap, now);
        assert!(breaker.admits(Moment(now.0 + SECOND)));
    }

    #[test]
    fn rare_traps_are_borne_and_rare_overruns_are_not() {
        let state_after = |reason| {
            let mut breaker = Breaker::default();
            for call in 0..1_000 {
                let now = Moment(call * SECOND / 1_000);
                if breaker.admits(now) {
                    match call % 20 {
                        0 => breaker.failed(reason, now),
                        _ => breaker.succeeded(now),
                    }
                }
            }
            breaker.state()
        };
        assert_eq!(state_after(Reason::Trap), BreakerState::Closed);
        assert_eq!(state_after(Reason::Deadline), BreakerState::Open);
    }

    #[test]
    fn failures_far_apart_do_not_add_up() {
        let mut breaker = Breaker::default();
        for call in 0..20 {
            fail(
                &mut breaker,
                1,
                Reason::Deadline,
                Moment(call * 11 * SECOND),
            );
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
