//! A replica with another secret or of another cluster never joins; it is counted, and disturbs nobody.

use crate::support::cluster::load::SpreadLoad;
use crate::support::cluster::{Cluster, Plan};
use crate::support::eventually;
use crate::support::replica::Replica;

const REFUSED: &str = "tailsieve_cluster_gossip_refused_total{reason=";

/// Datagrams to wait for: far more than a joiner would need.
const SOME: f64 = 20.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_another_secret_or_cluster_name_never_joins_and_disturbs_nobody() {
    let pair = Plan {
        replicas: 2,
        wait: "5s",
        ..Plan::default()
    };
    let cluster = Cluster::found(pair).await;
    let load = SpreadLoad::start(&cluster.directory);
    let wrong_secret = Plan {
        replicas: 2,
        secret: "what others do not share",
        ..Plan::default()
    };
    let wrong_name = Plan {
        replicas: 2,
        more: "name: another",
        ..Plan::default()
    };
    let strangers = [
        cluster.start_stranger("stranger", &wrong_secret).await,
        cluster.start_stranger("lost", &wrong_name).await,
    ];
    for reason in ["secret", "cluster"] {
        eventually("the strangers are refused", || async {
            let refused = refused(&cluster.replicas[&0], reason).await;
            (refused >= SOME).then_some(())
        })
        .await;
    }
    for stranger in strangers {
        assert!(!stranger.is_ready().await);
        let page = stranger.cluster().await;
        assert_eq!(page.members.len(), 1, "{page:#?}");
        assert_eq!((page.state.as_str(), page.slots.held), ("joining", 0));
        stranger.stop().await;
    }
    for page in cluster.balanced(&[0, 1]).await {
        assert_eq!(page.members.len(), 2, "{page:#?}");
    }
    let books = load.stop().await;
    let backend = cluster.end().await;
    books.compare(&backend.requests()).assert_clean();
}

async fn refused(replica: &Replica, reason: &str) -> f64 {
    replica.metric(&format!("{REFUSED}\"{reason}\"")).await
}
