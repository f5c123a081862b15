//! A connection that is old enough is ended without losing a request, so that long-lived clients spread over replicas.

use std::collections::BTreeSet;

use prost::Message;

use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{count, identifiers, request, span};

const SHORT_LIVES: &str = "
receivers:
  otlp:
    protocols:
      grpc:
        keepalive: {server_parameters: {max_connection_age: 200ms, max_connection_age_grace: 1h}}
";

#[tokio::test]
async fn requests_on_an_aging_connection_are_answered_or_never_taken() {
    let replica = Replica::start(SHORT_LIVES, KEEP_ALL).await;
    let mut acknowledged = BTreeSet::new();
    let mut traces = 1..;
    for _ in 0..3 {
        let client = replica.client().await;
        loop {
            let request = request(vec![span(traces.next().unwrap(), 1)]);
            let Some(answer) = client.try_export(&request.encode_to_vec()).await else {
                break;
            };
            assert_eq!(answer.message().len(), 0);
            acknowledged.extend(identifiers([&request]));
        }
    }
    assert!(acknowledged.len() >= 3, "each connection lives for a while");
    let spans = replica.settle().await.spans;
    assert_eq!(spans.kept, acknowledged.len() as u64);
    let kept = replica.stop().await.kept;
    assert_eq!(identifiers(&kept), acknowledged);
    assert_eq!(count(&kept), acknowledged.len() as u64);
}
