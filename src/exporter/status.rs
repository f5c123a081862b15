//! An exporter's state for people: a part of `/api/v1/status`.

/// An exporter at a glance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ExporterStatus {
    /// Its name as configured.
    pub name: String,
    /// Spans in the queue, those under way included.
    pub queued_spans: u64,
    /// Encoded bytes of the same.
    pub queued_bytes: u64,
    /// The queue's limit.
    pub limit_bytes: u64,
    /// Spans that the destination acknowledged.
    pub sent_spans: u64,
    /// Spans given up, for whatever reason.
    pub failed_spans: u64,
    /// Whether the latest attempt failed.
    pub failing: bool,
    /// The latest failure, even if the exporter has recovered since.
    pub last_error: Option<String>,
}
