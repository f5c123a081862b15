//! Under `block_on_overflow` clients wait while `num_traces` traces are held, and no trace makes way for another.

use tonic::Code;

use crate::support::backend::Backend;
use crate::support::eventually;
use crate::support::replica::Replica;
use crate::support::spans::{identifiers, request, span};

const POLICIES: &str = "\
decision_wait: 700ms
num_traces: 3
block_on_overflow: true
policies: [{name: all, type: always_sample}]
";

#[tokio::test]
async fn clients_are_told_to_wait_while_the_table_is_full_and_are_served_when_it_is_not() {
    let backend = Backend::start().await;
    let replica = Replica::start(&backend.server_file("shards: 2"), POLICIES).await;
    let client = replica.client().await;
    let first = request((1..=3).map(|trace| span(trace, 1)).collect());
    assert_eq!(client.export(&first).await.code(), Code::Ok);
    let is_full = async || {
        let status = replica.status().await;
        (status.spans.buffered == 3).then_some(())
    };
    eventually("the table is full", is_full).await;
    let second = request(vec![span(4, 1)]);
    let refused = client.export(&second).await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.status().message().contains("block_on_overflow"));
    assert!(refused.retry_after().is_some());
    let is_taken = async || (client.export(&second).await.code() == Code::Ok).then_some(());
    eventually("there is room again", is_taken).await;
    let status = replica.settle().await;
    assert_eq!(status.spans.kept, 4);
    assert_eq!(
        identifiers(&backend.requests()),
        identifiers(&[first, second])
    );
    replica.stop().await;
}
