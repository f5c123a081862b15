//! Metrics of one exporter, labelled `exporter=<name as configured>`.
//!
//! Series by reason appear with their first event, so that an exporter does not carry a zero for every code that a
//! backend might answer one day.

use std::fmt;

use ::metrics::{Counter, Gauge, Histogram};
use parking_lot::Mutex;

use super::Registry;

/// Handles of one exporter's metrics.
pub struct ExporterMetrics {
    /// Spans that the destination acknowledged.
    pub spans_sent: Counter,
    /// Requests that the destination acknowledged, in full or in part.
    pub requests_sent: Counter,
    /// Bytes of those requests as encoded, before compression.
    pub bytes_sent: Counter,
    /// Bytes of those requests as they went out: compressed, or as lines of JSON.
    pub wire_bytes_sent: Counter,
    /// Encoded bytes in the queue, those under way included.
    pub queue_bytes: Gauge,
    /// Spans in the queue, those under way included.
    pub queue_spans: Gauge,
    /// The queue's limit in bytes.
    pub queue_limit_bytes: Gauge,
    /// Duration of each attempt, whatever its outcome.
    pub request_duration_seconds: Histogram,
    spans_failed: ByReason,
    requests_retried: ByReason,
}

struct ByReason {
    registry: Registry,
    exporter: String,
    name: &'static str,
    about: &'static str,
    resolved: Mutex<Vec<(&'static str, Counter)>>,
}

impl Registry {
    /// Handles of the exporter called `name` in the configuration.
    #[must_use]
    pub fn exporter(&self, name: &str) -> ExporterMetrics {
        let labels = [("exporter", name)];
        let by_reason = |metric, about| ByReason {
            registry: self.clone(),
            exporter: name.to_owned(),
            name: metric,
            about,
            resolved: Mutex::new(Vec::new()),
        };
        ExporterMetrics {
            spans_sent: self.counter(
                "tailsieve_exporter_spans_sent_total",
                "Spans that the destination acknowledged",
                &labels,
            ),
            requests_sent: self.counter(
                "tailsieve_exporter_requests_sent_total",
                "Requests that the destination acknowledged, in full or in part",
                &labels,
            ),
            bytes_sent: self.counter(
                "tailsieve_exporter_bytes_sent_total",
                "Encoded bytes of acknowledged requests, before compression",
                &labels,
            ),
            wire_bytes_sent: self.counter(
                "tailsieve_exporter_wire_bytes_sent_total",
                "Bytes of acknowledged requests as they went out: compressed, or as lines of JSON",
                &labels,
            ),
            queue_bytes: self.gauge(
                "tailsieve_exporter_queue_bytes",
                "Encoded bytes in the sending queue, those under way included",
                &labels,
            ),
            queue_spans: self.gauge(
                "tailsieve_exporter_queue_spans",
                "Spans in the sending queue, those under way included",
                &labels,
            ),
            queue_limit_bytes: self.gauge(
                "tailsieve_exporter_queue_limit_bytes",
                "Limit of the sending queue in encoded bytes",
                &labels,
            ),
            request_duration_seconds: self.histogram(
                "tailsieve_exporter_request_duration_seconds",
                "Duration of each attempt to deliver a request, whatever its outcome",
                &labels,
            ),
            spans_failed: by_reason(
                "tailsieve_exporter_spans_failed_total",
                "Spans that were given up, by reason",
            ),
            requests_retried: by_reason(
                "tailsieve_exporter_requests_retried_total",
                "Attempts that failed and were followed by another, by reason of the failure",
            ),
        }
    }
}

impl ExporterMetrics {
    /// Spans given up for `reason`, which comes from a fixed set.
    pub fn spans_failed(&self, reason: &'static str) -> Counter {
        self.spans_failed.resolve(reason)
    }

    /// Attempts that failed for `reason`, from the same set, and were followed by another.
    pub fn requests_retried(&self, reason: &'static str) -> Counter {
        self.requests_retried.resolve(reason)
    }
}

impl fmt::Debug for ExporterMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExporterMetrics")
    }
}

impl ByReason {
    fn resolve(&self, reason: &'static str) -> Counter {
        let mut resolved = self.resolved.lock();
        if let Some((_, counter)) = resolved.iter().find(|(known, _)| *known == reason) {
            return counter.clone();
        }
        let labels = [("exporter", self.exporter.as_str()), ("reason", reason)];
        let counter = self.registry.counter(self.name, self.about, &labels);
        resolved.push((reason, counter.clone()));
        counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_by_reason_appear_with_their_first_event_and_carry_the_exporters_name() {
        let registry = Registry::new();
        let metrics = registry.exporter("otlp/second");
        assert!(!registry.render().contains("reason="));
        metrics.spans_failed("unavailable").increment(3);
        metrics.spans_failed("unavailable").increment(4);
        let line = "tailsieve_exporter_spans_failed_total{exporter=\"otlp/second\",reason=\"unavailable\"} 7";
        assert!(registry.render().contains(line), "{}", registry.render());
    }
}
