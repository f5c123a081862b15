//! Small traces are decided as the collector's `tail_sampling` decided them, late spans and rate limits included, and
//! every policy voted as the collector's did.
//!
//! The cases were recorded from the collector. Those of rules that later collectors gave up run under `compat`, those
//! that lose the oldest traces under `num_traces_overflow: discard`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Deserialize;
use serde_json::Value;
use tailsieve::config::policy_file;
use tailsieve::otlp::json::decode_request;

use crate::support::files::read_lines;
use crate::support::shard::{ShardInHand, Votes, count_by_trace};

const FILE: &str = "tests/fixtures/tail_sampling_conformance.jsonl.gz";
const CASES: usize = 569;

/// A configuration, requests, and what became of their traces.
#[derive(Deserialize)]
struct Case {
    id: String,
    config: String,
    batches: Vec<Value>,
    #[serde(default)]
    late_batches: Vec<Value>,
    kept: BTreeSet<String>,
    /// By top-level policy.
    policy_metrics: BTreeMap<String, Votes>,
    #[serde(default)]
    evaluation_errors: u64,
    #[serde(default)]
    too_large: u64,
    #[serde(default)]
    evicted_undecided: u64,
    /// The last version of the collector that did so.
    until: Option<Value>,
}

/// What came of a case.
#[derive(Debug, PartialEq)]
struct Outcome {
    kept: BTreeSet<String>,
    votes: BTreeMap<String, Votes>,
    evaluation_errors: u64,
    too_large: u64,
    evicted_undecided: u64,
}

impl Case {
    fn outcome(&self) -> Outcome {
        Outcome {
            kept: self.kept.clone(),
            votes: self.policy_metrics.clone(),
            evaluation_errors: self.evaluation_errors,
            too_large: self.too_large,
            evicted_undecided: self.evicted_undecided,
        }
    }

    fn config(&self) -> String {
        let mut config = self.config.trim_end().to_owned();
        if self.until.is_some() {
            config.push_str("\ncompat: \"0.156\"\n");
        }
        if self.evicted_undecided > 0 {
            config.push_str("\nnum_traces_overflow: discard\n");
        }
        config
    }

    fn run(&self) -> Outcome {
        let file = policy_file::parse(&self.id, &self.config(), &|_| None);
        let file = file
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", self.id))
            .config;
        let mut shard = ShardInHand::new(&file);
        send(&mut shard, &self.batches);
        shard.pass(file.windows.decision_wait + Duration::from_secs(1));
        send(&mut shard, &self.late_batches);
        shard.pass(Duration::from_secs(1));
        let released = shard.released();
        let sent: Vec<_> = self
            .batches
            .iter()
            .chain(&self.late_batches)
            .map(|batch| ExportTraceServiceRequest::decode(to_protobuf(batch).as_slice()).unwrap())
            .collect();
        let sent = count_by_trace(&sent);
        for (id, spans) in &released {
            assert_eq!(spans, &sent[id], "{}: all spans of {id}", self.id);
        }
        Outcome {
            kept: released.into_keys().collect(),
            votes: shard.votes(),
            evaluation_errors: shard.evaluation_errors(),
            too_large: shard.decisions("too_large"),
            evicted_undecided: shard.decisions("discarded"),
        }
    }
}

#[test]
fn every_case_is_decided_as_recorded() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let cases: Vec<Case> = read_lines(&file)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let (ours, theirs) = (case.run(), case.outcome());
            let difference = || format!("{}\n  ours   {ours:?}\n  theirs {theirs:?}", case.id);
            (ours != theirs).then(difference)
        })
        .collect();
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
    assert_eq!(cases.len(), CASES);
}

fn send(shard: &mut ShardInHand, batches: &[Value]) {
    for batch in batches {
        shard.send(to_protobuf(batch));
    }
}

fn to_protobuf(batch: &Value) -> Vec<u8> {
    decode_request(batch.to_string().as_bytes()).unwrap()
}
