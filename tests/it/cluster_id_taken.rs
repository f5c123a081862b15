//! Of two replicas with one `replica_id` the younger takes no part and says why; the elder goes on.

use crate::support::cluster::{Cluster, Plan};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_younger_of_two_with_one_id_does_not_become_ready_and_says_why() {
    let pair = Plan {
        replicas: 2,
        ..Plan::default()
    };
    let cluster = Cluster::found(pair).await;
    let before = cluster.balanced(&[0, 1]).await;
    let twin = cluster.start_stranger("r1", &Plan::default()).await;
    eventually("it says why", || async {
        twin.has_logged("another running replica has this one's replica_id")
            .then_some(())
    })
    .await;
    assert!(!twin.is_ready().await);
    twin.signal("TERM");
    assert_eq!(twin.ended().await.exit_code, Some(0));
    for (page, before) in cluster.balanced(&[0, 1]).await.iter().zip(before) {
        assert_eq!(page.replica, before.replica);
        let life = |page: &crate::support::cluster::page::Page| {
            page.member("r1").map(|member| member.incarnation)
        };
        assert_eq!(life(page), life(&before), "the elder lives on");
    }
    cluster.end().await;
}
