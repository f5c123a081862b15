//! What scenarios are written with: the replica, its clients, its backend, spans, the books.

pub(crate) mod accounting;
pub(crate) mod backend;
pub(crate) mod cluster;
pub(crate) mod files;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod load;
pub(crate) mod oracle;
pub(crate) mod policies;
pub(crate) mod recorded;
pub(crate) mod replica;
pub(crate) mod shard;
pub(crate) mod spans;

use std::time::Duration;

/// How long a test waits for what must come. Far more than it takes: only a failing test gets here.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let answer = tokio::time::timeout(DEADLINE, asking).await;
    answer.unwrap_or_else(|_| panic!("never came true: {what}"))
}
