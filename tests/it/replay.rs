//! `tailsieve replay` tells what the collector kept with the same policy files, and every policy's votes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;

use crate::support::files::read_lines;
use crate::support::recorded::data_file;
use crate::support::replica::BINARY;
use crate::support::shard::Votes;

const CASES_FILE: &str = "tests/fixtures/tail_sampling_conformance.jsonl.gz";
/// A process each: every one would take a minute. `conformance` has them all.
const EVERY: usize = 9;
const CASES: usize = 60;
/// Policy files in the recording.
const RECORDINGS: usize = 20;

/// A small case or a recording.
#[derive(Deserialize)]
struct Case {
    id: String,
    config: String,
    #[serde(default)]
    batches: Vec<Value>,
    #[serde(default)]
    late_batches: Vec<Value>,
    input: Option<String>,
    kept: BTreeSet<String>,
    policy_metrics: BTreeMap<String, Votes>,
    #[serde(default)]
    evicted_undecided: u64,
    until: Option<Value>,
}

/// A line of the command's JSON.
#[derive(Debug, Deserialize)]
struct Line {
    trace_id: String,
    decision: String,
    policy: Option<String>,
    votes: BTreeMap<String, String>,
    spans: u64,
}

fn replay(folder: &Path, more: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["replay", "--policies", "policies.yaml"])
        .args(more)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

impl Case {
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

    /// Replays `file` and compares what was kept, and, where each trace is judged once, the votes.
    fn assert_agrees(&self, folder: &Path, file: &str) {
        fs::write(folder.join("policies.yaml"), self.config()).unwrap();
        let text = succeeded(&replay(folder, &["--format", "json", file]));
        let mut lines: Vec<&str> = text.lines().collect();
        let totals: Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
        let lines: Vec<Line> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let is_kept = |line: &&Line| line.decision == "sampled";
        let kept = lines.iter().filter(is_kept);
        let kept: BTreeSet<String> = kept.map(|line| line.trace_id.clone()).collect();
        assert_eq!(kept, self.kept, "{}", self.id);
        assert_eq!(totals["totals"]["traces"], lines.len(), "{}", self.id);
        assert_eq!(totals["totals"]["decisions"]["sampled"], kept.len());
        let spans: u64 = lines.iter().map(|line| line.spans).sum();
        assert_eq!(totals["totals"]["spans"], spans, "{}", self.id);
        for line in lines.iter().filter(is_kept) {
            let vote = &line.votes[line.policy.as_ref().unwrap()];
            assert_eq!(vote, "sampled", "{}: the vote of who decided", self.id);
        }
        if !self.config.contains("span-ingest") {
            assert_eq!(count_votes(&lines), self.votes(), "{}", self.id);
        }
    }

    /// The recorded votes of policies that voted.
    fn votes(&self) -> BTreeMap<String, Votes> {
        let votes = self.policy_metrics.clone().into_iter();
        votes
            .filter(|(_, votes)| *votes != Votes::default())
            .collect()
    }
}

fn count_votes(lines: &[Line]) -> BTreeMap<String, Votes> {
    let mut counted: BTreeMap<String, Votes> = BTreeMap::new();
    for (policy, vote) in lines.iter().flat_map(|line| &line.votes) {
        let place = |votes: &'_ mut Votes| match vote.as_str() {
            "sampled" => votes.sampled += 1,
            "not_sampled" => votes.not_sampled += 1,
            "dropped" => votes.dropped += 1,
            "failed" => {}
            other => panic!("a vote {other}"),
        };
        if vote != "failed" {
            place(counted.entry(policy.clone()).or_default());
        }
    }
    counted
}

#[test]
fn small_cases_are_decided_as_recorded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES_FILE);
    let folder = tempfile::tempdir().unwrap();
    let lines = read_lines(&file);
    let cases = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let cases = cases.filter(|case: &Case| case.late_batches.is_empty());
    let mut compared = 0;
    for case in cases.step_by(EVERY) {
        let requests: String = case
            .batches
            .iter()
            .map(|batch| format!("{batch}\n"))
            .collect();
        fs::write(folder.path().join("spans.jsonl"), requests).unwrap();
        case.assert_agrees(folder.path(), "spans.jsonl");
        compared += 1;
    }
    assert!(compared >= CASES, "{compared}");
}

#[test]
fn recorded_traces_are_decided_as_the_collector_did() {
    let Some(path) = data_file("recorded_decisions.jsonl.gz") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let recordings = read_lines(&path);
    for line in &recordings {
        let recording: Case = serde_json::from_str(line).unwrap();
        let input = data_file(recording.input.as_ref().unwrap()).unwrap();
        recording.assert_agrees(folder.path(), input.to_str().unwrap());
    }
    assert_eq!(recordings.len(), RECORDINGS);
}

const NESTED: &str = "\
policies:
  - {name: slow, type: latency, threshold_ms: 100}
  - name: both
    type: and
    and:
      and_sub_policy:
        - {name: any, type: always_sample}
        - {name: many, type: span_count, min_spans: 2}
";

/// Two requests: a trace of two spans, one of which comes with the second, and one with a span that nobody takes.
const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000007","spanId":"0000000000000001","name":"a","startTimeUnixNano":"1000000","endTimeUnixNano":"251000000"},{"traceId":"00000000000000000000000000000008","spanId":"0000000000000001","name":"b","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}
{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000007","spanId":"0000000000000002","name":"c","startTimeUnixNano":"1000000","endTimeUnixNano":"2000000"},{"traceId":"00000000000000000000000000000000","spanId":"0000000000000002","name":"d"}]}]}]}
"#;

fn folder_with(policies: &str, spans: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policies.yaml"), policies).unwrap();
    fs::write(folder.path().join("spans.jsonl"), spans).unwrap();
    folder
}

#[test]
fn the_table_has_decision_policy_votes_with_values_and_totals() {
    let folder = folder_with(NESTED, SPANS);
    let output = replay(folder.path(), &["--nested", "spans.jsonl"]);
    let text = succeeded(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "00000000000000000000000000000007  sampled      slow         2  \
         slow=sampled (250 ms) both=sampled both/any=sampled both/many=sampled (2 spans)"
    );
    assert!(lines[2].starts_with("00000000000000000000000000000008  not_sampled  -"));
    assert!(text.contains("2 traces, 3 spans: 1 sampled (50.0 %), 1 not sampled, 0 dropped"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("1 spans left out"), "{errors}");
    assert!(errors.contains("spans.jsonl:2"), "{errors}");
}

#[test]
fn nested_votes_are_told_on_request_only() {
    let folder = folder_with(NESTED, SPANS);
    let votes = |more: &[&str]| {
        let args = [&["--format", "json", "spans.jsonl"], more].concat();
        let text = succeeded(&replay(folder.path(), &args));
        let first: Line = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        first.votes.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(votes(&[]), ["both", "slow"]);
    assert_eq!(
        votes(&["--nested"]),
        ["both", "both/any", "both/many", "slow"]
    );
}

#[test]
fn a_bad_line_is_told_with_its_file_and_number() {
    let folder = folder_with(NESTED, &format!("{SPANS}{{\"resourceSpans\": 7}}\n"));
    let output = replay(folder.path(), &["spans.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("spans.jsonl:3"), "{errors}");
}

#[test]
fn bad_policies_are_told_with_their_place() {
    let folder = folder_with("policies:\n  - {name: a, type: latncy}\n", SPANS);
    let output = replay(folder.path(), &["spans.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("policies.yaml:2:"), "{errors}");
    assert!(errors.contains("latency"), "{errors}");
}
