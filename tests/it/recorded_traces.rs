//! Recorded traces are decided as a plain evaluation of the complete traces would, whatever the shards and the order.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use tonic::Code;

use crate::support::http;
use crate::support::oracle::Rule;
use crate::support::recorded::{self, Recorded};
use crate::support::replica::Replica;
use crate::support::spans::{by_trace, count};

const DEFAULT_SALT: &str = "default-hash-seed";

const ERRORS_SLOW_AND_SOME: Rule = Rule {
    policy_file: "
decision_wait: 1h
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: slow, type: latency, latency: {threshold_ms: 100}}
  - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 10}}
",
    keeps: |trace| {
        trace.has_status(2) || trace.duration_ms() > 100 || trace.is_among(10.0, DEFAULT_SALT)
    },
};

const SOME_OF_THE_SLOW: Rule = Rule {
    policy_file: "
tail_sampling:
  decision_wait: 1h
  sample_on_first_match: true
  policies:
    - name: some-of-the-slow
      type: and
      and:
        and_sub_policy:
          - {name: slow, type: latency, latency: {threshold_ms: 30}}
          - {name: half, type: probabilistic, probabilistic: {sampling_percentage: 50, hash_salt: tier-2}}
    - {name: few, type: probabilistic, probabilistic: {sampling_percentage: 1.5}}
",
    keeps: |trace| {
        (trace.duration_ms() > 30 && trace.is_among(50.0, "tier-2"))
            || trace.is_among(1.5, DEFAULT_SALT)
    },
};

const ALL: Rule = Rule {
    policy_file: "decision_wait: 1h\npolicies: [{name: all, type: always_sample}]",
    keeps: |_| true,
};

#[tokio::test]
async fn errors_slow_ones_and_some_are_kept_as_the_reference_keeps_them() {
    decides_like_the_reference(&ERRORS_SLOW_AND_SOME).await;
}

#[tokio::test]
async fn some_of_the_slow_are_kept_as_the_reference_keeps_them() {
    decides_like_the_reference(&SOME_OF_THE_SLOW).await;
}

#[tokio::test]
async fn what_is_kept_comes_out_as_it_went_in() {
    decides_like_the_reference(&ALL).await;
}

async fn decides_like_the_reference(rule: &Rule) {
    let mut requests = recorded::all();
    let complete = by_trace(&recorded::decoded(&requests));
    let expected = rule.kept(&complete);
    assert!(!expected.is_empty());
    for shards in [1, 2, 4] {
        let is_json = shards == 2;
        assert!(
            run(rule, shards, &requests, is_json).await == expected,
            "in order, {shards} shards"
        );
    }
    for shards in [1, 2, 4] {
        requests.shuffle(&mut StdRng::seed_from_u64(shards));
        assert!(
            run(rule, shards, &requests, false).await == expected,
            "shuffled, {shards} shards"
        );
    }
}

/// Kept traces, whole.
async fn run(
    rule: &Rule,
    shards: u64,
    requests: &[Recorded],
    is_json: bool,
) -> std::collections::BTreeMap<Vec<u8>, Vec<crate::support::spans::PlacedSpan>> {
    let replica = Replica::start(&format!("shards: {shards}"), rule.policy_file).await;
    let client = replica.client().await;
    for recorded in requests {
        if is_json {
            let answer = http::post(replica.http, &[http::JSON], &recorded.json).await;
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
        } else {
            let answer = client.try_export(&recorded.protobuf).await.unwrap();
            assert_eq!((answer.code(), answer.message().len()), (Code::Ok, 0));
        }
    }
    let sent = count(&recorded::decoded(requests));
    replica.take_in(sent).await;
    let spans = replica.status().await.spans;
    assert_eq!((spans.buffered, spans.deduplicated), (sent, 0));
    by_trace(&replica.stop().await.kept)
}
