//! As many lines of a kind in an interval, with the number of those left out; by the time of decisions.

use parking_lot::Mutex;

/// Admits some lines in each interval.
#[derive(Debug)]
pub(super) struct LogQuota {
    lines_max: u32,
    interval_ns: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the moment that lines were counted at last.
    interval: Option<u64>,
    lines: u32,
    left_out: u64,
}

impl LogQuota {
    pub(super) fn new(lines_max: u32, interval_ns: u64) -> Self {
        Self {
            lines_max,
            interval_ns,
            state: Mutex::default(),
        }
    }

    /// Whether to log at `now_ns`: `Some` with the number of lines left out since the last one.
    pub(super) fn admit(&self, now_ns: u64) -> Option<u64> {
        let interval = Some(now_ns / self.interval_ns);
        let mut state = self.state.lock();
        if state.interval != interval {
            state.interval = interval;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_so_many_lines_and_the_next_tells_what_was_left_out() {
        let quota = LogQuota::new(2, 100);
        let admitted: Vec<_> = [0, 1, 2, 99, 100].map(|now| quota.admit(now)).into();
        assert_eq!(admitted, [Some(0), Some(0), None, None, Some(2)]);
    }
}
