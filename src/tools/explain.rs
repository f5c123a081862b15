//! Asks a running replica what became of a trace: `GET /api/v1/traces/{trace_id}` of its admin port.

mod text;

use http::Uri;
use serde::Deserialize;

use super::admin_port::{self, Answer, AskError};
use crate::otlp::ids::TraceId;

/// What a replica knows of a trace. Displayed as text for people.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Explanation {
    /// The trace.
    pub trace_id: String,
    /// What is known: nothing, one thing, or several where traces of one ID were decided apart.
    pub found: Vec<Entry>,
    /// Replicas that may know more and could not be asked.
    #[serde(default)]
    pub not_answered: Vec<NotAnswered>,
}

/// A replica that could not be asked.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct NotAnswered {
    /// Its ID.
    pub replica: String,
    /// Why.
    pub problem: String,
}

/// One thing known of a trace.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// In a cluster, who knows it.
    pub replica: Option<String>,
    /// `buffered`, `kept`, `dropped` or `remembered`.
    pub state: String,
    /// `sampled`, `not_sampled` or `dropped`.
    pub decision: String,
    /// Of a buffered one.
    pub due_in_seconds: Option<f64>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// What made it due.
    pub trigger: Option<String>,
    /// When, as RFC 3339 writes it.
    pub decided_at: Option<String>,
    /// Of the policies.
    pub generation: Option<u64>,
    /// From the first span to the decision, or until now.
    pub held_seconds: Option<f64>,
    /// Spans then.
    pub spans: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
    /// What every policy said.
    pub votes: Vec<Vote>,
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Vote {
    /// Its name, `outer/inner` of a nested one.
    pub policy: String,
    /// Its type.
    pub r#type: String,
    /// `sampled`, `not_sampled`, `dropped`, `abstained`, `failed` or `not_asked`.
    pub vote: String,
    /// The value that it looked at.
    pub value: String,
    /// The last lines that a plugin has logged about the trace.
    pub log: Vec<LogLine>,
}

/// A line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// What it says.
    pub text: String,
}

/// Asks the admin port at `admin` about a trace; an unknown one is an answer without entries.
///
/// # Errors
/// [`AskError`] when nobody answers, or somebody else.
pub async fn ask(admin: &Uri, trace_id: TraceId) -> Result<Answer<Explanation>, AskError> {
    admin_port::ask(admin, &format!("/api/v1/traces/{trace_id}")).await
}
