//! Also while a dead backend's queue is full the books balance: what is kept waits in the queue or in front of it.

use crate::support::backend::Backend;
use crate::support::eventually;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{identifiers, padded, request, span};

const REQUESTS: u128 = 40;

#[tokio::test]
async fn kept_spans_wait_in_the_queue_or_in_front_of_it() {
    let backend = Backend::start().await;
    backend.kill();
    let server_file = format!(
        "
batch: {{max_size: 64KiB}}
exporters:
  otlp: {{endpoint: \"http://{}\", sending_queue: {{limit: 64KiB}}, retry_on_failure: {{initial_interval: 50ms, max_interval: 50ms}}}}
",
        backend.address
    );
    let replica = Replica::start(&server_file, KEEP_ALL).await;
    let client = replica.client().await;
    let requests: Vec<_> = (1..=REQUESTS)
        .map(|trace| request(vec![padded(span(trace, 1), 40_000)]))
        .collect();
    for request in &requests {
        client.export(request).await.message();
    }
    let is_full = || async {
        let status = replica.status().await;
        let queued = status.exporters[0].queued_spans;
        (status.spans.kept == REQUESTS as u64 && queued > 0).then_some(status)
    };
    let status = eventually("all are decided and the queue is full", is_full).await;
    assert!(status.exporters[0].queued_spans < REQUESTS as u64);
    let is_balanced = || async {
        let status = replica.status().await;
        let waiting = status.exporters[0].queued_spans + status.spans.releasing;
        (waiting == status.spans.kept).then_some(status)
    };
    eventually("the books balance", is_balanced)
        .await
        .assert_balanced();

    backend.revive();
    replica.settle().await;
    assert_eq!(identifiers(&backend.requests()), identifiers(&requests));
    replica.stop().await;
}
