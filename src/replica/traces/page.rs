//! The page about a trace: what this replica knows and what others say, put together.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Entry;
use crate::otlp::ids::TraceId;
use crate::replica::cluster::{Elsewhere, NotAnswered, is_remembered};

#[derive(Debug, Serialize)]
pub(super) struct Page {
    trace_id: String,
    /// In a cluster, the replica that holds the trace's slot; null if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Value>,
    /// What is known; empty where nothing is.
    pub(super) found: Vec<Found>,
    /// Replicas that may know more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_answered: Vec<NotAnswered>,
}

/// One thing known of the trace, and by whom.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// In a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<String>,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    Here(Box<Entry>),
    /// As the other replica wrote it.
    Elsewhere(Map<String, Value>),
}

/// What is only remembered is left out where somebody knows why.
pub(super) fn page(
    trace_id: TraceId,
    holder: Option<Value>,
    own_id: Option<String>,
    here: Vec<Entry>,
    elsewhere: Elsewhere,
) -> Page {
    let here = here.into_iter().map(|entry| Found {
        replica: own_id.clone(),
        what: What::Here(Box::new(entry)),
    });
    let others = elsewhere.found.into_iter().map(|(replica, entry)| Found {
        replica: Some(replica.to_string()),
        what: What::Elsewhere(entry),
    });
    let mut found: Vec<Found> = here.chain(others).collect();
    if found.iter().any(Found::says_why) {
        found.retain(Found::says_why);
    } else {
        // All replicas that remember it say the same.
        found.truncate(1);
    }
    Page {
        trace_id: trace_id.to_string(),
        holder,
        found,
        not_answered: elsewhere.not_answered,
    }
}

impl Found {
    fn says_why(&self) -> bool {
        match &self.what {
            What::Here(entry) => entry.details.is_some(),
            What::Elsewhere(entry) => !is_remembered(entry),
        }
    }
}

#[cfg(test)]
mod tests;
