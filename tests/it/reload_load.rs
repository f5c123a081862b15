//! A thousand reloads, some of them invalid, while traces flow: every trace is decided once, whole, and all are counted.

use std::collections::BTreeMap;
use std::fs;

use crate::support::backend::Backend;
use crate::support::load::Load;
use crate::support::replica::Replica;
use crate::support::spans::{by_trace, identifiers};

const RELOADS: u64 = 1_000;
/// One in so many is invalid.
const INVALID_EVERY: u64 = 5;

/// Sets that never agree about a trace, with other windows each; the first keeps, the second does not, and so on.
fn policy_file(number: u64) -> String {
    let wait_ms = 20 + number % 7 * 30;
    let policy = match number % 4 {
        _ if number.is_multiple_of(INVALID_EVERY) => "type: latncy",
        0 | 2 => "type: always_sample",
        1 => "type: status_code, status_code: {status_codes: [ERROR]}",
        _ => {
            "type: and, and: {and_sub_policy: [{type: always_sample}, {type: latency, latency: {threshold_ms: 100000}}]}"
        }
    };
    format!(
        "decision_wait: {wait_ms}ms\npolicies: [{{name: set-{}, {policy}}}]\n# {number}\n",
        number % 4
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_under_load_lose_nothing_and_decide_every_trace_once() {
    let backend = Backend::start().await;
    let replica = Replica::start(&backend.server_file("shards: 3"), &policy_file(2)).await;
    let load = Load::start(replica.grpc).await;
    let file = replica.folder().join("policies.yaml");
    for number in 1..=RELOADS {
        fs::write(&file, policy_file(number)).unwrap();
        let (status, page) = replica.reload().await;
        let is_valid = !number.is_multiple_of(INVALID_EVERY);
        assert_eq!(status == 200, is_valid, "{number}: {page:#?}");
        assert_eq!(page.rejected.is_none(), is_valid, "{number}: {page:#?}");
    }
    load.acknowledged(20).await;
    let generation = replica.policies().await.active.generation;
    assert_eq!(generation, 1 + RELOADS - RELOADS / INVALID_EVERY);
    let acknowledged = load.stop().await;
    let spans = replica.settle().await.spans;
    assert_eq!(spans.deduplicated + spans.dropped, 0, "{spans:?}");
    // Clients are told to wait where the machine is short of time, and send again.
    assert_eq!(spans.received - spans.refused, acknowledged.len() as u64);
    assert!(spans.kept > 0 && spans.not_sampled > 0, "{spans:?}");

    let started = replica
        .metric("tailsieve_buffer_traces_started_total")
        .await;
    assert_eq!(decided(&replica).await, started);
    let mut sent: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (trace, _) in &acknowledged {
        *sent.entry(trace.clone()).or_default() += 1;
    }
    assert_eq!(sent.len() as f64, started);
    let kept = backend.requests();
    assert_eq!(identifiers(&kept).len() as u64, spans.kept, "each once");
    for (trace, spans) in by_trace(&kept) {
        assert_eq!(Some(&spans.len()), sent.get(&trace), "{trace:?} is whole");
    }
    replica.signal("TERM");
    assert_eq!(replica.ended().await.exit_code, Some(0));
}

/// Traces decided so far, by whatever policy in whatever way.
async fn decided(replica: &Replica) -> f64 {
    let answer = crate::support::http::get(replica.admin, "/metrics").await;
    let text = String::from_utf8(answer.body).unwrap();
    let series = text
        .lines()
        .filter(|line| line.starts_with("tailsieve_sampler_traces_decided_total{"));
    series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}
