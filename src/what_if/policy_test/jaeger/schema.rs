//! The JSON of Jaeger's UI, as far as it matters here. Times are in microseconds.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Download {
    pub(super) data: Vec<Trace>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Trace {
    pub(super) spans: Vec<Span>,
    #[serde(default)]
    pub(super) processes: HashMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
    #[serde(default)]
    pub(super) operation_name: String,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
    /// Written by old versions.
    #[serde(rename = "parentSpanID")]
    pub(super) parent_span_id: Option<String>,
    #[serde(default)]
    pub(super) flags: u32,
    pub(super) start_time: u64,
    pub(super) duration: u64,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    pub(super) logs: Option<Vec<Log>>,
    #[serde(rename = "processID", default)]
    pub(super) process_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) ref_type: String,
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(rename = "type", default)]
    pub(super) type_name: String,
    #[serde(default)]
    pub(super) value: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Log {
    pub(super) timestamp: u64,
    #[serde(default)]
    pub(super) fields: Vec<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process {
    #[serde(default)]
    pub(super) service_name: String,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}
