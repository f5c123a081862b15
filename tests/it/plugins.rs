//! A plugin decides in a running replica, takes the place of another when its file changes, and is seen to fail.

use std::fs;

use serde_json::Value;

use crate::guest::{evaluates, guest};
use crate::support::replica::Replica;
use crate::support::spans::{request, span};
use crate::support::{eventually, http};

const SAMPLE: u32 = 1;
const DROP: u32 = 3;

const POLICIES: &str = "\
decision_wait: 50ms
policies:
  - {name: mine, type: wasm, module: mine.wasm}
";

async fn replica(module: &[u8]) -> Replica {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.wasm"), module).unwrap();
    fs::write(folder.path().join("policies.yaml"), POLICIES).unwrap();
    Replica::start_in(folder, "", Some("policies.yaml")).await
}

async fn json(replica: &Replica, path: &str) -> Value {
    serde_json::from_slice(&http::get(replica.admin, path).await.body).unwrap()
}

/// Sends a trace of one span; what is known of it once it is decided.
async fn decided(replica: &Replica, trace: u128) -> Value {
    let body = prost::Message::encode_to_vec(&request(vec![span(trace, 1)]));
    let answer = replica.client().await.try_export(&body).await;
    assert_eq!(answer.unwrap().message().len(), 0);
    let path = format!("/api/v1/traces/{trace:032x}");
    eventually("the trace is decided", || async {
        let answer = http::get(replica.admin, &path).await;
        let page: Value = serde_json::from_slice(&answer.body).ok()?;
        let entry = page["found"][0].clone();
        (entry["state"] == "kept" || entry["state"] == "dropped").then_some(entry)
    })
    .await
}

/// Puts another plugin in the place of the old one, as a careful hand does.
fn replace(replica: &Replica, module: &[u8]) {
    let at = |name: &str| replica.folder().join(name);
    fs::write(at("mine.wasm.new"), module).unwrap();
    fs::rename(at("mine.wasm.new"), at("mine.wasm")).unwrap();
}

async fn generation(replica: &Replica, wanted: u64) -> Value {
    eventually("that generation is in force", || async {
        let page = json(replica, "/api/v1/policies").await;
        (page["active"]["generation"] == wanted).then_some(page)
    })
    .await
}

#[tokio::test]
async fn a_plugin_decides_and_another_takes_its_place_when_the_file_changes() {
    let replica = replica(&evaluates("", SAMPLE)).await;
    let entry = decided(&replica, 1).await;
    assert_eq!(
        (&entry["state"], &entry["policy"]),
        (&"kept".into(), &"mine".into())
    );
    let first = generation(&replica, 1).await;
    let plugin = &first["active"]["policies"][0]["plugin"];
    assert_eq!(plugin["module"], "mine.wasm");
    assert_eq!(plugin["contract"], "tailsieve:policy@1.0.0");
    replace(&replica, &evaluates("", DROP));
    let second = generation(&replica, 2).await;
    let other = &second["active"]["policies"][0]["plugin"];
    assert_ne!(plugin["sha256"], other["sha256"]);
    assert_eq!(decided(&replica, 2).await["decision"], "dropped");
    // What cannot be used changes nothing, and its file is looked at until it can.
    replace(&replica, b"no plugin");
    eventually("the rejection is told", || async {
        let page = json(&replica, "/api/v1/policies").await;
        let problem = page["rejected"]["errors"][0]["problem"]
            .as_str()?
            .to_owned();
        problem.contains("no WebAssembly component").then_some(())
    })
    .await;
    assert_eq!(decided(&replica, 3).await["decision"], "dropped");
    replace(&replica, &evaluates("nop", SAMPLE));
    generation(&replica, 3).await;
    assert_eq!(decided(&replica, 4).await["decision"], "sampled");
    replica.ended().await.assert_contracts_held();
}

#[tokio::test]
async fn what_was_compiled_is_kept_where_the_server_file_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.wasm"), evaluates("", SAMPLE)).unwrap();
    fs::write(folder.path().join("policies.yaml"), POLICIES).unwrap();
    let server_file = "policies: {path: policies.yaml, plugin_cache: data/compiled}\n";
    let replica = Replica::start_in(folder, server_file, None).await;
    let compiled = fs::read_dir(replica.folder().join("data/compiled")).unwrap();
    assert!(compiled.count() > 0);
    replica.stop().await;
}

#[tokio::test]
async fn a_plugin_that_fails_is_counted_left_alone_and_explained() {
    let module = guest(
        "(data (i32.const 64) \"about to trap\")
         (func (export \"evaluate\") (param i32) (result i32)
           (call $log (i32.const 2) (i32.const 64) (i32.const 13)) unreachable)",
    );
    let replica = replica(&module).await;
    let entry = decided(&replica, 1).await;
    let vote = &entry["votes"][0];
    assert_eq!(vote["vote"], "failed");
    assert_eq!(vote["log"][0]["text"], "about to trap");
    for trace in 2..60 {
        decided(&replica, trace).await;
    }
    let traps = "tailsieve_plugin_failures_total{policy=\"mine\",reason=\"trap\"}";
    assert!(replica.metric(traps).await >= 5.0);
    let skipped = "tailsieve_plugin_calls_skipped_total{policy=\"mine\"}";
    assert!(replica.metric(skipped).await >= 1.0);
    let status = json(&replica, "/api/v1/status").await;
    assert_eq!(status["policies"]["plugins"][0]["policy"], "mine");
    assert!(replica.has_logged(
        "a plugin failed: trapped: wasm trap: wasm `unreachable` instruction executed"
    ));
    replica.stop().await;
}
