//! Asks a running replica what became of a trace: `GET /api/v1/traces/{trace_id}` of its admin port.
//!
//! The page is read as clients read it, unknown keys passed over, so that other versions of a replica can be asked.

mod text;

use std::fmt::Write as _;
use std::time::Duration;

use http::{StatusCode, Uri};
use serde::Deserialize;

use super::client::{ClientError, plain_http_client};
use crate::otlp::ids::TraceId;

/// A replica answers within seconds, or it is stuck.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer taken: a hundred decisions of a thousand policies are a tenth of it.
const ANSWER_BYTES_MAX: usize = 64 << 20;

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
    /// `sampled`, `not_sampled`, `dropped`, `failed` or `not_asked`.
    pub vote: String,
    /// The value that it looked at.
    pub value: String,
}

/// An answer, as it came and as it is understood.
#[derive(Debug)]
pub struct Answer {
    /// The JSON.
    pub json: String,
    /// What it says.
    pub explanation: Explanation,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There can be no client.
    #[error("cannot ask {admin}")]
    Client {
        /// The admin port.
        admin: Uri,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// Nobody answers.
    #[error("cannot ask {admin}; is a replica running, and is this its admin.endpoint?")]
    Unreachable {
        /// The admin port.
        admin: Uri,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Something else answers than a replica's admin port.
    #[error("{url} answered {status}, and not as a replica's admin port does: {beginning}")]
    Strange {
        /// What was asked.
        url: String,
        /// Its status.
        status: StatusCode,
        /// The beginning of the answer.
        beginning: String,
    },
}

/// Asks the admin port at `admin` about a trace; an unknown one is an answer without entries.
///
/// # Errors
/// [`ExplainError`] when nobody answers, or somebody else.
pub async fn ask(admin: &Uri, trace_id: TraceId) -> Result<Answer, ExplainError> {
    let failed = |source| ExplainError::Client {
        admin: admin.clone(),
        source,
    };
    let unreachable = |source| ExplainError::Unreachable {
        admin: admin.clone(),
        source,
    };
    let client = plain_http_client(admin, TIMEOUT).map_err(failed)?;
    let base = admin.to_string();
    let url = format!("{}/api/v1/traces/{trace_id}", base.trim_end_matches('/'));
    let mut response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let json = String::from_utf8_lossy(&body).into_owned();
    match serde_json::from_str(&json) {
        Ok(explanation) if matches!(status, StatusCode::OK | StatusCode::NOT_FOUND) => {
            Ok(Answer { json, explanation })
        }
        _ => Err(ExplainError::Strange {
            url,
            status,
            beginning: beginning(&json),
        }),
    }
}

/// The first line of a text, on one line of a terminal.
fn beginning(text: &str) -> String {
    let mut shown = String::new();
    for c in text.trim().chars().take_while(|c| *c != '\n').take(100) {
        let _ = write!(shown, "{}", c.escape_debug());
    }
    if shown.is_empty() {
        shown.push_str("(nothing)");
    }
    shown
}
