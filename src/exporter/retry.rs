//! When to try again: exponential back-off with jitter, as the collector's `retry_on_failure`.
//!
//! The interval grows by half with each attempt up to `max_interval`, and each wait is drawn from ±50 % around it, so
//! that replicas that lost the same backend do not come back to it together. A wait that the destination asked for
//! (RetryInfo, Retry-After) is a minimum, believed up to [`ASKED_WAIT_MAX`].

use std::time::Duration;

use rand::Rng as _;

use super::config::RetryConfig;
use super::outcome::Retry;

/// Longest wait that a destination may ask for; an answer that names a year must not stop the pipeline for a year.
pub(super) const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);

/// Shortest interval, so that `initial_interval: 0s` does not spin.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Longest interval, so that no arithmetic on intervals can overflow.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

const GROWTH: f64 = 1.5;

/// The back-off of one request.
#[derive(Debug)]
pub(super) struct Backoff {
    config: RetryConfig,
    interval: Duration,
    elapsed: Duration,
}

impl Backoff {
    /// A back-off before its first failure.
    pub(super) fn new(config: RetryConfig) -> Self {
        Self {
            interval: config
                .initial_interval
                .min(config.max_interval)
                .clamp(INTERVAL_MIN, INTERVAL_MAX),
            elapsed: Duration::ZERO,
            config,
        }
    }

    /// How long to wait after an attempt that took `attempt_took` and failed; `None` to give up.
    ///
    /// It is given up when retrying is off, the failure is final, or the next attempt would begin after
    /// `max_elapsed_time`, counted from the first attempt.
    pub(super) fn wait_after(&mut self, attempt_took: Duration, retry: Retry) -> Option<Duration> {
        self.wait_with_jitter(attempt_took, retry, rand::rng().random_range(0.5..=1.5))
    }

    fn wait_with_jitter(
        &mut self,
        attempt_took: Duration,
        retry: Retry,
        jitter: f64,
    ) -> Option<Duration> {
        let Retry::After(asked) = retry else {
            return None;
        };
        if !self.config.enabled {
            return None;
        }
        let wait = self.interval.mul_f64(jitter).max(asked.min(ASKED_WAIT_MAX));
        self.elapsed = self.elapsed.saturating_add(attempt_took);
        self.elapsed = self.elapsed.saturating_add(wait);
        if self
            .config
            .max_elapsed_time
            .is_some_and(|max| self.elapsed > max)
        {
            return None;
        }
        let grown = self.interval.mul_f64(GROWTH);
        let max = self.config.max_interval.clamp(INTERVAL_MIN, INTERVAL_MAX);
        self.interval = grown.min(max);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WISH: Retry = Retry::After(Duration::ZERO);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn config(max_elapsed_time: Option<Duration>) -> RetryConfig {
        RetryConfig {
            enabled: true,
            initial_interval: seconds(8),
            max_interval: seconds(20),
            max_elapsed_time,
        }
    }

    #[test]
    fn the_interval_grows_by_half_up_to_the_maximum() {
        let mut backoff = Backoff::new(config(None));
        let mut waits = Vec::new();
        for _ in 0..5 {
            waits.push(backoff.wait_with_jitter(seconds(1), NO_WISH, 1.0));
        }
        let expected = [8, 12, 18, 20, 20].map(|wait| Some(seconds(wait)));
        assert_eq!(waits, expected);
    }

    #[test]
    fn jitter_keeps_each_wait_within_half_of_the_interval() {
        for _ in 0..1_000 {
            let mut backoff = Backoff::new(config(None));
            let wait = backoff.wait_after(Duration::ZERO, NO_WISH).unwrap();
            assert!((seconds(4)..=seconds(12)).contains(&wait), "{wait:?}");
        }
    }

    #[test]
    fn a_wait_that_the_destination_asks_for_is_a_minimum_up_to_an_hour() {
        let mut backoff = Backoff::new(config(None));
        let mut wait = |asked| backoff.wait_with_jitter(Duration::ZERO, Retry::After(asked), 1.0);
        assert_eq!(wait(seconds(60)), Some(seconds(60)));
        assert_eq!(wait(seconds(1)), Some(seconds(12)));
        assert_eq!(wait(Duration::MAX), Some(ASKED_WAIT_MAX));
    }

    #[test]
    fn a_request_is_given_up_when_the_next_attempt_would_begin_too_late() {
        let mut backoff = Backoff::new(config(Some(seconds(30))));
        let mut wait = || backoff.wait_with_jitter(seconds(1), NO_WISH, 1.0);
        assert_eq!(wait(), Some(seconds(8)));
        assert_eq!(wait(), Some(seconds(12)));
        assert_eq!(wait(), None);
    }

    #[test]
    fn a_final_failure_and_a_disabled_retry_are_given_up_at_once() {
        let mut backoff = Backoff::new(config(None));
        assert_eq!(backoff.wait_after(Duration::ZERO, Retry::Never), None);
        let mut backoff = Backoff::new(RetryConfig {
            enabled: false,
            ..config(None)
        });
        assert_eq!(backoff.wait_after(Duration::ZERO, NO_WISH), None);
    }

    #[test]
    fn an_interval_of_zero_does_not_spin() {
        let mut backoff = Backoff::new(RetryConfig {
            initial_interval: Duration::ZERO,
            ..config(None)
        });
        let wait = backoff.wait_after(Duration::ZERO, NO_WISH);
        assert!(wait.unwrap() >= INTERVAL_MIN / 2);
    }
}
