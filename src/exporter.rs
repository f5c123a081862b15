//! Exporters: bounded queues of encoded requests, delivered with retry until each backend has acknowledged.
//!
//! ```text
//! shards --offer--> queue --next--> consumers (tasks) --attempt--> sink: gRPC, HTTP, file
//!   ^                 |                 |   ^  |
//!   +----on_room------+<----release-----+   +--+ back-off, same request again
//! ```
//! A request leaves the queue, and its bytes the process's budget, only when its fate is known: acknowledged, refused
//! for good, or given up. A dead backend therefore fills the queue and turns into back-pressure, not into loss.
//! Delivery is at least once: a backend that took a request but could not say so gets it again.
//!
//! What is lost is lost by name (`reason`); see [`ExporterStatus`] and the metrics `tailsieve_exporter_*`.

mod compress;
mod deliver;
mod file;
mod headers;
mod ledger;
mod otlp_grpc;
mod otlp_http;
mod outcome;
mod queue;
mod reason;
mod retry;
mod start_error;
mod status;
mod tls;

pub mod config;

#[cfg(test)]
mod test_backend;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use self::config::{Destination, ExporterConfig, QueueConfig, RetryConfig};
use self::deliver::{Delivery, Sink, consume};
use self::file::FileSink;
use self::ledger::Ledger;
use self::otlp_grpc::GrpcSink;
use self::otlp_http::HttpSink;
use self::queue::{Offer, Queue, QueueGauges};
use crate::batch::export::ExportBatch;
use crate::clock::Clock;
use crate::metrics::ExporterMetrics;

pub use self::file::EncodeJson;
pub use self::queue::OnRoom;
pub use self::start_error::StartError;
pub use self::status::ExporterStatus;

/// A running exporter. Clones share it; when the last one is dropped without [`Exporter::drain`], delivery stops.
#[derive(Clone)]
pub struct Exporter(Arc<Running>);

/// What an exporter is given besides its settings.
pub struct ExporterContext {
    /// For durations and dates.
    pub clock: Clock,
    /// Its metrics.
    pub metrics: ExporterMetrics,
    /// Called, from a task, when a queue that had refused an offer or denied room has room again. Must not block.
    pub on_room: OnRoom,
    /// How a `file` exporter turns a request into a line.
    pub encode_json: EncodeJson,
}

struct Running {
    queue: Arc<Queue>,
    ledger: Arc<Ledger>,
    limit_bytes: u64,
    consumers: Mutex<JoinSet<()>>,
}

impl Exporter {
    /// Starts delivery on `runtime`. A backend that is absent is not an error: it is waited for.
    ///
    /// Reads the files of `tls`; otherwise touches neither disk nor network yet.
    ///
    /// # Errors
    /// [`StartError`] when the settings cannot work.
    pub fn start(
        config: ExporterConfig,
        context: ExporterContext,
        runtime: &Handle,
    ) -> Result<Self, StartError> {
        // The gRPC channel spawns its task when it is made.
        let _within = runtime.enter();
        let mut queue = config.queue;
        let mut retry = RetryConfig::default();
        let sink: Box<dyn Sink> = match &config.destination {
            Destination::OtlpGrpc(otlp) => {
                retry = otlp.retry;
                Box::new(GrpcSink::new(otlp)?)
            }
            Destination::OtlpHttp(otlp) => {
                retry = otlp.retry;
                Box::new(HttpSink::new(otlp, context.clock.clone())?)
            }
            Destination::File(file) => {
                queue.num_consumers = 1;
                Box::new(FileSink::new(file, context.encode_json))
            }
        };
        Ok(Self::deliver_to(
            sink,
            config.name,
            queue,
            retry,
            context,
            runtime,
        ))
    }

    fn deliver_to(
        sink: Box<dyn Sink>,
        name: String,
        config: QueueConfig,
        retry: RetryConfig,
        context: ExporterContext,
        runtime: &Handle,
    ) -> Self {
        let ExporterContext {
            clock,
            metrics,
            on_room,
            ..
        } = context;
        let gauges = QueueGauges {
            bytes: metrics.queue_bytes.clone(),
            spans: metrics.queue_spans.clone(),
        };
        metrics.queue_limit_bytes.set(config.limit_bytes as f64);
        let delivery = Arc::new(Delivery {
            queue: Arc::new(Queue::new(config, gauges, on_room)),
            ledger: Arc::new(Ledger::new(name, metrics, &clock)),
            sink,
            retry,
            clock,
        });
        let mut consumers = JoinSet::new();
        for _ in 0..config.num_consumers.max(1) {
            consumers.spawn_on(consume(Arc::clone(&delivery)), runtime);
        }
        Self(Arc::new(Running {
            queue: Arc::clone(&delivery.queue),
            ledger: Arc::clone(&delivery.ledger),
            limit_bytes: config.limit_bytes,
            consumers: Mutex::new(consumers),
        }))
    }

    /// Takes a request for delivery. Never waits; callable from any thread.
    ///
    /// With `overflow: drop_oldest` a request is always taken, and what has to go is counted.
    ///
    /// # Errors
    /// The request itself when the queue has no room for it (`on_room` will be called) or [`Exporter::drain`] has
    /// begun.
    pub fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        match self.0.queue.offer(batch) {
            Offer::Taken { dropped } => {
                self.0.ledger.dropped_oldest(&dropped);
                Ok(())
            }
            Offer::Refused(batch) => Err(batch),
        }
    }

    /// Whether the queue is below its limit. After `false`, `on_room` will be called when that changes.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.queue.has_room()
    }

    /// Spans and encoded bytes in the queue, those under way included.
    #[must_use]
    pub fn pending(&self) -> (u64, u64) {
        self.0.queue.pending()
    }

    /// Its state for people.
    #[must_use]
    pub fn status(&self) -> ExporterStatus {
        let Running { queue, ledger, .. } = &*self.0;
        let (queued_spans, queued_bytes) = queue.pending();
        ExporterStatus {
            name: ledger.name().to_owned(),
            queued_spans,
            queued_bytes,
            limit_bytes: self.0.limit_bytes,
            sent_spans: ledger.sent_spans(),
            failed_spans: ledger.failed_spans(),
            failing: ledger.failing(),
            last_error: ledger.last_error(),
        }
    }

    /// Shuts down: refuses further offers and delivers what is queued, with retry as ever, for at most `grace`.
    ///
    /// Returns the spans that are left undelivered then; they are counted as failed by `shutdown` and freed. What was
    /// under way at that moment counts as undelivered, though the destination may have it.
    pub async fn drain(&self, grace: Duration) -> u64 {
        let Running { queue, ledger, .. } = &*self.0;
        queue.close();
        let mut consumers = std::mem::take(&mut *self.0.consumers.lock());
        let all_ended = async { while consumers.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            consumers.shutdown().await;
        }
        while let Some(batch) = queue.take_waiting() {
            ledger.abandoned(&batch);
            queue.release(batch);
        }
        ledger.abandoned_spans()
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exporter").field(&self.status()).finish()
    }
}

impl fmt::Debug for ExporterContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterContext").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
