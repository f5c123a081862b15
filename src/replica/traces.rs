//! `/api/v1/traces/{trace_id}`: what became of a trace, and why, from whichever shard knows, of this replica or of another.

mod page;

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::admin::{TracesAnswer, TracesPage};
use crate::buffer::decision_log::Decided;
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::{Control, Inspect, Known};
use crate::clock::rfc3339;
use crate::otlp::ids::TraceId;
use crate::replica::cluster::{Elsewhere, Questions};
use crate::sampler::evaluation::{Answer, Record};
use crate::sampler::policy_set::PolicyInfo;
use crate::sampler::precedence::Decision;
use page::{Page, page};

/// Most answers to one question: traces of one ID that differ in request metadata, decided more than once.
const ANSWERS_MAX: usize = 100;
/// A shard answers within a turn, some milliseconds.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The shards of a replica, for questions, and the other replicas.
pub(super) struct TracesSource {
    pub(super) inboxes: Arc<[Inbox]>,
    /// `None` of a replica alone.
    pub(super) cluster: Option<Questions>,
}

/// One thing known of the trace.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// `buffered`, `kept`, `dropped`, or `remembered`, which is a decision whose votes are forgotten.
    state: &'static str,
    /// `sampled`, `not_sampled` or `dropped`; of a buffered trace, what it would be now.
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_in_seconds: Option<f64>,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Debug, Serialize)]
struct Details {
    /// The policy that decided.
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    /// Of the policies, see `/api/v1/policies`.
    generation: u64,
    /// From the first span to the decision, or until now.
    held_seconds: f64,
    spans: u64,
    bytes: u64,
    votes: Vec<Vote>,
}

#[derive(Debug, Serialize)]
struct Vote {
    policy: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    /// `sampled`, `not_sampled`, `dropped`, `abstained`, `failed`, or `not_asked`.
    vote: &'static str,
    /// The value that the policy looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    /// The last lines that a plugin has logged about the trace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<LogLine>,
}

#[derive(Debug, Serialize)]
struct LogLine {
    level: &'static str,
    text: String,
}

impl TracesPage for TracesSource {
    fn answer(&self, trace_id: &str) -> BoxFuture<'static, TracesAnswer> {
        let trace_id: Result<TraceId, _> = trace_id.parse();
        let inboxes = Arc::clone(&self.inboxes);
        let cluster = self.cluster.clone();
        Box::pin(async move {
            let trace_id = match trace_id {
                Ok(trace_id) => trace_id,
                Err(error) => return TracesAnswer::BadRequest(format!("trace ID: {error}")),
            };
            let here = of_shards(&inboxes, trace_id).await;
            let page = match cluster {
                Some(cluster) => page_of_cluster(&cluster, trace_id, here).await,
                None => page(trace_id, None, None, here, Elsewhere::default()),
            };
            let is_known = !page.found.is_empty();
            let json = serde_json::to_vec_pretty(&page).unwrap_or_default();
            if is_known {
                TracesAnswer::Known(json)
            } else {
                TracesAnswer::Unknown(json)
            }
        })
    }
}

/// What the shards of this replica know.
pub(super) async fn of_shards(inboxes: &Arc<[Inbox]>, trace_id: TraceId) -> Vec<Entry> {
    let inboxes = Arc::clone(inboxes);
    let asked = tokio::task::spawn_blocking(move || ask(&inboxes, trace_id)).await;
    asked.unwrap_or_default()
}

async fn page_of_cluster(cluster: &Questions, trace_id: TraceId, here: Vec<Entry>) -> Page {
    let knows_why = here.iter().any(|entry| entry.details.is_some());
    let elsewhere = cluster.ask(trace_id, knows_why).await;
    let holder = cluster.holder(trace_id);
    let holder = holder.map_or(Value::Null, |holder| Value::String(holder.to_string()));
    let own_id = cluster.own_id().to_string();
    page(trace_id, Some(holder), Some(own_id), here, elsewhere)
}

fn ask(inboxes: &[Inbox], trace_id: TraceId) -> Vec<Entry> {
    let (answers, received) = bounded(ANSWERS_MAX);
    for inbox in inboxes {
        let answers = answers.clone();
        inbox.control(Control::Inspect(Inspect { trace_id, answers }));
    }
    drop(answers);
    let mut found = Vec::new();
    while let Ok(known) = received.recv_timeout(WAIT_MAX) {
        found.push(entry(known));
    }
    found
}

fn entry(known: Known) -> Entry {
    match known {
        Known::Undecided {
            rehearsal,
            due_in_ns,
        } => Entry {
            state: "buffered",
            decision: rehearsal.verdict.decision.label(),
            due_in_seconds: Some(due_in_ns as f64 / 1e9),
            details: Some(Details {
                trigger: None,
                decided_at: None,
                ..details(&rehearsal)
            }),
        },
        Known::Decided(decided) => Entry {
            state: if decided.verdict.decision == Decision::Sampled {
                "kept"
            } else {
                "dropped"
            },
            decision: decided.verdict.decision.label(),
            due_in_seconds: None,
            details: Some(details(&decided)),
        },
        Known::Remembered(decision) => Entry {
            state: "remembered",
            decision: decision.label(),
            due_in_seconds: None,
            details: None,
        },
    }
}

fn details(decided: &Decided) -> Details {
    let policies = &decided.policies;
    let policy = decided.verdict.policy_index;
    let policy = policy.and_then(|index| policies.names().nth(usize::from(index)));
    let votes = policies.infos().iter().zip(&decided.records);
    Details {
        policy: policy.map(str::to_owned),
        trigger: Some(decided.trigger.label()),
        decided_at: Some(rfc3339(decided.unix_ns)),
        generation: policies.generation(),
        held_seconds: decided.held_ns as f64 / 1e9,
        spans: decided.span_count,
        bytes: decided.span_bytes,
        votes: votes
            .enumerate()
            .map(|(index, (info, record))| vote(info, record, log(decided, index)))
            .collect(),
    }
}

/// What policy number `index` has logged.
fn log(decided: &Decided, index: usize) -> Vec<LogLine> {
    let notes = decided.notes.iter().filter(|note| note.policy == index);
    let lines = notes.flat_map(|note| &note.lines);
    lines
        .map(|line| LogLine {
            level: line.level,
            text: line.text.to_string(),
        })
        .collect()
}

fn vote(info: &PolicyInfo, record: &Record, log: Vec<LogLine>) -> Vote {
    Vote {
        policy: info.path.clone(),
        type_name: info.type_name,
        vote: match record.answer {
            Answer::NotAsked => "not_asked",
            Answer::Voted(vote) => vote.label(),
            Answer::Failed => "failed",
        },
        value: record.witness.to_string(),
        log,
    }
}
