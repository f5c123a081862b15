//! Small traces are decided as the collector's `tail_sampling` decided them, late spans and rate limits included.
//!
//! The cases were recorded from the collector; those with policies or settings of later versions are left out until
//! then, and so are those of rules that later collectors gave up.

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
use crate::support::shard::{ShardInHand, count_by_trace};

const FILE: &str = "tests/fixtures/tail_sampling_conformance.jsonl.gz";

/// Cases whose policies and settings this version has.
const SUPPORTED: usize = 88;

/// A configuration, requests, and what became of their traces.
#[derive(Deserialize)]
struct Case {
    id: String,
    config: String,
    batches: Vec<Value>,
    #[serde(default)]
    late_batches: Vec<Value>,
    kept: BTreeSet<String>,
    /// Traces lost undecided: here the oldest are decided early.
    #[serde(default)]
    evicted_undecided: u64,
    /// The last version of the collector that did so.
    until: Option<Value>,
}

impl Case {
    /// IDs of the traces that came out; `None` when the configuration is one of a later version.
    fn kept_by_us(&self) -> Option<BTreeSet<String>> {
        let file = match policy_file::parse(&self.id, &self.config, &|_| None) {
            Ok(file) => file.config,
            Err(refusal) => {
                let later = |error: &tailsieve::config::finding::ConfigError| {
                    error.problem.contains("not supported by this version")
                };
                assert!(refusal.errors.iter().all(later), "{}: {refusal}", self.id);
                return None;
            }
        };
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
            .map(to_protobuf)
            .collect();
        let sent: Vec<_> = sent
            .iter()
            .map(|request| ExportTraceServiceRequest::decode(request.as_slice()).unwrap())
            .collect();
        let sent = count_by_trace(&sent);
        for (id, spans) in &released {
            assert_eq!(spans, &sent[id], "{}: all spans of {id}", self.id);
        }
        Some(released.into_keys().collect())
    }
}

#[test]
fn every_supported_case_is_decided_as_recorded() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let mut supported = 0;
    let mut wrong = BTreeMap::new();
    for line in read_lines(&file) {
        let case: Case = serde_json::from_str(&line).unwrap();
        if case.until.is_some() || case.evicted_undecided > 0 {
            continue;
        }
        let Some(kept) = case.kept_by_us() else {
            continue;
        };
        supported += 1;
        if kept != case.kept {
            wrong.insert(case.id, (kept, case.kept));
        }
    }
    assert_eq!(wrong, BTreeMap::new(), "kept by us, kept by the collector");
    assert_eq!(supported, SUPPORTED);
}

fn send(shard: &mut ShardInHand, batches: &[Value]) {
    for batch in batches {
        shard.send(to_protobuf(batch));
    }
}

fn to_protobuf(batch: &Value) -> Vec<u8> {
    decode_request(batch.to_string().as_bytes()).unwrap()
}
