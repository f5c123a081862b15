//! Traces that start together and whose spans travel together: one request for each of their services.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;

use super::shape::{BASE_DURATION_NS, Shape};
use crate::tools::drive::Outcome;

/// By how much a slow trace is longer than others, in nanoseconds.
pub const SLOW_EXTRA_NS: u64 = 1_200_000_000;

/// A trace's scale is a multiple of its length in this fraction: 1/64.
const SCALE_ONE: u64 = 64;

/// Scales of traces: 50 ms to 400 ms long.
const SCALES: std::ops::RangeInclusive<u64> = SCALE_ONE / 2..=SCALE_ONE * 4;

/// How often traces are special.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Share of traces with one error span, 0 to 1.
    pub error: f64,
    /// Share of traces longer than a second, 0 to 1.
    pub slow: f64,
}

/// One generated trace: everything else about it follows from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Its identifier.
    pub id: [u8; 16],
    /// Its start, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// The number of its span with an error, if any.
    pub error_span: Option<usize>,
    /// Whether one of its spans is slow.
    pub is_slow: bool,
    scale: u64,
}

/// Traces sent together, and which services' requests were settled how (a bit for each service).
#[derive(Debug)]
pub struct Cohort {
    /// Its traces.
    pub traces: Vec<Trace>,
    acknowledged: AtomicU64,
    in_doubt: AtomicU64,
}

impl Trace {
    /// A trace with random identifier that ends about `now_ns`.
    pub fn random(shape: &Shape, rates: Rates, now_ns: u64, random: &mut impl Rng) -> Self {
        let is_slow = random.random_bool(rates.slow.clamp(0.0, 1.0));
        let scale = random.random_range(SCALES);
        let has_error = random.random_bool(rates.error.clamp(0.0, 1.0));
        let length_ns = scaled(BASE_DURATION_NS, scale) + if is_slow { SLOW_EXTRA_NS } else { 0 };
        Self {
            id: random.random::<u128>().max(1).to_be_bytes(),
            start_ns: now_ns.saturating_sub(length_ns),
            error_span: has_error.then(|| random.random_range(0..shape.spans().len())),
            is_slow,
            scale,
        }
    }

    /// The identifier of span number `number`: distinct within the trace, the same whenever it is asked for, so that
    /// children in another request can name it.
    #[must_use]
    pub fn span_id(&self, number: usize) -> [u8; 8] {
        let [_, low] = self.id.as_chunks::<8>().0 else {
            return [1; 8];
        };
        let seed = u64::from_be_bytes(*low);
        let mixed =
            splitmix(seed.wrapping_add((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        mixed.max(1).to_be_bytes()
    }

    /// Start and end of span number `number`, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn span_times_ns(&self, shape: &Shape, number: usize) -> (u64, u64) {
        let Some(span) = shape.spans().get(number) else {
            return (self.start_ns, self.start_ns);
        };
        let extra = if self.is_slow && span.on_slow_path {
            SLOW_EXTRA_NS
        } else {
            0
        };
        let start = self.start_ns + scaled(span.start_ns, self.scale);
        let end = self.start_ns + scaled(span.end_ns, self.scale) + extra;
        (start, end)
    }
}

impl Cohort {
    /// A cohort of which nothing is sent yet.
    #[must_use]
    pub fn new(traces: Vec<Trace>) -> Self {
        Self {
            traces,
            acknowledged: AtomicU64::new(0),
            in_doubt: AtomicU64::new(0),
        }
    }

    /// Notes what became of the request of `service`.
    pub fn settle(&self, service: usize, outcome: Outcome) {
        let mask = match outcome {
            Outcome::Acknowledged => &self.acknowledged,
            Outcome::InDoubt => &self.in_doubt,
            Outcome::Refused => return,
        };
        mask.fetch_or(1 << (service % 64), Ordering::Relaxed);
    }

    /// Whether the request of `service` was acknowledged.
    #[must_use]
    pub fn is_acknowledged(&self, service: usize) -> bool {
        self.acknowledged.load(Ordering::Relaxed) >> (service % 64) & 1 == 1
    }

    /// Whether it is unknown what the server has of the request of `service`.
    #[must_use]
    pub fn is_in_doubt(&self, service: usize) -> bool {
        self.in_doubt.load(Ordering::Relaxed) >> (service % 64) & 1 == 1
    }
}

fn scaled(ns: u64, scale: u64) -> u64 {
    ns * scale / SCALE_ONE
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so distinct inputs stay distinct.
fn splitmix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::SmallRng;
    use std::collections::HashSet;

    const NOW_NS: u64 = 1_700_000_000_000_000_000;

    fn traces(rates: Rates) -> Vec<Trace> {
        let shape = Shape::new(25, 5).unwrap();
        let mut random = SmallRng::seed_from_u64(7);
        let trace = |_| Trace::random(&shape, rates, NOW_NS, &mut random);
        (0..2_000).map(trace).collect()
    }

    #[test]
    fn span_identifiers_are_distinct_within_a_trace() {
        for trace in traces(Rates {
            error: 0.0,
            slow: 0.0,
        })
        .iter()
        .take(20)
        {
            let ids: HashSet<_> = (0..10_000).map(|number| trace.span_id(number)).collect();
            assert_eq!(ids.len(), 10_000);
            assert!(!ids.contains(&[0; 8]));
        }
    }

    #[test]
    fn slow_traces_and_only_they_last_longer_than_a_second() {
        let shape = Shape::new(25, 5).unwrap();
        for trace in traces(Rates {
            error: 0.0,
            slow: 0.3,
        }) {
            let (start, end) = trace.span_times_ns(&shape, 0);
            assert_eq!(trace.is_slow, end - start > 1_000_000_000);
            assert_eq!(end, NOW_NS);
        }
    }

    #[test]
    fn error_and_slow_traces_come_at_about_their_rates() {
        let traces = traces(Rates {
            error: 0.1,
            slow: 0.3,
        });
        let errors = traces.iter().filter(|trace| trace.error_span.is_some());
        assert!((150..250).contains(&errors.count()));
        assert!((500..700).contains(&traces.iter().filter(|trace| trace.is_slow).count()));
    }

    #[test]
    fn services_are_settled_apart() {
        let cohort = Cohort::new(Vec::new());
        cohort.settle(63, Outcome::Acknowledged);
        cohort.settle(1, Outcome::InDoubt);
        cohort.settle(2, Outcome::Refused);
        assert!(cohort.is_acknowledged(63) && cohort.is_in_doubt(1));
        assert!(!cohort.is_acknowledged(1) && !cohort.is_in_doubt(2));
    }
}
