//! When which trace is due: a ring of 25 ms buckets, so that a trace costs one push and one pop.
//!
//! A trace falls due in the bucket that its deadline lies in, hence decisions come within one bucket after it. A
//! deadline that moves earlier is scheduled a second time; whoever takes a reference checks that the trace is still
//! there (lazy re-check), so that nothing is ever searched for in the ring.

use std::collections::VecDeque;
use std::time::Duration;

use super::trace_table::TraceRef;
use crate::clock::Moment;

/// Width of a bucket.
pub const BUCKET: Duration = Duration::from_millis(25);
const BUCKET_NS: u64 = 25_000_000;

/// References to traces by the time they are due. Single writer.
#[derive(Debug, Default)]
pub struct Deadlines {
    /// Bucket number of the ring's front.
    first: u64,
    ring: VecDeque<VecDeque<TraceRef>>,
    scheduled: usize,
}

impl Deadlines {
    /// Schedules a trace for `deadline`.
    pub fn schedule(&mut self, deadline: Moment, trace: TraceRef) {
        let bucket = deadline.0.div_ceil(BUCKET_NS);
        if self.ring.is_empty() {
            self.first = bucket;
        }
        while bucket < self.first {
            self.ring.push_front(VecDeque::new());
            self.first -= 1;
        }
        let index = (bucket - self.first) as usize;
        if index >= self.ring.len() {
            self.ring.resize_with(index + 1, VecDeque::new);
        }
        if let Some(due) = self.ring.get_mut(index) {
            due.push_back(trace);
        }
        self.scheduled += 1;
    }

    /// Takes one trace that is due at `now`, the earliest bucket's first.
    pub fn pop_due(&mut self, now: Moment) -> Option<TraceRef> {
        while self.first * BUCKET_NS <= now.0 {
            let due = self.ring.front_mut()?;
            if let Some(trace) = due.pop_front() {
                self.scheduled -= 1;
                return Some(trace);
            }
            self.ring.pop_front();
            self.first += 1;
        }
        None
    }

    /// When the next trace falls due; `None` when none is scheduled.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        if self.scheduled == 0 {
            return None;
        }
        let empty = self.ring.iter().take_while(|due| due.is_empty()).count();
        Some(Moment((self.first + empty as u64) * BUCKET_NS))
    }

    /// Bytes held of the process's memory, about.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        (self.ring.len() * size_of::<VecDeque<TraceRef>>() + self.scheduled * size_of::<TraceRef>())
            as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_trace_falls_due_within_one_bucket_after_its_deadline(
            steps in vec((0_u64..300, 0_u64..500), 1..200),
        ) {
            let mut deadlines = Deadlines::default();
            let mut naive: Vec<(u64, u32)> = Vec::new();
            let mut now_ms = 0;
            for (number, (advance_ms, wait_ms)) in steps.iter().enumerate() {
                now_ms += advance_ms;
                let trace = TraceRef::for_tests(number as u32);
                deadlines.schedule(Moment((now_ms + wait_ms) * 1_000_000), trace);
                naive.push((now_ms + wait_ms, number as u32));
                while let Some(due) = deadlines.pop_due(Moment(now_ms * 1_000_000)) {
                    let position = naive.iter().position(|(_, number)| TraceRef::for_tests(*number) == due).unwrap();
                    prop_assert!(naive.remove(position).0 <= now_ms);
                }
                prop_assert!(naive.iter().all(|(deadline_ms, _)| deadline_ms + 25 > now_ms));
                let next_ms = deadlines.next_due().map(|next| next.0 / 1_000_000);
                let earliest = naive.iter().map(|(deadline_ms, _)| deadline_ms.div_ceil(25) * 25).min();
                prop_assert_eq!(next_ms, earliest);
            }
        }
    }
}
