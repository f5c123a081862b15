//! When the next request is meant to go out, at a given rate of spans.
//!
//! Moments are computed from the number of spans planned so far and not from the previous request, so rounding never
//! accumulates and a stall is caught up with: an open loop, which does not omit what a slow server prevented.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::Moment;

/// A rate with a beginning; without a rate everything is due at once (a closed loop).
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    start: Moment,
    spans_per_second: Option<NonZeroU64>,
}

impl Pace {
    /// A pace of `spans_per_second` from `start` on; zero means as fast as answers come.
    #[must_use]
    pub fn new(start: Moment, spans_per_second: u64) -> Self {
        Self {
            start,
            spans_per_second: NonZeroU64::new(spans_per_second),
        }
    }

    /// When a request is due that has `spans_before` spans before it; `now` in a closed loop.
    #[must_use]
    pub fn due(&self, spans_before: u64, now: Moment) -> Moment {
        let Some(rate) = self.spans_per_second else {
            return now;
        };
        let nanos = u128::from(spans_before) * 1_000_000_000 / u128::from(rate.get());
        self.start.after(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_at_any_rate_is_an_hour_to_the_nanosecond() {
        for rate in [1, 7, 50_000, 1_200_000] {
            let pace = Pace::new(Moment(5), rate);
            assert_eq!(pace.due(rate * 3_600, Moment(0)), Moment(3_600_000_000_005));
        }
    }

    #[test]
    fn moments_do_not_depend_on_when_they_are_asked_for() {
        let pace = Pace::new(Moment(0), 1_000);
        assert_eq!(
            pace.due(100, Moment(0)),
            pace.due(100, Moment(9_000_000_000))
        );
        assert_eq!(pace.due(100, Moment(0)), Moment(100_000_000));
    }

    #[test]
    fn without_a_rate_everything_is_due_now() {
        let pace = Pace::new(Moment(0), 0);
        assert_eq!(pace.due(1_000_000, Moment(42)), Moment(42));
    }
}
