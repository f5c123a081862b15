//! The consumers: each takes the oldest request, and stays with it until it is delivered or given up.
//!
//! A request that is being retried occupies its consumer, so `num_consumers` bounds what a backend that comes back is
//! met with, and with one consumer the order of requests is kept.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::config::RetryConfig;
use super::ledger::Ledger;
use super::outcome::{Accepted, Failure};
use super::queue::Queue;
use super::retry::Backoff;
use crate::batch::export::ExportBatch;
use crate::clock::Clock;

/// One attempt under way.
pub(super) type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Failure>> + Send + 'a>>;

/// A destination. It makes one attempt, bounds its duration, and translates the answer; it does not retry.
pub(super) trait Sink: Send + Sync {
    fn attempt<'a>(&'a self, batch: &'a ExportBatch) -> Attempt<'a>;
}

/// What the consumers of one exporter share.
pub(super) struct Delivery {
    pub(super) queue: Arc<Queue>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) retry: RetryConfig,
    pub(super) clock: Clock,
}

/// A request taken from the queue. Dropped without a verdict, when its task is aborted, it counts as abandoned.
struct Claim<'a> {
    batch: Option<ExportBatch>,
    delivery: &'a Delivery,
}

/// Delivers until the queue is closed and empty.
pub(super) async fn consume(delivery: Arc<Delivery>) {
    while let Some(batch) = delivery.queue.next().await {
        let mut claim = Claim {
            batch: Some(batch),
            delivery: &delivery,
        };
        claim.deliver().await;
    }
}

impl Claim<'_> {
    async fn deliver(&mut self) {
        let Some(batch) = &self.batch else {
            return;
        };
        let delivery = self.delivery;
        let mut backoff = Backoff::new(delivery.retry);
        loop {
            let started = delivery.clock.now();
            let outcome = delivery.sink.attempt(batch).await;
            let took = delivery.clock.now().since(started);
            delivery.ledger.attempted(took);
            let failure = match outcome {
                Ok(accepted) => {
                    delivery.ledger.accepted(batch, &accepted);
                    break;
                }
                Err(failure) => failure,
            };
            let Some(wait) = backoff.wait_after(took, failure.retry) else {
                delivery.ledger.gave_up(batch, &failure);
                break;
            };
            delivery.ledger.retrying(&failure, wait);
            tokio::time::sleep(wait).await;
        }
        if let Some(batch) = self.batch.take() {
            delivery.queue.release(batch);
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.delivery.ledger.abandoned(&batch);
            self.delivery.queue.release(batch);
        }
    }
}
