//! A replica tells of a trace whether it is buffered, kept, dropped or remembered, and why; `tailsieve explain` says it.

use std::process::Output;

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::support::replica::{BINARY, Replica};
use crate::support::spans::{failed, request, span};
use crate::support::{eventually, http};

/// Errors are kept soon; all else is held for longer than any test runs.
const ERRORS: &str = "\
policies:
  - {name: slow, type: latency, threshold_ms: 1000}
  - name: failed
    type: and
    and: {and_sub_policy: [{name: any, type: always_sample}, {name: error, type: status_code, status_codes: [ERROR]}]}
";

async fn explain(replica: &Replica, args: &[&str]) -> Output {
    tokio::process::Command::new(BINARY)
        .args(["explain", "--admin", &format!("http://{}", replica.admin)])
        .args(args)
        .env_clear()
        .output()
        .await
        .unwrap()
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn failed_with(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn id(trace: u128) -> String {
    format!("{trace:032x}")
}

async fn send(replica: &Replica, spans: Vec<Span>) {
    let answer = replica.client().await.try_export(&encoded(spans)).await;
    assert_eq!(answer.unwrap().message().len(), 0);
}

fn encoded(spans: Vec<Span>) -> Vec<u8> {
    prost::Message::encode_to_vec(&request(spans))
}

/// The page about a trace, once it is in this state.
async fn page(replica: &Replica, trace: u128, state: &str) -> Value {
    let path = format!("/api/v1/traces/{}", id(trace));
    let in_state = || async {
        let answer = http::get(replica.admin, &path).await;
        let page: Value = serde_json::from_slice(&answer.body).unwrap();
        (page["found"][0]["state"] == state).then_some((answer.status, page))
    };
    let (status, page) = eventually("the trace is in that state", in_state).await;
    assert_eq!(status, 200);
    assert_eq!(page["trace_id"], id(trace));
    page
}

#[tokio::test]
async fn a_kept_trace_has_its_policy_trigger_time_and_all_votes_with_values() {
    let replica = Replica::start("", &format!("decision_wait: 50ms\n{ERRORS}")).await;
    send(&replica, vec![span(7, 1), failed(span(7, 2))]).await;
    let page = page(&replica, 7, "kept").await;
    let entry = &page["found"][0];
    assert_eq!(page["found"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&entry["decision"], &entry["policy"]),
        (&json!("sampled"), &json!("failed"))
    );
    assert_eq!(
        (&entry["trigger"], &entry["generation"]),
        (&json!("wait"), &json!(1))
    );
    assert_eq!(entry["spans"], 2);
    assert!(entry["held_seconds"].as_f64().unwrap() >= 0.05);
    assert!(entry["decided_at"].as_str().unwrap().ends_with('Z'));
    let votes = json!([
        {"policy": "slow", "type": "latency", "vote": "not_sampled", "value": "250 ms"},
        {"policy": "failed", "type": "and", "vote": "sampled"},
        {"policy": "failed/any", "type": "always_sample", "vote": "sampled"},
        {"policy": "failed/error", "type": "status_code", "vote": "sampled", "value": "UNSET, ERROR"},
    ]);
    assert_eq!(entry["votes"], votes);
    let text = succeeded(&explain(&replica, &[&id(7)]).await);
    let first = format!("trace {}: kept by policy \"failed\"\n", id(7));
    assert!(text.starts_with(&first), "{text}");
    for part in [
        "  trigger   wait: its decision_wait was over\n",
        "  size      2 spans, ",
        "  policies  generation 1",
        "  votes     slow          latency        not_sampled  250 ms\n",
        "            failed/error  status_code    sampled      UNSET, ERROR\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let printed = succeeded(&explain(&replica, &[&id(7), "--format", "json"]).await);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), page);
    replica.stop().await;
}

#[tokio::test]
async fn a_dropped_trace_is_told_with_who_dropped_it_or_that_nobody_wanted_it() {
    let policies = "decision_wait: 50ms
policies:
  - {name: all, type: trace_flags}
  - name: broken
    type: drop
    drop: {drop_sub_policy: [{name: error, type: status_code, status_codes: [ERROR]}]}
";
    let replica = Replica::start("", policies).await;
    send(&replica, vec![failed(span(1, 1)), span(2, 1)]).await;
    let entry = page(&replica, 1, "dropped").await["found"][0].clone();
    assert_eq!(
        (&entry["decision"], &entry["policy"]),
        (&json!("dropped"), &json!("broken"))
    );
    let vote_of = |entry: &Value, index: usize| entry["votes"][index]["vote"].clone();
    assert_eq!(vote_of(&entry, 0), "not_asked");
    let entry = page(&replica, 2, "dropped").await["found"][0].clone();
    assert_eq!(
        (&entry["decision"], &entry["policy"]),
        (&json!("not_sampled"), &Value::Null)
    );
    assert_eq!(vote_of(&entry, 0), "not_sampled");
    let text = succeeded(&explain(&replica, &[&id(1)]).await);
    assert!(text.contains("dropped by policy \"broken\""), "{text}");
    let text = succeeded(&explain(&replica, &[&id(2)]).await);
    assert!(text.contains("not kept: no policy wanted it"), "{text}");
    replica.stop().await;
}

#[tokio::test]
async fn a_buffered_trace_is_told_with_what_it_would_be_now() {
    let replica = Replica::start("", &format!("decision_wait: 1h\n{ERRORS}")).await;
    send(&replica, vec![failed(span(7, 1))]).await;
    let entry = page(&replica, 7, "buffered").await["found"][0].clone();
    assert_eq!(
        (&entry["decision"], &entry["policy"]),
        (&json!("sampled"), &json!("failed"))
    );
    let due = entry["due_in_seconds"].as_f64().unwrap();
    assert!(due > 0.0 && due <= 3600.0, "{due}");
    assert!(entry.get("decided_at").is_none() && entry.get("trigger").is_none());
    let text = succeeded(&explain(&replica, &[&id(7)]).await);
    assert!(text.contains(": buffered, due in "), "{text}");
    assert!(
        text.contains("decided now it would be sampled by policy \"failed\""),
        "{text}"
    );
    replica.stop().await;
}

#[tokio::test]
async fn without_a_log_of_decisions_the_decision_alone_is_remembered() {
    let policies = format!("decision_wait: 50ms\n{ERRORS}");
    let replica = Replica::start("decision_log: {limit: 0}", &policies).await;
    send(&replica, vec![failed(span(7, 1))]).await;
    let entry = page(&replica, 7, "remembered").await["found"][0].clone();
    assert_eq!(entry, json!({"state": "remembered", "decision": "sampled"}));
    let text = succeeded(&explain(&replica, &[&id(7)]).await);
    assert!(text.contains("decided before as sampled"), "{text}");
    replica.stop().await;
}

#[tokio::test]
async fn an_unknown_trace_a_bad_id_and_a_wrong_address_are_failures_with_a_reason() {
    let replica = Replica::start("", &format!("decision_wait: 1h\n{ERRORS}")).await;
    let answer = http::get(replica.admin, &format!("/api/v1/traces/{}", id(9))).await;
    let page: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (answer.status, page),
        (404, json!({"trace_id": id(9), "found": []}))
    );
    let error = failed_with(&explain(&replica, &[&id(9)]).await, 1);
    assert!(error.contains("does not know trace"), "{error}");
    let answer = http::get(replica.admin, "/api/v1/traces/xyz").await;
    assert_eq!(answer.status, 400);
    let page: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(
        page["error"]
            .as_str()
            .unwrap()
            .contains("32 hexadecimal digits")
    );
    let error = failed_with(&explain(&replica, &["xyz"]).await, 2);
    assert!(error.contains("32 hexadecimal digits"), "{error}");
    assert_eq!(
        http::get(replica.admin, "/api/v1/traces/").await.status,
        404
    );
    let elsewhere = format!("http://{}/elsewhere", replica.admin);
    let error = failed_with(&explain_at(&elsewhere).await, 1);
    assert!(
        error.contains("answered 404 Not Found, and not as a replica's admin"),
        "{error}"
    );
    let admin = format!("http://{}", replica.admin);
    replica.stop().await;
    let error = failed_with(&explain_at(&admin).await, 1);
    assert!(error.contains("is a replica running"), "{error}");
}

async fn explain_at(admin: &str) -> Output {
    tokio::process::Command::new(BINARY)
        .args(["explain", "--admin", admin, &id(9)])
        .env_clear()
        .output()
        .await
        .unwrap()
}
