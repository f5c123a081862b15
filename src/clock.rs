//! The only place that reads time, so that tests and simulations can inject it.
//!
//! Three readings: [`Moment`], monotonic, for windows, back-off and latency; Unix time, for what users see; and the time
//! that a thread has had the CPU, for what others' code may take.

mod heartbeat;
pub(crate) mod log_limit;
mod rfc3339;
mod ticker;

pub use heartbeat::Heartbeat;
pub use rfc3339::rfc3339;
pub use ticker::{NoThread, Ticker};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds on the monotonic clock since the clock was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub u64);

/// A source of time: the system's, or one that a test moves by hand.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    /// Of pauses of the process, which do not count.
    skipped_ns: Arc<AtomicU64>,
}

#[derive(Debug, Clone)]
enum Source {
    System { origin: Instant },
    Manual { now_ns: Arc<AtomicU64> },
}

impl Moment {
    /// The moment `by` later, at most the end of time.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(duration_ns(by)))
    }

    /// The moment `by` earlier, at the least the first.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(duration_ns(by)))
    }

    /// How long after `earlier` this moment is; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Clock {
    /// The system's clock; its moments count from now.
    #[must_use]
    #[allow(clippy::disallowed_methods)]
    pub fn system() -> Self {
        Self::of(Source::System {
            origin: Instant::now(),
        })
    }

    /// A clock that stands still until [`Clock::advance`] moves it. Its clones move with it.
    #[must_use]
    pub fn manual() -> Self {
        Self::of(Source::Manual {
            now_ns: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Moves a manual clock; a system clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual { now_ns } = &self.source {
            now_ns.fetch_add(duration_ns(by), Ordering::Relaxed);
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        let skipped_ns = self.skipped_ns.load(Ordering::Acquire);
        Moment(self.unskipped().0.saturating_sub(skipped_ns))
    }

    /// The present moment as if nothing had been skipped: for who looks for pauses.
    fn unskipped(&self) -> Moment {
        match &self.source {
            Source::System { origin } => Moment(duration_ns(origin.elapsed())),
            Source::Manual { now_ns } => Moment(now_ns.load(Ordering::Relaxed)),
        }
    }

    /// Moves all moments from now on back by `by`: a pause that did not count, so that every deadline is as far off as
    /// it was. Nobody may read the clock in between.
    fn skip(&self, by: Duration) {
        self.skipped_ns.fetch_add(duration_ns(by), Ordering::AcqRel);
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            skipped_ns: Arc::default(),
        }
    }

    /// Nanoseconds since the Unix epoch; a manual clock starts there.
    #[must_use]
    #[allow(clippy::disallowed_methods)]
    pub fn unix_ns(&self) -> u64 {
        match &self.source {
            Source::System { .. } => duration_ns(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
            Source::Manual { now_ns } => now_ns.load(Ordering::Relaxed),
        }
    }
}

/// For how long this thread has had the CPU in its life, in nanoseconds. A call of the system: not for every trace.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or_default()
}

fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand_and_with_its_clones() {
        let clock = Clock::manual();
        let twin = clock.clone();
        assert_eq!(twin.now(), Moment(0));
        clock.advance(Duration::from_millis(3));
        assert_eq!(twin.now(), Moment(3_000_000));
        assert_eq!(
            twin.now().since(Moment(1_000_000)),
            Duration::from_millis(2)
        );
    }
}
