//! What came of all requests of a run: counts by outcome, and latency quantiles.
//!
//! Two latencies are kept, both of acknowledged requests only. *Answer*: from the start of the attempt that succeeded
//! to its answer. *Intended*: from the moment the request was meant to go out at the given rate, so that waiting for a
//! free lane and retries count (no coordinated omission); the timer's granularity of 1 ms is part of it.

mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;

pub use self::report::{Latency, Quantiles, Report};
use super::client::Answer;
use super::deliver::Delivery;
use super::drive::Outgoing;
use crate::clock::Moment;

/// Different reasons of refusals that are kept apart; the rest is counted together.
const REASONS_MAX: usize = 16;

/// Longest latency told apart, in microseconds: an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Counts of one run; shared by all lanes.
#[derive(Debug)]
pub struct Tally(Mutex<Counts>);

/// A number for each way a request can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ByOutcome {
    /// All that were sent.
    pub sent: u64,
    /// Taken by the server; of spans, without those rejected.
    pub acknowledged: u64,
    /// Refused, and not sent again or not in time.
    pub refused: u64,
    /// Without an answer to the last attempt.
    pub unanswered: u64,
}

#[derive(Debug)]
struct Counts {
    requests: ByOutcome,
    spans: ByOutcome,
    rejected_spans: u64,
    retries: u64,
    retried_spans: u64,
    body_bytes: u64,
    reasons: BTreeMap<String, u64>,
    answer_us: Histogram<u64>,
    intended_us: Histogram<u64>,
}

/// The histograms could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a latency histogram")]
pub struct TallyError(#[source] hdrhistogram::CreationError);

impl Tally {
    /// All zero.
    ///
    /// # Errors
    /// [`TallyError`] if the histogram's bounds are refused, which they are not.
    pub fn new() -> Result<Self, TallyError> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).map_err(TallyError)?;
        Ok(Self(Mutex::new(Counts {
            requests: ByOutcome::default(),
            spans: ByOutcome::default(),
            rejected_spans: 0,
            retries: 0,
            retried_spans: 0,
            body_bytes: 0,
            reasons: BTreeMap::new(),
            answer_us: histogram.clone(),
            intended_us: histogram,
        })))
    }

    /// Counts one settled request whose body had `body_bytes` as sent.
    pub fn record<R>(&self, outgoing: &Outgoing<R>, body_bytes: usize, delivery: &Delivery) {
        let spans = outgoing.spans;
        let mut counts = self.0.lock();
        let counts = &mut *counts;
        counts.retries += delivery.retries;
        counts.retried_spans += delivery.retries * spans;
        counts.body_bytes += body_bytes as u64 * (1 + delivery.retries);
        for reason in &delivery.setbacks {
            count_reason(&mut counts.reasons, reason);
        }
        counts.requests.sent += 1;
        counts.spans.sent += spans;
        match &delivery.answer {
            Answer::Acknowledged {
                rejected_spans,
                message,
            } => {
                let rejected = spans.min(*rejected_spans);
                counts.requests.acknowledged += 1;
                counts.spans.acknowledged += spans - rejected;
                counts.rejected_spans += rejected;
                if rejected > 0 {
                    count_reason(&mut counts.reasons, message);
                }
                let since = |moment: Moment| micros(delivery.answered.since(moment));
                counts
                    .answer_us
                    .saturating_record(since(delivery.last_sent));
                counts
                    .intended_us
                    .saturating_record(since(outgoing.intended));
            }
            Answer::Refused { reason, .. } => {
                counts.requests.refused += 1;
                counts.spans.refused += spans;
                count_reason(&mut counts.reasons, reason);
            }
            Answer::Unanswered { reason } => {
                counts.requests.unanswered += 1;
                counts.spans.unanswered += spans;
                count_reason(&mut counts.reasons, reason);
            }
        }
    }

    /// What was counted so far, over a run of `elapsed`.
    #[must_use]
    pub fn report(&self, elapsed: Duration) -> Report {
        let counts = self.0.lock();
        Report {
            elapsed_s: elapsed.as_secs_f64(),
            requests: counts.requests,
            spans: counts.spans,
            rejected_spans: counts.rejected_spans,
            retries: counts.retries,
            retried_spans: counts.retried_spans,
            body_bytes: counts.body_bytes,
            acknowledged_spans_per_s: counts.spans.acknowledged as f64
                / elapsed.as_secs_f64().max(1e-9),
            latency_ms: Latency {
                answer: Quantiles::of(&counts.answer_us),
                intended: Quantiles::of(&counts.intended_us),
            },
            reasons: counts.reasons.clone(),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn count_reason(reasons: &mut BTreeMap<String, u64>, reason: &str) {
    if let Some(count) = reasons.get_mut(reason) {
        *count += 1;
    } else if reasons.len() < REASONS_MAX {
        reasons.insert(reason.to_owned(), 1);
    } else {
        *reasons.entry("other reasons".to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::message::Message;

    const MS: u64 = 1_000_000;

    fn record(tally: &Tally, answer: Answer, retries: u64, moments_ms: [u64; 3]) {
        let [intended, last_sent, answered] = moments_ms.map(|ms| Moment(ms * MS));
        let outgoing = Outgoing {
            message: Message::build(0, |_| {}),
            spans: 100,
            intended,
            receipt: (),
        };
        let delivery = Delivery {
            answer,
            retries,
            setbacks: vec!["full".into(); usize::try_from(retries).unwrap()],
            in_doubt: false,
            last_sent,
            answered,
        };
        tally.record(&outgoing, 1_000, &delivery);
    }

    fn acknowledged(rejected_spans: u64) -> Answer {
        Answer::Acknowledged {
            rejected_spans,
            message: "bad id".into(),
        }
    }

    #[test]
    fn every_span_sent_ends_in_one_count() {
        let tally = Tally::new().unwrap();
        let reason = || "gone".to_owned();
        record(&tally, acknowledged(0), 2, [0, 0, 1]);
        record(&tally, acknowledged(7), 0, [0, 0, 1]);
        record(
            &tally,
            Answer::Unanswered { reason: reason() },
            0,
            [0, 0, 1],
        );
        let refused = Answer::Refused {
            retryable: false,
            delay: None,
            reason: reason(),
        };
        record(&tally, refused, 1, [0, 0, 1]);
        let report = tally.report(Duration::from_secs(2));
        assert_eq!(
            report.spans,
            ByOutcome {
                sent: 400,
                acknowledged: 193,
                refused: 100,
                unanswered: 100
            }
        );
        assert_eq!(report.rejected_spans, 7);
        assert_eq!((report.retries, report.retried_spans), (3, 300));
        assert_eq!(report.body_bytes, 7_000);
        assert_eq!(report.reasons["full"], 3);
        assert_eq!(report.reasons["gone"], 2);
        assert!((report.acknowledged_spans_per_s - 96.5).abs() < 1e-9);
    }

    #[test]
    fn waiting_for_a_free_lane_counts_in_the_latency_from_the_intended_moment() {
        let tally = Tally::new().unwrap();
        for i in 1..=1_000 {
            record(&tally, acknowledged(0), 0, [0, i - 1, i]);
        }
        let latency = tally.report(Duration::from_secs(1)).latency_ms;
        assert!((latency.answer.p99 - 1.0).abs() < 0.01, "{latency:?}");
        assert!((latency.intended.p50 - 500.0).abs() < 1.0, "{latency:?}");
        assert!((latency.intended.p99 - 990.0).abs() < 1.0, "{latency:?}");
        assert!((latency.intended.max - 1_000.0).abs() < 1.0, "{latency:?}");
    }

    #[test]
    fn many_different_reasons_stay_bounded() {
        let tally = Tally::new().unwrap();
        for i in 0..100 {
            let reason = format!("reason {i}");
            record(&tally, Answer::Unanswered { reason }, 0, [0, 0, 1]);
        }
        let reasons = tally.report(Duration::from_secs(1)).reasons;
        assert_eq!(reasons.len(), REASONS_MAX + 1);
        assert_eq!(reasons["other reasons"], 84);
    }
}
