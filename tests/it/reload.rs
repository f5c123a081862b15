//! A changed policy file is in force soon after it was written, however editors and Kubernetes write it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::policies::{Policy, keep_all_named};
use crate::support::replica::{KEEP_ALL, KEEP_ALL_AT_THE_END, Replica};
use crate::support::spans::{identifiers, request, span};
use crate::support::{eventually, http};

#[tokio::test]
async fn a_file_that_is_written_comes_into_force_by_itself() {
    let replica = Replica::start("", &keep_all_named("one")).await;
    let first = replica.policies().await;
    assert_eq!(
        (first.active.generation, first.active.names()),
        (1, vec!["one"])
    );
    let file = replica.folder().join("policies.yaml");
    for name in ["two", "three", "four", "five", "six"] {
        fs::write(&file, keep_all_named(name)).unwrap();
        replica.policies_in_force(&[name]).await;
    }
    assert_eq!(replica.policies().await.active.generation, 6);
    assert_eq!(replica.metric("tailsieve_policies_generation").await, 6.0);
    assert_eq!(
        replica.metric("tailsieve_policies_reloads_total").await,
        5.0
    );
    replica.stop().await;
}

#[tokio::test]
async fn a_file_that_an_editor_renames_over_the_old_one_is_in_force() {
    let replica = Replica::start("", &keep_all_named("one")).await;
    let at = |name: &str| replica.folder().join(name);
    for (name, backup) in [
        ("two", "policies.yaml~"),
        ("three", "policies.yaml~"),
        ("four", "4913"),
    ] {
        // vim moves the old file aside; others write a new one beside it.
        if name == "three" {
            fs::rename(at("policies.yaml"), at(backup)).unwrap();
            fs::write(at("policies.yaml"), keep_all_named(name)).unwrap();
            fs::remove_file(at(backup)).unwrap();
        } else {
            fs::write(at(backup), keep_all_named(name)).unwrap();
            fs::rename(at(backup), at("policies.yaml")).unwrap();
        }
        replica.policies_in_force(&[name]).await;
    }
    replica.stop().await;
}

/// Writes `text` as the kubelet writes a new version of a ConfigMap: a new folder, and `..data` renamed to lead to it.
fn mount(volume: &Path, version: &str, name: &str, text: &str) {
    let data = volume.join(version);
    fs::create_dir(&data).unwrap();
    fs::write(data.join(name), text).unwrap();
    symlink(version, volume.join("..data_tmp")).unwrap();
    let before = fs::read_link(volume.join("..data")).ok();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    match before {
        Some(before) => fs::remove_dir_all(volume.join(before)).unwrap(),
        None => symlink(format!("..data/{name}"), volume.join(name)).unwrap(),
    }
}

#[tokio::test]
async fn a_config_map_that_changes_is_in_force_as_a_file_and_as_a_folder() {
    for path in ["volume/policies.yaml", "volume"] {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("volume");
        fs::create_dir(&volume).unwrap();
        mount(&volume, "..2026_1", "policies.yaml", &keep_all_named("one"));
        let replica = Replica::start_in(folder, "", Some(path)).await;
        for (version, name) in [("..2026_2", "two"), ("..2026_3", "three")] {
            mount(&volume, version, "policies.yaml", &keep_all_named(name));
            let policies = replica.policies_in_force(&[name]).await;
            assert_eq!(policies.active.files, ["volume/policies.yaml"]);
        }
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_no_event_tells_of_is_found_by_looking_now_and_then() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(elsewhere.path().join(name)).unwrap();
        let file = elsewhere.path().join(name).join("policies.yaml");
        fs::write(file, keep_all_named(name)).unwrap();
    }
    // Neither the folder of the first link nor that of the file changes when the second link is replaced.
    let link = elsewhere.path().join("current");
    symlink("one", &link).unwrap();
    symlink(
        link.join("policies.yaml"),
        folder.path().join("policies.yaml"),
    )
    .unwrap();
    let replica = Replica::start_in(folder, "", Some("policies.yaml")).await;
    symlink("two", elsewhere.path().join("next")).unwrap();
    fs::rename(elsewhere.path().join("next"), &link).unwrap();
    replica.policies_in_force(&["two"]).await;
    replica.stop().await;
}

#[tokio::test]
async fn sighup_reads_the_policies_again() {
    let replica = Replica::start("", &keep_all_named("one")).await;
    replica.signal("HUP");
    let unchanged = "the policies in force are unchanged";
    eventually("the signal is heard", || async {
        replica.has_logged(unchanged).then_some(())
    })
    .await;
    assert_eq!(replica.policies().await.active.generation, 1);
    fs::write(
        replica.folder().join("policies.yaml"),
        keep_all_named("two"),
    )
    .unwrap();
    replica.signal("HUP");
    replica.policies_in_force(&["two"]).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_request_to_reload_is_answered_when_it_is_done_with_what_is_in_force() {
    let replica = Replica::start("", &keep_all_named("one")).await;
    let nested = "decision_wait: 1500ms\npolicies: [{name: two, type: and, and: {and_sub_policy: [{name: a, type: latency}]}}]\n";
    fs::write(replica.folder().join("policies.yaml"), nested).unwrap();
    let (status, policies) = replica.reload().await;
    assert_eq!(status, 200);
    let active = policies.active;
    assert_eq!(
        (active.generation, active.files),
        (2, vec!["policies.yaml".to_owned()])
    );
    assert_eq!(active.decision_wait_seconds, 1.5);
    let policy = |name: &str, r#type: &str, policies| Policy {
        name: name.to_owned(),
        r#type: r#type.to_owned(),
        policies,
    };
    let expected = policy("two", "and", vec![policy("a", "latency", vec![])]);
    assert_eq!(active.policies, [expected]);
    assert!(
        active.since.starts_with("20") && active.since.ends_with('Z'),
        "{}",
        active.since
    );
    assert_eq!(active.hash.len(), 64);
    let (status, again) = replica.reload().await;
    assert_eq!((status, again.active.generation), (200, 2));
    let answer = http::get(replica.admin, "/-/reload").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    replica.stop().await;
}

#[tokio::test]
async fn the_same_text_written_again_is_no_new_generation() {
    let replica = Replica::start("", &keep_all_named("one")).await;
    let file = replica.folder().join("policies.yaml");
    for _ in 0..3 {
        fs::write(&file, keep_all_named("one")).unwrap();
        let (status, policies) = replica.reload().await;
        assert_eq!((status, policies.active.generation), (200, 1));
    }
    fs::write(&file, keep_all_named("two")).unwrap();
    assert_eq!(
        replica.policies_in_force(&["two"]).await.active.generation,
        2
    );
    assert_eq!(
        replica.metric("tailsieve_policies_reloads_total").await,
        1.0
    );
    replica.stop().await;
}

#[tokio::test]
async fn built_in_policies_stay_as_they_are() {
    let replica = Replica::start_in(tempfile::tempdir().unwrap(), "", None).await;
    let (status, page) = replica.reload().await;
    assert_eq!((status, page.active.generation), (200, 1));
    assert_eq!(page.active.names(), ["errors", "slow", "a-tenth"]);
    assert!(page.active.files.is_empty());
    replica.stop().await;
}

#[tokio::test]
async fn new_policies_decide_what_is_held_and_the_new_window_holds_for_what_comes() {
    let none_at_the_end = "decision_wait: 1h\npolicies: [{name: none, type: latency, latency: {threshold_ms: 3600000}}]\n";
    let replica = Replica::start("shards: 2", none_at_the_end).await;
    let client = replica.client().await;
    let held = request((1..=20).map(|trace| span(trace, 1)).collect());
    client.export(&held).await.message();
    replica.take_in(20).await;
    let file = replica.folder().join("policies.yaml");
    fs::write(&file, KEEP_ALL).unwrap();
    assert_eq!(replica.reload().await.0, 200);
    let later = request((21..=40).map(|trace| span(trace, 1)).collect());
    client.export(&later).await.message();
    let decided = || async {
        let spans = replica.status().await.spans;
        (spans.kept == 20).then_some(spans.buffered)
    };
    let buffered = eventually("what came later is decided", decided).await;
    assert_eq!(buffered, 20, "what was held before has its hour");
    fs::write(&file, KEEP_ALL_AT_THE_END).unwrap();
    assert_eq!(replica.reload().await.0, 200);
    let kept = replica.stop().await.kept;
    assert_eq!(identifiers(&kept), identifiers([&held, &later]));
}
