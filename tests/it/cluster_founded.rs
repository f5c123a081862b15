//! Three replicas found a cluster and share its slots; spans sent to any of them arrive exactly once, every trace whole.

use crate::support::cluster::load::SpreadLoad;
use crate::support::cluster::{Cluster, Plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_found_a_cluster_and_keep_traces_whole_wherever_their_spans_arrive() {
    let cluster = Cluster::found(Plan::default()).await;
    let pages = cluster.pages().await;
    for page in &pages {
        assert!(page.slots.held.abs_diff(4096 / 3) <= 30, "{page:#?}");
        assert_eq!(page.slots.table, pages[0].slots.table);
    }
    let load = SpreadLoad::start(&cluster.directory);
    load.seconds(5).await;
    let books = load.stop().await;
    let (mut forwarded, mut received) = (0, 0);
    for replica in cluster.replicas.values() {
        let spans = replica.settle().await.spans;
        assert!(spans.forwarded > 0, "a share of the spans takes a hop");
        forwarded += spans.forwarded;
        received += spans.received_from_peers;
    }
    assert_eq!(forwarded, received, "what one passes on another has");
    let backend = cluster.end().await;
    books.compare(&backend.requests()).assert_clean();
}
