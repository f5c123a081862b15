//! A rolling restart of all three replicas under load loses no span, splits no trace, doubles nothing.

use crate::support::cluster::load::SpreadLoad;
use crate::support::cluster::{Cluster, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_splits_and_doubles_nothing() {
    let mut cluster = Cluster::found(Plan::default()).await;
    let load = SpreadLoad::start(&cluster.directory);
    load.seconds(3).await;
    for number in 0..3 {
        cluster.stop(number).await;
        cluster.start(number).await;
        cluster.balanced(&[0, 1, 2]).await;
    }
    let books = load.stop().await;
    let backend = cluster.end().await;
    books.compare(&backend.requests()).assert_clean();
}
