//! Questions about a trace to the other replicas: first to the holder of its slot, and to all where that says too little,
//! since votes stay where a decision was made when its slot moves on.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value};

use super::core::Core;
use crate::batch::key::KeyHash;
use crate::batch::replica::ReplicaId;
use crate::otlp::ids::TraceId;
use crate::router::forward::{Forwarder, OrderError};
use crate::router::holders::Route;

/// Asks the other replicas.
#[derive(Debug, Clone)]
pub(in crate::replica) struct Questions {
    pub(super) core: Arc<Core>,
    pub(super) forwarder: Forwarder,
}

/// What the others say of a trace.
#[derive(Debug, Default)]
pub(in crate::replica) struct Elsewhere {
    /// Things known, as the replicas wrote them.
    pub(in crate::replica) found: Vec<(ReplicaId, Map<String, Value>)>,
    /// Who could not be asked.
    pub(in crate::replica) not_answered: Vec<NotAnswered>,
}

/// A replica that could not be asked.
#[derive(Debug, Serialize)]
pub(in crate::replica) struct NotAnswered {
    replica: String,
    problem: String,
}

impl Questions {
    /// This replica.
    pub(in crate::replica) fn own_id(&self) -> ReplicaId {
        self.core.life().replica
    }

    /// Who holds the trace's slot, as routes are by now; `None` if nobody does.
    pub(in crate::replica) fn holder(&self, trace_id: TraceId) -> Option<ReplicaId> {
        let slot = KeyHash::of(trace_id, None).slot();
        match self.core.routes().get(slot) {
            Route::Here => Some(self.own_id()),
            Route::There { replica, .. } => Some(replica.clone()),
            Route::Nobody => None,
        }
    }

    /// Asks the holder, if it is another; and everybody if it knows no more than this replica, which `knows_why` or not.
    pub(in crate::replica) async fn ask(&self, trace_id: TraceId, knows_why: bool) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
        let own_id = self.own_id();
        let holder = self.holder(trace_id).filter(|holder| *holder != own_id);
        if let Some(holder) = &holder {
            elsewhere.take(holder, self.forwarder.about(holder, trace_id).await);
        }
        if knows_why || elsewhere.knows_why() {
            return elsewhere;
        }
        let others = self.forwarder.status().into_iter();
        let others = others.filter_map(|destination| destination.replica);
        let others: Vec<ReplicaId> = others
            .filter(|other| Some(other) != holder.as_ref())
            .collect();
        let answers = others.iter().map(|it| self.forwarder.about(it, trace_id));
        for (other, answer) in others.iter().zip(join_all(answers).await) {
            elsewhere.take(other, answer);
        }
        elsewhere
    }
}

impl Elsewhere {
    fn take(&mut self, replica: &ReplicaId, answer: Result<Bytes, OrderError>) {
        let found = answer
            .map_err(|error| told(&error))
            .and_then(|answer| parse(&answer));
        match found {
            Ok(found) => {
                let found = found.into_iter().map(|entry| (replica.clone(), entry));
                self.found.extend(found);
            }
            Err(problem) => self.not_answered.push(NotAnswered {
                replica: replica.to_string(),
                problem,
            }),
        }
    }

    fn knows_why(&self) -> bool {
        self.found.iter().any(|(_, entry)| !is_remembered(entry))
    }
}

/// Whether an entry says only what was decided, and not why.
pub(in crate::replica) fn is_remembered(entry: &Map<String, Value>) -> bool {
    entry.get("state").and_then(Value::as_str) == Some("remembered")
}

fn parse(answer: &Bytes) -> Result<Vec<Map<String, Value>>, String> {
    serde_json::from_slice(answer).map_err(|error| format!("its answer cannot be read: {error}"))
}

/// An error with what lies behind it.
fn told(error: &OrderError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_or_read_is_told() {
        let b = ReplicaId::new("b").unwrap();
        let mut elsewhere = Elsewhere::default();
        elsewhere.take(&b, Err(OrderError::NotConnected(b.clone())));
        elsewhere.take(&b, Ok(Bytes::from_static(b"{")));
        assert_eq!(elsewhere.not_answered.len(), 2);
        assert_eq!(
            elsewhere.not_answered[0].problem,
            "there is no connection to b"
        );
        let remembered = Bytes::from_static(br#"[{"state":"remembered","decision":"sampled"}]"#);
        elsewhere.take(&b, Ok(remembered));
        assert!(!elsewhere.knows_why());
        elsewhere.take(&b, Ok(Bytes::from_static(br#"[{"state":"kept"}]"#)));
        assert!(elsewhere.knows_why());
    }
}
