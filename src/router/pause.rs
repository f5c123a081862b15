//! Whether this process stood still: stopped by a signal, swapped out, or starved (rule 17).
//!
//! Told from the monotonic clock alone, by a tick that is due every 100 ms: who was stopped finds at its next tick that
//! far more has passed. Nothing else may decide on deadlines before that tick was taken.

use std::time::Duration;

use crate::clock::Moment;

/// How often to tick.
pub const TICK: Duration = Duration::from_millis(100);

/// A longer gap between two ticks is a pause. Ten ticks: a busy machine is late by some, not by as many.
pub const GAP_MAX: Duration = Duration::from_secs(1);

/// Looks for gaps between ticks.
#[derive(Debug, Clone, Default)]
pub struct PauseDetector {
    last: Option<Moment>,
}

impl PauseDetector {
    /// Takes a tick. Says how long the process stood still, counted from the tick before, if that is a pause.
    pub fn tick(&mut self, now: Moment) -> Option<Duration> {
        let last = self.last.replace(now)?;
        let gap = now.since(last);
        (gap > GAP_MAX).then_some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    #[test]
    fn a_gap_of_more_than_a_second_is_a_pause_and_told_once() {
        let mut detector = PauseDetector::default();
        // The first tick has nothing to be late for, however late the process began.
        assert_eq!(detector.tick(at(60_000)), None);
        assert_eq!(detector.tick(at(60_100)), None);
        assert_eq!(detector.tick(at(61_100)), None);
        let gap = detector.tick(at(66_101));
        assert_eq!(gap, Some(Duration::from_millis(5_001)));
        assert_eq!(detector.tick(at(66_201)), None);
    }
}
