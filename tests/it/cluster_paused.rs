//! A replica that stands still for five seconds comes back: nothing is lost, split or doubled.

use std::time::Duration;

use crate::support::cluster::load::SpreadLoad;
use crate::support::cluster::{Cluster, Plan};

/// How long it stands still: shorter than `dead_after`, longer than it takes to be suspected.
const PAUSE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_stopped_for_five_seconds_comes_back_without_loss_or_split() {
    // What clients sent to it in the pause comes so much later.
    let plan = Plan {
        wait: "11s",
        ..Plan::default()
    };
    let cluster = Cluster::found(plan).await;
    let load = SpreadLoad::start(&cluster.directory);
    load.seconds(4).await;
    cluster.replicas[&1].signal("STOP");
    tokio::time::sleep(PAUSE).await;
    cluster.replicas[&1].signal("CONT");
    let books = load.stop().await;
    let pages = cluster.balanced(&[0, 1, 2]).await;
    assert!(pages.iter().all(|page| page.members.len() == 3));
    let backend = cluster.end().await;
    books.compare(&backend.requests()).assert_clean();
}
