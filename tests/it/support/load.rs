//! Clients that send as fast as they are answered, do what they are told when refused, and remember every answer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prost::Message;
use tokio::task::JoinSet;
use tonic::Code;

use super::eventually;
use super::grpc::GrpcClient;
use super::spans::{identifiers, padded, request, span};

const CLIENTS: u64 = 4;
const TRACES_A_REQUEST: u64 = 10;
/// Bytes by which each span is larger than it must be.
const PADDING_BYTES: usize = 1_000;

/// Load under way.
pub(crate) struct Load {
    progress: Arc<Progress>,
    clients: JoinSet<Acknowledged>,
}

/// Identifiers of the spans that were answered with success.
pub(crate) type Acknowledged = BTreeSet<(Vec<u8>, Vec<u8>)>;

#[derive(Default)]
struct Progress {
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    /// Starts it. A trace's spans come in two requests of the same client.
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let progress = Arc::new(Progress::default());
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let client = GrpcClient::connect(address).await;
            clients.spawn(drive(client, number, Arc::clone(&progress)));
        }
        Self { progress, clients }
    }

    /// Waits for this many requests to be acknowledged from now on.
    pub(crate) async fn acknowledged(&self, requests: u64) {
        reaches(
            &self.progress.acknowledged,
            requests,
            "requests are acknowledged",
        )
        .await;
    }

    /// Waits for this many requests to be refused from now on.
    pub(crate) async fn refused(&self, requests: u64) {
        reaches(&self.progress.refused, requests, "requests are refused").await;
    }

    /// Ends it when every request under way is answered.
    pub(crate) async fn stop(self) -> Acknowledged {
        self.progress.is_over.store(true, Ordering::Relaxed);
        self.until_disconnected().await
    }

    /// Waits for the replica to end all connections.
    pub(crate) async fn until_disconnected(self) -> Acknowledged {
        self.clients
            .join_all()
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

async fn reaches(count: &AtomicU64, more: u64, what: &str) {
    let target = count.load(Ordering::Relaxed) + more;
    eventually(what, || async {
        (count.load(Ordering::Relaxed) >= target).then_some(())
    })
    .await;
}

async fn drive(client: GrpcClient, number: u64, progress: Arc<Progress>) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    for round in 0.. {
        let first = |round: u64| (u128::from(number) << 64) | u128::from(round * TRACES_A_REQUEST);
        let traces = u128::from(TRACES_A_REQUEST);
        let begun = (first(round + 1)..first(round + 1) + traces).map(|trace| span(trace, 1));
        let ended = (first(round)..first(round) + traces).map(|trace| span(trace, 2));
        let spans = begun.chain(ended).map(|span| padded(span, PADDING_BYTES));
        // A trace ID of zeros is none.
        let spans = spans.filter(|span| span.trace_id != [0; 16]);
        let request = request(spans.collect());
        if !deliver(&client, &request.encode_to_vec(), &progress).await {
            break;
        }
        acknowledged.extend(identifiers([&request]));
    }
    acknowledged
}

/// Sends a request until it is taken; `false` when that is not to be.
async fn deliver(client: &GrpcClient, request: &[u8], progress: &Progress) -> bool {
    while !progress.is_over.load(Ordering::Relaxed) {
        let Some(answer) = client.try_export(request).await else {
            return false;
        };
        if answer.code() == Code::Ok {
            assert_eq!(answer.response().partial_success, None);
            progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        assert_eq!(answer.code(), Code::Unavailable, "{:?}", answer.status());
        let wait = answer
            .retry_after()
            .expect("a refusal says when to try again");
        progress.refused.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(wait).await;
    }
    false
}
