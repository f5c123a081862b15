//! SIGTERM loses nothing acknowledged, and the exit code tells when something had to be left; a second one ends at once.

use crate::support::backend::Backend;
use crate::support::load::Load;
use crate::support::replica::{KEEP_ALL, KEEP_ALL_AT_THE_END, Replica};
use crate::support::spans::{identifiers, request, span};
use crate::support::{eventually, http};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_nothing_acknowledged() {
    let backend = Backend::start().await;
    let replica = Replica::start(&backend.server_file(""), KEEP_ALL_AT_THE_END).await;
    let load = Load::start(replica.grpc).await;
    load.acknowledged(200).await;
    assert_eq!(backend.requests().len(), 0, "all is still undecided");
    replica.signal("TERM");
    let acknowledged = load.until_disconnected().await;
    let ended = replica.ended().await;
    assert_eq!(ended.exit_code, Some(0), "{:#?}", ended.log);
    ended.assert_contracts_held();
    let arrived = identifiers(&backend.requests());
    let lost = acknowledged.difference(&arrived).count();
    assert_eq!(lost, 0, "of {}", acknowledged.len());
}

#[tokio::test]
async fn what_a_dead_backend_leaves_behind_is_told_by_the_exit_code_and_counted() {
    let backend = Backend::start().await;
    backend.kill();
    for policies in [KEEP_ALL, KEEP_ALL_AT_THE_END] {
        let short = backend.server_file("shutdown: {grace_period: 500ms}");
        let replica = Replica::start(&short, policies).await;
        let client = replica.client().await;
        let spans = (1..=10).map(|trace| span(trace, 1)).collect();
        client.export(&request(spans)).await.message();
        replica.take_in(10).await;
        replica.signal("TERM");
        let ended = replica.ended().await;
        assert_eq!(ended.exit_code, Some(3), "{:#?}", ended.log);
        let error = ended.first_of_level("ERROR").expect("an error is logged");
        assert_eq!(error["spans"], 10, "{error}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let backend = Backend::start().await;
    backend.kill();
    for (signal, exit_code) in [("TERM", 143), ("INT", 130)] {
        let long = backend.server_file("shutdown: {grace_period: 1h}");
        let replica = Replica::start(&long, KEEP_ALL).await;
        let client = replica.client().await;
        client.export(&request(vec![span(1, 1)])).await.message();
        replica.signal("TERM");
        let is_unready = || async {
            let answer = http::get(replica.admin, "/readyz").await;
            (answer.status == 503).then_some(())
        };
        eventually("probes see the shutdown", is_unready).await;
        assert!(replica.has_logged("shutting down"));
        replica.signal(signal);
        assert_eq!(replica.ended().await.exit_code, Some(exit_code), "{signal}");
    }
}
