//! Limiters that all shards share: a token bucket, and counters by wall-clock second.
//!
//! A bucket starts full and behaves as Go's `x/time/rate` limiter does when asked for n tokens now: all or nothing, and never more than the
//! bucket holds.
//!
//! Of a limit of the whole cluster a replica grants its [`Share`], which changes as it goes. A trace may be larger than that share
//! and yet fit the whole: it is granted when the share is full, and the replica owes the difference. What a second's share could
//! not grant because the next trace was larger than the rest is kept for the second after. Else shares of a few spans would round
//! to nothing.

use parking_lot::Mutex;

use super::config::LimitScope;
use super::policy::{Context, Share};
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
    /// Below 0 when more was granted than the share.
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
    counts: Vec<Count>,
}

/// Of one limit.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    granted: f64,
    /// Left over from the second before; below 0 when more was granted than the share.
    carried: f64,
    /// The smallest trace refused that would have fitted the whole limit; 0 if none was, or the share is the whole.
    refused: f64,
}

impl LimitScope {
    /// The part that a replica may grant.
    pub(super) fn share(self, context: &Context) -> Share {
        match self {
            Self::Replica => Share::WHOLE,
            Self::Cluster => context.share,
        }
    }
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

    /// Takes `tokens` if the share has that many; in a rehearsal, tells whether it has.
    pub(super) fn take(&self, tokens: f64, share: Share, context: Context) -> bool {
        let now = context.now;
        let full = self.capacity * share.part();
        let mut state = self.state.lock();
        let elapsed = state.at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let refill = elapsed * self.per_second * share.part();
        let available = (state.tokens + refill).min(full);
        let enough = tokens <= self.capacity && tokens.min(full) <= available;
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
        let counts = vec![Count::default(); limits.len()];
        Self {
            limits,
            state: Mutex::new(Counted { second: 0, counts }),
        }
    }

    /// Takes `amount` of the share of limit number `index` if it still fits within the second; in a rehearsal, tells whether it
    /// would.
    pub(super) fn take(&self, index: usize, amount: i64, share: Share, context: Context) -> bool {
        let second = context.unix_ns / NS_PER_SECOND;
        let mut state = self.state.lock();
        // Shards read the clock apart from each other: a second that is over does not come back.
        if second > state.second {
            let seconds = (second - state.second) as f64;
            state.second = second;
            for (count, limit) in state.counts.iter_mut().zip(&self.limits) {
                count.begin_second(*limit as f64 * share.part(), seconds);
            }
        }
        let (Some(count), Some(limit)) = (state.counts.get_mut(index), self.limits.get(index))
        else {
            return false;
        };
        let (amount, limit) = (amount as f64, *limit as f64);
        if amount > limit {
            return false;
        }
        let full = limit * share.part();
        let fits = amount.min(full) <= full + count.carried - count.granted;
        if context.is_rehearsal {
            return fits;
        }
        if fits {
            count.granted += amount;
        } else if share != Share::WHOLE {
            let is_smallest = count.refused == 0.0 || amount < count.refused;
            count.refused = if is_smallest { amount } else { count.refused };
        }
        fits
    }

    /// Whether both have the same limits.
    pub(super) fn has_limits_of(&self, other: &Self) -> bool {
        self.limits == other.limits
    }
}

impl Count {
    /// So many seconds after the one that it counted, with this much to grant in each.
    fn begin_second(&mut self, full: f64, seconds: f64) {
        let left = full + self.carried - self.granted;
        let carried = if left < 0.0 {
            (left + (seconds - 1.0) * full).min(0.0)
        } else if seconds == 1.0 {
            left.min(self.refused)
        } else {
            0.0
        };
        *self = Self {
            carried,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests;
