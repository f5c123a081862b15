//! While the backend is dead clients are refused and nothing acknowledged is lost; each span arrives exactly once.

use crate::support::backend::Backend;
use crate::support::load::Load;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{count, identifiers};

/// Little memory, so that it is soon full; clients are told to be back soon.
const SMALL: &str = "\
memory: {limit: 4MiB}
receivers: {otlp: {retry_after: 50ms}}
";

/// Requests to wait for in each phase.
const SOME: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_backend_turns_into_back_pressure_and_not_into_loss() {
    let backend = Backend::start().await;
    let replica = Replica::start(&backend.server_file(SMALL), KEEP_ALL).await;
    let load = Load::start(replica.grpc).await;
    load.acknowledged(SOME).await;
    backend.kill();
    load.refused(SOME).await;
    backend.revive();
    load.acknowledged(10 * SOME).await;
    backend.kill();
    load.refused(SOME).await;
    backend.revive();
    load.acknowledged(SOME).await;
    let acknowledged = load.stop().await;

    let status = replica.settle().await;
    assert!(status.spans.refused > 0);
    assert_eq!(status.spans.kept, acknowledged.len() as u64);
    assert_eq!(status.exporters[0].failed_spans, 0);
    let arrived = backend.requests();
    assert!(
        identifiers(&arrived) == acknowledged,
        "acknowledged spans arrive, and only those"
    );
    assert_eq!(
        count(&arrived),
        acknowledged.len() as u64,
        "none arrives twice"
    );
    replica.returns_memory().await;
    replica.stop().await;
}
