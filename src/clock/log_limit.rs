//! At most one log line of a kind per interval, with the number of those left out.

use std::time::Duration;

use parking_lot::Mutex;

use super::{Clock, Moment};

/// Time between two lines of one kind.
pub(crate) const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Admits one event per [`LOG_INTERVAL`].
#[derive(Debug)]
pub(crate) struct LogLimit {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: Option<Moment>,
    left_out: u64,
}

impl LogLimit {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// Whether to log now: `Some` with the number of events left out since the last line.
    pub(crate) fn admit(&self) -> Option<u64> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        if state.next.is_some_and(|next| now < next) {
            state.left_out += 1;
            return None;
        }
        state.next = Some(now.after(LOG_INTERVAL));
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
