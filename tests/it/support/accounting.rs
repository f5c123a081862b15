//! Contract I2 from outside: every span received is in exactly one count, every kept one settled by each exporter.

use serde::Deserialize;

/// `/api/v1/status`, as far as the books go.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) memory: Memory,
    pub(crate) spans: Spans,
    pub(crate) unaccounted_spans: i64,
    pub(crate) exporters: Vec<Exporter>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Memory {
    pub(crate) limit_bytes: u64,
    pub(crate) used_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Spans {
    pub(crate) received: u64,
    pub(crate) received_from_peers: u64,
    pub(crate) refused: u64,
    pub(crate) deduplicated: u64,
    pub(crate) forwarded: u64,
    pub(crate) held: u64,
    pub(crate) buffered: u64,
    pub(crate) kept: u64,
    pub(crate) not_sampled: u64,
    pub(crate) dropped: u64,
    pub(crate) releasing: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Exporter {
    pub(crate) name: String,
    pub(crate) queued_spans: u64,
    pub(crate) sent_spans: u64,
    pub(crate) failed_spans: u64,
}

impl Status {
    /// Whether all spans received are decided, and all kept ones exported or given up.
    pub(crate) fn holds_nothing(&self) -> bool {
        let settled = |exporter: &Exporter| {
            exporter.queued_spans == 0
                && exporter.sent_spans + exporter.failed_spans == self.spans.kept
        };
        self.spans.buffered == 0
            && self.spans.held == 0
            && self.spans.releasing == 0
            && self.unaccounted_spans == 0
            && self.exporters.iter().all(settled)
    }

    /// The exporter of this name.
    pub(crate) fn exporter(&self, name: &str) -> &Exporter {
        let found = self.exporters.iter().find(|exporter| exporter.name == name);
        found.unwrap_or_else(|| panic!("no exporter {name}: {self:#?}"))
    }

    /// Checks the books at rest.
    pub(crate) fn assert_balanced(&self) {
        let spans = &self.spans;
        let received = spans.received + spans.received_from_peers;
        let passed_on = spans.forwarded + spans.held;
        let found = spans.refused + spans.deduplicated + passed_on + spans.buffered;
        let found = found + spans.kept + spans.not_sampled + spans.dropped;
        assert_eq!(received, found, "{self:#?}");
        assert_eq!(self.unaccounted_spans, 0, "{self:#?}");
        for exporter in &self.exporters {
            let settled = exporter.sent_spans + exporter.failed_spans + exporter.queued_spans;
            assert_eq!(
                spans.kept,
                settled + spans.releasing,
                "{}: {self:#?}",
                exporter.name
            );
        }
    }
}
