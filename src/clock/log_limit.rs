//! At most so many log lines of a kind in an interval, with the number of those left out.

use std::time::Duration;

use parking_lot::Mutex;

use super::{Clock, Moment, duration_ns};

/// Time in which a [`LogLimit`] admits one line.
pub(crate) const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Admits some lines in each interval, by whatever clock its owner goes by.
#[derive(Debug)]
pub(crate) struct LogQuota {
    lines_max: u32,
    interval_ns: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the interval is over that lines are counted in.
    next: Option<Moment>,
    lines: u32,
    left_out: u64,
}

impl LogQuota {
    pub(crate) fn new(lines_max: u32, interval_ns: u64) -> Self {
        Self {
            lines_max,
            interval_ns,
            state: Mutex::default(),
        }
    }

    /// Whether to log at `now`: `Some` with the number of lines left out since the last one.
    pub(crate) fn admit(&self, now: Moment) -> Option<u64> {
        let mut state = self.state.lock();
        if state.next.is_none_or(|next| now >= next) {
            state.next = Some(Moment(now.0.saturating_add(self.interval_ns)));
            state.lines = 0;
        }
        if state.lines >= self.lines_max {
            state.left_out += 1;
            return None;
        }
        state.lines += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

/// Admits one line per [`LOG_INTERVAL`] of its clock.
#[derive(Debug)]
pub(crate) struct LogLimit {
    clock: Clock,
    quota: LogQuota,
}

impl LogLimit {
    pub(crate) fn new(clock: Clock) -> Self {
        let quota = LogQuota::new(1, duration_ns(LOG_INTERVAL));
        Self { clock, quota }
    }

    /// Whether to log now: `Some` with the number of lines left out since the last one.
    pub(crate) fn admit(&self) -> Option<u64> {
        self.quota.admit(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_so_many_lines_and_the_next_tells_what_was_left_out() {
        let quota = LogQuota::new(2, 100);
        let admitted: Vec<_> = [50, 51, 52, 149, 150]
            .map(|now| quota.admit(Moment(now)))
            .into();
        assert_eq!(admitted, [Some(0), Some(0), None, None, Some(2)]);
    }

    #[test]
    fn one_line_per_interval_tells_how_many_it_stands_for() {
        let clock = Clock::manual();
        let limit = LogLimit::new(clock.clone());
        assert_eq!(limit.admit(), Some(0));
        assert_eq!(limit.admit(), None);
        assert_eq!(limit.admit(), None);
        clock.advance(LOG_INTERVAL);
        assert_eq!(limit.admit(), Some(2));
        assert_eq!(limit.admit(), None);
    }
}
