//! What became of each span that the queue took (contract I2), counted once, and told once.
//!
//! At rest, spans taken = sent + failed{reason} + queued. Log lines are limited to one per kind and interval: a backend
//! that refuses everything must not fill the disk.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{info, warn};

use super::outcome::{Accepted, Failure};
use super::reason::Reason;
use crate::batch::export::ExportBatch;
use crate::clock::Clock;
use crate::clock::log_limit::LogLimit;
use crate::metrics::ExporterMetrics;

/// Counts and tells what became of requests.
#[derive(Debug)]
pub(super) struct Ledger {
    name: String,
    metrics: ExporterMetrics,
    sent_spans: AtomicU64,
    failed_spans: AtomicU64,
    abandoned_spans: AtomicU64,
    failing: AtomicBool,
    last_error: Mutex<Option<String>>,
    log_retries: LogLimit,
    log_failures: LogLimit,
    log_partial: LogLimit,
    log_drops: LogLimit,
}

impl Ledger {
    pub(super) fn new(name: String, metrics: ExporterMetrics, clock: &Clock) -> Self {
        let limit = || LogLimit::new(clock.clone());
        Self {
            name,
            metrics,
            sent_spans: AtomicU64::new(0),
            failed_spans: AtomicU64::new(0),
            abandoned_spans: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            last_error: Mutex::new(None),
            log_retries: limit(),
            log_failures: limit(),
            log_partial: limit(),
            log_drops: limit(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn sent_spans(&self) -> u64 {
        self.sent_spans.load(Ordering::Relaxed)
    }

    pub(super) fn failed_spans(&self) -> u64 {
        self.failed_spans.load(Ordering::Relaxed)
    }

    /// Spans given up because a shutdown's grace period ended.
    pub(super) fn abandoned_spans(&self) -> u64 {
        self.abandoned_spans.load(Ordering::Relaxed)
    }

    /// Whether the latest attempt failed.
    pub(super) fn failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    /// An attempt ended, however.
    pub(super) fn attempted(&self, took: Duration) {
        self.metrics
            .request_duration_seconds
            .record(took.as_secs_f64());
    }

    /// The destination took `batch`.
    pub(super) fn accepted(&self, batch: &ExportBatch, accepted: &Accepted) {
        let rejected = accepted.rejected_spans;
        let sent = batch.spans.saturating_sub(rejected);
        self.sent_spans.fetch_add(sent, Ordering::Relaxed);
        self.metrics.spans_sent.increment(sent);
        self.metrics.requests_sent.increment(1);
        self.metrics.bytes_sent.increment(batch.size_bytes());
        self.metrics.wire_bytes_sent.increment(accepted.wire_bytes);
        if self.failing.swap(false, Ordering::Relaxed) {
            info!(exporter = self.name, "the destination takes requests again");
        }
        if rejected > 0 {
            self.count_failed(rejected, Reason::PartialSuccess);
            self.note_error(&format!("{rejected} spans rejected: {}", accepted.message));
        }
        if rejected == 0 && accepted.message.is_empty() {
            return;
        }
        if let Some(left_out) = self.log_partial.admit() {
            warn!(
                exporter = self.name,
                rejected_spans = rejected,
                message = accepted.message,
                left_out,
                "partial success"
            );
        }
    }

    /// An attempt failed; another follows after `wait`.
    pub(super) fn retrying(&self, failure: &Failure, wait: Duration) {
        self.metrics
            .requests_retried(failure.reason.label())
            .increment(1);
        self.failing.store(true, Ordering::Relaxed);
        self.note_error(&failure.message);
        if let Some(left_out) = self.log_retries.admit() {
            warn!(
                exporter = self.name,
                reason = failure.reason.label(),
                error = failure.message,
                wait_ms = wait.as_millis(),
                left_out,
                "request not delivered, will be sent again"
            );
        }
    }

    /// `batch` is given up.
    pub(super) fn gave_up(&self, batch: &ExportBatch, failure: &Failure) {
        self.count_failed(batch.spans, failure.reason);
        self.failing.store(true, Ordering::Relaxed);
        self.note_error(&failure.message);
        if let Some(left_out) = self.log_failures.admit() {
            warn!(
                exporter = self.name,
                reason = failure.reason.label(),
                error = failure.message,
                spans = batch.spans,
                left_out,
                "request given up"
            );
        }
    }

    /// These were dropped to make room for newer ones.
    pub(super) fn dropped_oldest(&self, dropped: &[ExportBatch]) {
        let spans: u64 = dropped.iter().map(|batch| batch.spans).sum();
        if dropped.is_empty() {
            return;
        }
        self.count_failed(spans, Reason::DroppedOldest);
        if let Some(left_out) = self.log_drops.admit() {
            warn!(
                exporter = self.name,
                spans, left_out, "queue full: oldest requests dropped"
            );
        }
    }

    /// `batch` is left undelivered by a shutdown.
    pub(super) fn abandoned(&self, batch: &ExportBatch) {
        self.count_failed(batch.spans, Reason::Shutdown);
        self.abandoned_spans
            .fetch_add(batch.spans, Ordering::Relaxed);
    }

    fn count_failed(&self, spans: u64, reason: Reason) {
        self.failed_spans.fetch_add(spans, Ordering::Relaxed);
        self.metrics.spans_failed(reason.label()).increment(spans);
    }

    fn note_error(&self, message: &str) {
        *self.last_error.lock() = Some(message.to_owned());
    }
}
