//! The generator's own books: what of each trace was sent and acknowledged, written as JSON lines at the end.
//!
//! Error and latency are those of the *acknowledged* spans, since a receiver can judge only what it got. Memory: about
//! 60 bytes a trace until the end.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::cohort::{Cohort, Trace};
use super::shape::Shape;
use crate::otlp::ids::TraceId;

/// A trace longer than this is slow, in milliseconds: the threshold of `policies/default.yaml`.
pub const SLOW_MS: u64 = 1_000;

/// Collects cohorts while they are sent.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Arc<Cohort>>>);

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The trace's identifier, in hexadecimal digits.
    pub trace_id: String,
    /// Spans that were sent.
    pub spans_sent: u64,
    /// Spans in acknowledged requests.
    pub spans_acknowledged: u64,
    /// Spans in requests whose last attempt had no answer: the receiver may have them.
    pub spans_in_doubt: u64,
    /// Whether an acknowledged span has an error status.
    pub error: bool,
    /// Whether the acknowledged spans last longer than [`SLOW_MS`].
    pub slow: bool,
    /// From the earliest start to the latest end of the acknowledged spans, in whole milliseconds.
    pub latency_ms: u64,
    /// The trace's start, in nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
}

impl Ledger {
    /// Notes a cohort that is about to be sent.
    pub fn enter(&self, cohort: Arc<Cohort>) {
        self.0.lock().push(cohort);
    }

    /// How many traces were begun.
    #[must_use]
    pub fn traces(&self) -> u64 {
        let cohorts = self.0.lock();
        cohorts
            .iter()
            .map(|cohort| cohort.traces.len() as u64)
            .sum()
    }

    /// Writes a line for each trace, in the order in which they were begun.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, shape: &Shape, out: &mut impl Write) -> io::Result<()> {
        for cohort in self.0.lock().iter() {
            for trace in &cohort.traces {
                serde_json::to_writer(&mut *out, &Entry::of(shape, cohort, trace))?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()
    }
}

impl Entry {
    fn of(shape: &Shape, cohort: &Cohort, trace: &Trace) -> Self {
        let mut entry = Self {
            trace_id: TraceId(trace.id).to_string(),
            spans_sent: shape.spans().len() as u64,
            spans_acknowledged: 0,
            spans_in_doubt: 0,
            error: false,
            slow: false,
            latency_ms: 0,
            start_unix_ns: trace.start_ns,
        };
        let (mut start_ns, mut end_ns) = (u64::MAX, 0);
        for (service, numbers) in shape.services().iter().enumerate() {
            entry.spans_in_doubt += if cohort.is_in_doubt(service) {
                numbers.len() as u64
            } else {
                0
            };
            if !cohort.is_acknowledged(service) {
                continue;
            }
            entry.spans_acknowledged += numbers.len() as u64;
            entry.error |= trace.error_span.is_some_and(|span| numbers.contains(&span));
            for number in numbers.clone() {
                let (start, end) = trace.span_times_ns(shape, number);
                start_ns = start_ns.min(start);
                end_ns = end_ns.max(end);
            }
        }
        entry.latency_ms = end_ns.saturating_sub(start_ns) / 1_000_000;
        entry.slow = entry.latency_ms > SLOW_MS;
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::super::cohort::Rates;
    use super::*;
    use crate::tools::drive::Outcome;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    fn entries(settle: impl Fn(&Cohort)) -> Vec<Entry> {
        let shape = Shape::new(25, 5).unwrap();
        let mut random = SmallRng::seed_from_u64(1);
        let rates = Rates {
            error: 1.0,
            slow: 1.0,
        };
        let trace = |_| Trace::random(&shape, rates, 1_700_000_000_000_000_000, &mut random);
        let cohort = Arc::new(Cohort::new((0..20).map(trace).collect()));
        let ledger = Ledger::default();
        ledger.enter(Arc::clone(&cohort));
        settle(&cohort);
        assert_eq!(ledger.traces(), 20);
        let mut out = Vec::new();
        ledger.write(&shape, &mut out).unwrap();
        let lines = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn acknowledged_traces_are_entered_with_error_and_latency() {
        let entries = entries(|cohort| {
            (0..5).for_each(|service| cohort.settle(service, Outcome::Acknowledged));
        });
        assert_eq!(entries.len(), 20);
        for entry in entries {
            assert_eq!((entry.spans_sent, entry.spans_acknowledged), (25, 25));
            assert!(entry.error && entry.slow && entry.latency_ms >= 1_200);
            assert_eq!(entry.spans_in_doubt, 0);
        }
    }

    #[test]
    fn what_was_not_acknowledged_counts_neither_as_error_nor_as_slow() {
        let entries = entries(|cohort| cohort.settle(0, Outcome::Refused));
        for entry in &entries {
            assert!(!entry.error && !entry.slow);
            assert_eq!((entry.latency_ms, entry.spans_acknowledged), (0, 0));
        }
    }

    #[test]
    fn unanswered_requests_are_in_doubt() {
        let entries = entries(|cohort| {
            cohort.settle(0, Outcome::Acknowledged);
            cohort.settle(4, Outcome::InDoubt);
        });
        for entry in &entries {
            assert_eq!((entry.spans_acknowledged, entry.spans_in_doubt), (5, 5));
        }
        let errors = entries.iter().filter(|entry| entry.error).count();
        assert!(
            (1..20).contains(&errors),
            "errors fell into other services too"
        );
    }
}
