//! The summary of a run, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::ByOutcome;

/// What `generate` and `send` print at the end.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// From the first request to the last answer, in seconds.
    pub elapsed_s: f64,
    /// Requests by how they ended.
    pub requests: ByOutcome,
    /// Spans by how their requests ended.
    pub spans: ByOutcome,
    /// Spans of acknowledged requests that `partial_success` says were not taken.
    pub rejected_spans: u64,
    /// Attempts beyond each request's first.
    pub retries: u64,
    /// Spans in those attempts.
    pub retried_spans: u64,
    /// Bytes of all bodies as sent, retries included, without headers and framing.
    pub body_bytes: u64,
    /// Throughput.
    pub acknowledged_spans_per_s: f64,
    /// Latency of acknowledged requests.
    pub latency_ms: Latency,
    /// Why requests were refused, rejected or unanswered, with how many attempts each; the first 16 reasons.
    pub reasons: BTreeMap<String, u64>,
}

/// The two latencies that [`super`] describes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    /// From the start of the attempt that succeeded.
    pub answer: Quantiles,
    /// From the intended moment.
    pub intended: Quantiles,
}

/// Quantiles in milliseconds, to three significant digits; zero where nothing was recorded.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Quantiles {
    pub(super) fn of(histogram_us: &Histogram<u64>) -> Self {
        let ms = |micros: u64| micros as f64 / 1_000.0;
        let at = |quantile| ms(histogram_us.value_at_quantile(quantile));
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram_us.max()),
        }
    }
}

impl Report {
    /// Whether the server took every span.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.spans.acknowledged == self.spans.sent
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.body_bytes as f64 / 1e6;
        writeln!(
            f,
            "{:.1} s, {:.0} acknowledged spans/s, {megabytes:.1} MB sent",
            self.elapsed_s, self.acknowledged_spans_per_s
        )?;
        writeln!(
            f,
            "\n                   sent  acknowledged       refused    unanswered      rejected       retried"
        )?;
        let mut row = |name: &str, n: ByOutcome, rejected: u64, retried: u64| {
            writeln!(
                f,
                "{name:<9}{:>14}{:>14}{:>14}{:>14}{rejected:>14}{retried:>14}",
                n.sent, n.acknowledged, n.refused, n.unanswered
            )
        };
        row("requests", self.requests, 0, self.retries)?;
        row("spans", self.spans, self.rejected_spans, self.retried_spans)?;
        writeln!(
            f,
            "\nlatency, ms         p50       p90       p99     p99.9       max"
        )?;
        for (name, q) in [
            ("answer", self.latency_ms.answer),
            ("from intended", self.latency_ms.intended),
        ] {
            writeln!(
                f,
                "{name:<13}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>10.2}",
                q.p50, q.p90, q.p99, q.p999, q.max
            )?;
        }
        if !self.reasons.is_empty() {
            writeln!(f, "\nnot acknowledged at once")?;
        }
        for (reason, attempts) in &self.reasons {
            writeln!(f, "{attempts:>10} x {reason}")?;
        }
        Ok(())
    }
}
