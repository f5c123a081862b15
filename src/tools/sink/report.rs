//! The backend's summary, as JSON and as text.

use std::fmt;

use serde::Serialize;

use super::ledger::Ledger;

/// What `sink` prints at the end.
#[derive(Debug, Clone, Serialize)]
pub struct SinkReport {
    /// Requests taken.
    pub requests: u64,
    /// Spans in them.
    pub spans: u64,
    /// Bytes in them, inflated, as protobuf.
    pub bytes: u64,
    /// Requests that were made to fail.
    pub failed_requests: u64,
    /// Spans in those.
    pub failed_spans: u64,
    /// From the first request taken to the last, in seconds.
    pub busy_s: f64,
    /// Counts by trace; absent where only counts are wanted.
    pub traces: Option<TraceCounts>,
}

/// Counts that need books by trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TraceCounts {
    /// Different traces.
    pub traces: u64,
    /// Traces with a span that has no parent.
    pub with_root: u64,
    /// Traces with an error.
    pub with_error: u64,
    /// Different spans.
    pub unique_spans: u64,
    /// Spans that came again.
    pub duplicate_spans: u64,
    /// Spans without a valid trace or span ID.
    pub nameless_spans: u64,
    /// Spans beyond the limit of the books.
    pub untracked_spans: u64,
}

impl TraceCounts {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let mut counts = Self {
            nameless_spans: ledger.nameless(),
            untracked_spans: ledger.untracked(),
            ..Self::default()
        };
        for (_, book) in ledger.traces() {
            counts.traces += 1;
            counts.with_root += u64::from(book.has_root());
            counts.with_error += u64::from(book.has_error());
            counts.unique_spans += book.spans();
            counts.duplicate_spans += book.duplicates();
        }
        counts
    }
}

impl fmt::Display for SinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.spans as f64 / self.busy_s.max(0.001);
        let megabytes = self.bytes as f64 / 1e6;
        writeln!(
            f,
            "{} spans in {} requests ({megabytes:.1} MB) over {:.1} s: {rate:.0} spans/s",
            self.spans, self.requests, self.busy_s
        )?;
        if self.failed_requests > 0 {
            writeln!(
                f,
                "{} spans in {} requests failed as told to",
                self.failed_spans, self.failed_requests
            )?;
        }
        let Some(counts) = self.traces else {
            return Ok(());
        };
        writeln!(
            f,
            "{} traces: {} with their root, {} with an error",
            counts.traces, counts.with_root, counts.with_error
        )?;
        writeln!(f, "{} spans came twice", counts.duplicate_spans)?;
        for (count, what) in [
            (counts.nameless_spans, "have no valid trace or span ID"),
            (counts.untracked_spans, "are beyond the limit of the books"),
        ] {
            if count > 0 {
                writeln!(f, "{count} spans {what}")?;
            }
        }
        Ok(())
    }
}
