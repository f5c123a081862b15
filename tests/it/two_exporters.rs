//! Every kept trace goes to all exporters, each with its own queue, books and way to deal with a dead backend.

use crate::support::backend::Backend;
use crate::support::eventually;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{identifiers, padded, request, span};

const REQUESTS: u64 = 40;

#[tokio::test]
async fn one_that_may_drop_drops_counted_and_the_other_gets_everything() {
    let backend = Backend::start().await;
    backend.kill();
    let server_file = format!(
        "
batch: {{max_size: 64KiB}}
exporters:
  otlp/lossy:
    endpoint: \"http://{}\"
    compression: none
    sending_queue: {{limit: 128KiB, overflow: drop_oldest}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 50ms}}
  file: {{path: data/kept}}
",
        backend.address
    );
    let replica = Replica::start(&server_file, KEEP_ALL).await;
    let client = replica.client().await;
    let requests: Vec<_> = (1..=u128::from(REQUESTS))
        .map(|trace| request(vec![padded(span(trace, 1), 40_000)]))
        .collect();
    for request in &requests {
        client.export(request).await.message();
    }
    let file_has_all = || async {
        let status = replica.status().await;
        let sent = status.exporter("file").sent_spans;
        (sent == REQUESTS).then_some(status)
    };
    let status = eventually("the file has everything", file_has_all).await;
    status.assert_balanced();
    let lossy = status.exporter("otlp/lossy");
    assert!(
        lossy.failed_spans > 0 && lossy.queued_spans > 0,
        "{lossy:?}"
    );

    backend.revive();
    let status = replica.settle().await;
    let lossy = status.exporter("otlp/lossy");
    let arrived = identifiers(&backend.requests());
    assert_eq!(lossy.sent_spans, arrived.len() as u64);
    assert_eq!(lossy.failed_spans, REQUESTS - lossy.sent_spans);
    let kept = replica.stop().await.kept;
    assert_eq!(identifiers(&kept), identifiers(&requests));
    assert!(arrived.is_subset(&identifiers(&requests)));
}
