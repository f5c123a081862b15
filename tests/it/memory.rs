//! Under a small limit traces are decided early and really, the limit holds, and the memory comes back.

use crate::support::backend::Backend;
use crate::support::load::Load;
use crate::support::replica::{KEEP_ALL, Replica};

const SMALL: &str = "\
memory: {limit: 4MiB}
receivers: {otlp: {retry_after: 20ms}}
";

/// Long, as seen from how soon the memory is full.
const NOTHING_SOON: &str = "\
decision_wait: 5s
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

const DECIDED_EARLY: &str = "tailsieve_buffer_decisions_total{trigger=\"memory\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_decided_early_and_the_limit_holds() {
    let replica = Replica::start(SMALL, NOTHING_SOON).await;
    let load = Load::start(replica.grpc).await;
    let mut used_bytes_max = 0;
    while replica.metric(DECIDED_EARLY).await < 2_000.0 {
        let memory = replica.status().await.memory;
        assert_eq!(memory.limit_bytes, 4 << 20);
        used_bytes_max = used_bytes_max.max(memory.used_bytes);
    }
    let acknowledged = load.stop().await;
    assert!(used_bytes_max <= 4 << 20, "{used_bytes_max} bytes at once");
    let status = replica.settle().await;
    assert_eq!(status.spans.not_sampled, acknowledged.len() as u64);
    replica.returns_memory().await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_traces_that_no_backend_takes_stay_below_the_limit() {
    let backend = Backend::start().await;
    let replica = Replica::start(&backend.server_file(SMALL), KEEP_ALL).await;
    let load = Load::start(replica.grpc).await;
    let mut used_bytes_max = 0;
    for _ in 0..4 {
        backend.kill();
        let full = load.refused(50);
        let poll = async {
            loop {
                let memory = replica.status().await.memory;
                used_bytes_max = used_bytes_max.max(memory.used_bytes);
            }
        };
        tokio::select! { () = full => {} , () = poll => {} }
        backend.revive();
        load.acknowledged(50).await;
    }
    load.stop().await;
    replica.settle().await;
    assert!(used_bytes_max <= 4 << 20, "{used_bytes_max} bytes at once");
    replica.stop().await;
}
