//! Limiters that all shards share: a token bucket, and counters by wall-clock second.
//!
//! A bucket starts full and behaves as Go's `x/time/rate` limiter does when asked for n tokens now: all or nothing, and never more than the
//! bucket holds.

use parking_lot::Mutex;

use super::policy::Context;
use crate::clock::Moment;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Spans or bytes per second, with a burst.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_second: f64,
    capacity: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    /// When `tokens` was right; `None` before the first call.
    at: Option<Moment>,
}

/// How much was granted within the current second of the wall clock, for each of several limits.
#[derive(Debug)]
pub(super) struct SecondCounters {
    limits: Vec<i64>,
    state: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    second: u64,
    counts: Vec<i64>,
}

impl TokenBucket {
    pub(super) fn new(per_second: f64, capacity: f64) -> Self {
        Self {
            per_second: per_second.max(0.0),
            capacity,
            state: Mutex::new(State {
                tokens: capacity,
                at: None,
            }),
        }
    }

    /// Takes `tokens` if there are that many; in a rehearsal, tells whether there are.
    pub(super) fn take(&self, tokens: f64, context: Context) -> bool {
        let now = context.now;
        let mut state = self.state.lock();
        let elapsed = state.at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let available = (state.tokens + elapsed * self.per_second).min(self.capacity);
        let enough = tokens <= available;
        if context.is_rehearsal {
            return enough;
        }
        state.tokens = if enough {
            available - tokens
        } else {
            available
        };
        // Shards read the clock apart from each other: time must not run twice.
        state.at = Some(state.at.map_or(now, |at| at.max(now)));
        enough
    }
}

impl TokenBucket {
    /// Whether both have the same rate and capacity.
    pub(super) fn has_limits_of(&self, other: &Self) -> bool {
        self.per_second == other.per_second && self.capacity == other.capacity
    }
}

impl SecondCounters {
    pub(super) fn new(limits: Vec<i64>) -> Self {
        let counts = vec![0; limits.len()];
        Self {
            limits,
            state: Mutex::new(Counted { second: 0, counts }),
        }
    }

    /// Takes `amount` of limit number `index` if it still fits within the second; in a rehearsal, tells whether it would.
    pub(super) fn take(&self, index: usize, amount: i64, context: Context) -> bool {
        let second = context.unix_ns / NS_PER_SECOND;
        let mut state = self.state.lock();
        // Shards read the clock apart from each other: a second that is over does not come back.
        if second > state.second {
            state.second = second;
            state.counts.fill(0);
        }
        let (Some(count), Some(limit)) = (state.counts.get_mut(index), self.limits.get(index))
        else {
            return false;
        };
        let sum = count.saturating_add(amount);
        let fits = sum <= *limit;
        if fits && !context.is_rehearsal {
            *count = sum;
        }
        fits
    }

    /// Whether both have the same limits.
    pub(super) fn has_limits_of(&self, other: &Self) -> bool {
        self.limits == other.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(now_ns: u64) -> Context {
        Context {
            now: Moment(now_ns),
            ..Context::default()
        }
    }

    #[test]
    fn starts_full_and_refills_at_its_rate_up_to_its_capacity() {
        let bucket = TokenBucket::new(10.0, 20.0);
        assert!(bucket.take(20.0, at(0)));
        assert!(!bucket.take(1.0, at(0)));
        assert!(bucket.take(10.0, at(SECOND)));
        assert!(!bucket.take(1.0, at(SECOND)));
        assert!(bucket.take(20.0, at(100 * SECOND)));
        assert!(!bucket.take(1.0, at(100 * SECOND)));
    }

    #[test]
    fn takes_all_or_nothing() {
        let bucket = TokenBucket::new(1.0, 5.0);
        assert!(!bucket.take(6.0, at(0)));
        assert!(bucket.take(5.0, at(0)));
    }

    #[test]
    fn an_earlier_moment_adds_nothing() {
        let bucket = TokenBucket::new(1.0, 5.0);
        assert!(bucket.take(5.0, at(5 * SECOND)));
        assert!(!bucket.take(1.0, at(SECOND)));
        assert!(!bucket.take(1.0, at(5 * SECOND)));
        assert!(bucket.take(1.0, at(6 * SECOND)));
    }

    #[test]
    fn a_rehearsal_takes_nothing() {
        let bucket = TokenBucket::new(1.0, 5.0);
        let rehearsal = Context {
            is_rehearsal: true,
            ..Context::default()
        };
        assert!(bucket.take(5.0, rehearsal) && !bucket.take(6.0, rehearsal));
        assert!(bucket.take(5.0, at(0)));
        let counters = SecondCounters::new(vec![5]);
        assert!(counters.take(0, 5, rehearsal) && counters.take(0, 5, at(0)));
        assert!(!counters.take(0, 1, at(0)));
    }

    #[test]
    fn counters_begin_anew_each_second_and_never_go_back() {
        let counters = SecondCounters::new(vec![5, 1]);
        let second = |number: u64| Context {
            unix_ns: number * SECOND,
            ..Context::default()
        };
        assert!(counters.take(0, 5, second(7)) && counters.take(1, 1, second(7)));
        assert!(!counters.take(0, 1, second(7)) && !counters.take(0, 1, second(6)));
        assert!(counters.take(0, 5, second(8)) && !counters.take(0, 6, second(9)));
        assert!(!counters.take(2, 1, second(9)));
    }
}
