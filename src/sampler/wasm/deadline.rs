//! When a call has had its time.
//!
//! The first half is counted in ticks, by the clock on the wall, and nothing is read for it: nearly all calls are over by
//! then. The second half is time that the call's thread has had the CPU for, so that a shard that was kept waiting, by
//! its machine or by others on it, does not make a plugin fail. A loop ends after its deadline where nothing is kept
//! waiting, and has never had more of the CPU than that.

use wasmtime::UpdateDeadline;

const NS_PER_MS: u64 = 1_000_000;

/// The time of one call.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    half_ms: u64,
    /// What the thread had used up when the first half was over.
    cpu_ns_at_half: Option<u64>,
}

impl Deadline {
    /// A call begins that may take so long; returns the ticks after which to ask [`Self::reached`].
    pub(super) fn begin(&mut self, limit_ms: u64) -> u64 {
        self.half_ms = limit_ms.div_ceil(2);
        self.cpu_ns_at_half = None;
        // The first tick may be about to come.
        self.half_ms + 1
    }

    /// What to do now that the ticks are over; the thread has had the CPU for `cpu_ns` in its life.
    pub(super) fn reached(&mut self, cpu_ns: u64) -> UpdateDeadline {
        let Some(at_half) = self.cpu_ns_at_half else {
            self.cpu_ns_at_half = Some(cpu_ns);
            return UpdateDeadline::Continue(self.half_ms);
        };
        let used_ns = cpu_ns.saturating_sub(at_half);
        let left_ns = (self.half_ms * NS_PER_MS).saturating_sub(used_ns);
        // Ticks come a little late: what is left of one is not waited for.
        if left_ns < NS_PER_MS {
            return UpdateDeadline::Interrupt;
        }
        UpdateDeadline::Continue(left_ns / NS_PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(update: UpdateDeadline) -> Option<u64> {
        match update {
            UpdateDeadline::Continue(ticks) => Some(ticks),
            _ => None,
        }
    }

    #[test]
    fn a_call_that_runs_all_the_time_ends_at_its_deadline() {
        let mut deadline = Deadline::default();
        for _ in 0..2 {
            assert_eq!(deadline.begin(10), 6);
            assert_eq!(more(deadline.reached(7 * NS_PER_MS)), Some(5));
            assert_eq!(more(deadline.reached(12 * NS_PER_MS)), None);
        }
    }

    #[test]
    fn a_call_that_is_kept_waiting_goes_on_for_as_long_as_it_has_left() {
        let mut deadline = Deadline::default();
        deadline.begin(10);
        assert_eq!(more(deadline.reached(0)), Some(5));
        assert_eq!(more(deadline.reached(NS_PER_MS / 2)), Some(4));
        assert_eq!(more(deadline.reached(3 * NS_PER_MS)), Some(2));
        assert_eq!(more(deadline.reached(9 * NS_PER_MS / 2)), None);
    }
}
