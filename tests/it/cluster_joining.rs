//! A replica that still waits for the others takes no spans: it could not know who owns them.

use std::time::Duration;

use tonic::Code;

use crate::support::cluster::{Cluster, Plan};
use crate::support::spans::{failed, identifiers, request, span};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_replica_that_is_joining_are_told_to_wait_until_it_is_active() {
    let pair = Plan {
        replicas: 2,
        wait: "1s",
        ..Plan::default()
    };
    let mut cluster = Cluster::empty(pair).await;
    cluster.launch(0).await;
    let first = &cluster.replicas[&0];
    let request = request(vec![failed(span(1, 1))]);
    let refused = first.client().await.export(&request).await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(50)));
    let message = refused.status().message().to_owned();
    assert!(message.contains("is joining its cluster"), "{message}");
    assert!(!first.is_ready().await);

    cluster.launch(1).await;
    cluster.balanced(&[0, 1]).await;
    let first = &cluster.replicas[&0];
    assert!(first.is_ready().await);
    let answer = first.client().await.export(&request).await;
    assert_eq!(answer.message().len(), 0, "taken now");
    let backend = cluster.end().await;
    assert_eq!(identifiers(&backend.requests()), identifiers(&[request]));
}
