//! A trace is decided once: late spans follow its decision, and spans that a client sends again are held once.

use crate::support::eventually;
use crate::support::replica::{KEEP_ALL_AT_THE_END, Replica};
use crate::support::spans::{count, failed, identifiers, request, span};

const ERRORS: &str = "\
decision_wait: 200ms
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

#[tokio::test]
async fn late_spans_follow_the_decision_of_their_trace() {
    let replica = Replica::start("", ERRORS).await;
    let client = replica.client().await;
    let on_time = request(vec![failed(span(1, 1)), span(2, 1)]);
    client.export(&on_time).await.message();
    let is_decided = || async {
        let spans = replica.status().await.spans;
        (spans.kept + spans.not_sampled == 2).then_some(spans)
    };
    let spans = eventually("both are decided", is_decided).await;
    assert_eq!((spans.kept, spans.not_sampled), (1, 1));
    // By themselves they would be decided the other way round.
    let late = request(vec![span(1, 2), failed(span(2, 2))]);
    client.export(&late).await.message();
    replica.take_in(4).await;
    let spans = replica.settle().await.spans;
    assert_eq!((spans.kept, spans.not_sampled), (2, 2));
    let kept = replica.stop().await.kept;
    assert_eq!(
        identifiers(&kept),
        identifiers([&request(vec![span(1, 1), span(1, 2)])])
    );
}

#[tokio::test]
async fn a_request_sent_again_is_kept_once() {
    let replica = Replica::start("shards: 2", KEEP_ALL_AT_THE_END).await;
    let client = replica.client().await;
    let sent = request((1..=20).map(|trace| span(trace, 1)).collect());
    for _ in 0..3 {
        assert_eq!(client.export(&sent).await.message().len(), 0);
    }
    replica.take_in(60).await;
    let spans = replica.status().await.spans;
    assert_eq!((spans.buffered, spans.deduplicated), (20, 40));
    let kept = replica.stop().await.kept;
    assert_eq!(identifiers(&kept), identifiers([&sent]));
    assert_eq!(count(&kept), 20);
}
