//! Policies in a folder: its files together are the policy file, and come and go.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::policies::keep_all_named;
use crate::support::replica::Replica;

fn folder_with(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies.d");
    fs::create_dir(&policies).unwrap();
    for (name, text) in files {
        fs::write(policies.join(name), text).unwrap();
    }
    (folder, policies)
}

#[tokio::test]
async fn files_of_a_folder_are_merged_in_the_order_of_their_names_and_come_and_go() {
    let (folder, policies) = folder_with(&[
        ("20-all.yaml", &keep_all_named("all")),
        (
            "10-wait.yml",
            "decision_wait: 2s\npolicies: [{name: slow, type: latency}]\n",
        ),
        ("README.md", "no policies"),
    ]);
    let replica = Replica::start_in(folder, "", Some("policies.d")).await;
    let active = replica.policies().await.active;
    assert_eq!(active.names(), ["slow", "all"]);
    assert_eq!(
        active.files,
        ["policies.d/10-wait.yml", "policies.d/20-all.yaml"]
    );
    assert_eq!(active.decision_wait_seconds, 2.0);
    fs::write(policies.join("15-new.yaml"), keep_all_named("new")).unwrap();
    replica.policies_in_force(&["slow", "new", "all"]).await;
    fs::remove_file(policies.join("10-wait.yml")).unwrap();
    let active = replica.policies_in_force(&["new", "all"]).await.active;
    assert_eq!(active.decision_wait_seconds, 30.0);
    fs::rename(policies.join("15-new.yaml"), policies.join("25-new.yaml")).unwrap();
    replica.policies_in_force(&["all", "new"]).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_name_that_stands_in_two_files_is_told_with_both_places() {
    let (folder, policies) = folder_with(&[("a.yaml", &keep_all_named("all"))]);
    let replica = Replica::start_in(folder, "", Some("policies.d")).await;
    fs::write(
        policies.join("b.yaml"),
        format!("\n{}", keep_all_named("all")),
    )
    .unwrap();
    let (status, page) = replica.reload().await;
    assert_eq!((status, page.active.generation), (422, 1));
    let rejected = page.rejected.unwrap();
    assert_eq!(rejected.files, ["policies.d/a.yaml", "policies.d/b.yaml"]);
    let error = &rejected.errors[0];
    assert_eq!(
        (error.file.as_str(), error.line),
        ("policies.d/b.yaml", Some(2))
    );
    assert!(
        error.problem.contains("policies.d/a.yaml:1:12"),
        "{error:?}"
    );
    fs::remove_file(policies.join("b.yaml")).unwrap();
    assert_eq!(replica.reload().await.0, 200);
    replica.signal("TERM");
    assert_eq!(replica.ended().await.exit_code, Some(0));
}

#[tokio::test]
async fn a_folder_that_disappears_keeps_its_policies_in_force_until_it_is_back() {
    let (folder, policies) = folder_with(&[("a.yaml", &keep_all_named("first"))]);
    let replica = Replica::start_in(folder, "", Some("policies.d")).await;
    let aside = replica.folder().join("aside");
    fs::rename(&policies, &aside).unwrap();
    let (active, rejected) = replica.policies_rejected().await;
    assert_eq!((active.generation, active.names()), (1, vec!["first"]));
    assert!(
        rejected.errors[0].problem.contains("cannot be read"),
        "{rejected:#?}"
    );
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("a.yaml"), keep_all_named("second")).unwrap();
    replica.policies_in_force(&["second"]).await;
    // It is another folder now, and that one is watched.
    fs::write(policies.join("b.yaml"), keep_all_named("third")).unwrap();
    replica.policies_in_force(&["second", "third"]).await;
    fs::remove_file(policies.join("a.yaml")).unwrap();
    fs::remove_file(policies.join("b.yaml")).unwrap();
    let (active, rejected) = replica.policies_rejected().await;
    assert_eq!(active.names(), ["second", "third"]);
    assert!(
        rejected.errors[0].problem.contains("holds no policy file"),
        "{rejected:#?}"
    );
    replica.signal("TERM");
    assert_eq!(replica.ended().await.exit_code, Some(0));
}
