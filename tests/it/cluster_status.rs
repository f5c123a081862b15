//! `tailsieve cluster status` shows a cluster, and tells by its exit code whether it is as it should be.

use std::process::Output;

use crate::support::cluster::{Cluster, Plan, free_udp_addresses};
use crate::support::replica::{BINARY, KEEP_ALL, Replica};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_in_order_is_shown_with_its_members_slots_and_traffic() {
    let pair = Plan {
        replicas: 2,
        ..Plan::default()
    };
    let cluster = Cluster::found(pair).await;
    let replica = &cluster.replicas[&0];
    let shown = status(&[&replica.admin.to_string()]).await;
    let text = stdout(&shown);
    assert_eq!(shown.status.code(), Some(0), "{text}");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    for (id, slots) in [("r0", "self"), ("r1", "ok")] {
        let is_there = |row: &&Vec<&str>| {
            row.first() == Some(&id) && row.ends_with(&[slots, "equal", version])
        };
        assert!(rows.iter().any(|row| is_there(&row)), "{id} in\n{text}");
    }
    assert!(text.contains("0 unheld of 4096"), "{text}");
    assert!(text.contains("no moves under way"), "{text}");
    assert!(rows.iter().any(|row| row.starts_with(&["TRAFFIC", "TO"])));

    let url = format!("http://{}", replica.admin);
    let shown = status(&[&url, "--format", "json"]).await;
    assert_eq!(shown.status.code(), Some(0));
    let page: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(page["replica"], "r0");
    assert_eq!(page["members"].as_array().unwrap().len(), 2);
    cluster.end().await;
}

#[tokio::test]
async fn a_replica_that_is_not_ready_or_has_no_cluster_is_exit_code_1() {
    let [gossip, nobody] = free_udp_addresses(2)[..] else {
        panic!("two addresses")
    };
    let joining = format!(
        "cluster: {{replica_id: r0, peer: {{endpoint: \"127.0.0.1:0\"}}, gossip: {{endpoint: \"{gossip}\"}}, seeds: [\"{nobody}\"], min_replicas: 2}}"
    );
    for (file, wanted) in [(joining.as_str(), "r0 is joining"), ("", "runs alone")] {
        let replica = Replica::start(file, KEEP_ALL).await;
        let shown = status(&[&replica.admin.to_string()]).await;
        assert_eq!(shown.status.code(), Some(1));
        let said = String::from_utf8_lossy(&shown.stderr);
        assert!(said.contains(wanted), "{said}");
        replica.stop().await;
    }
}

#[tokio::test]
async fn wrong_arguments_are_exit_code_2_and_nobody_there_is_1() {
    assert_eq!(status(&["no address"]).await.status.code(), Some(2));
    let nobody = free_udp_addresses(1)[0].to_string();
    let shown = status(&[&nobody]).await;
    assert_eq!(shown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&shown.stderr);
    assert!(said.contains("is a replica running"), "{said}");
}

async fn status(admin_and_more: &[&str]) -> Output {
    tokio::process::Command::new(BINARY)
        .args(["cluster", "status", "--admin"])
        .args(admin_and_more)
        .env_clear()
        .output()
        .await
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
