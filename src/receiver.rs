//! Receivers: OTLP over gRPC and HTTP. They admit or refuse, inflate, and hand protobuf bytes to an [`ingest::Ingest`].
//!
//! # Life of a request
//! `listener` accepts a connection; `connection` runs it; `grpc` or `http` routes a request and reads its body through
//! `gather`, charged to `admission`'s budgets; `intake` inflates it (`inflate`), transcodes JSON, adds the interned
//! headers (`metadata`) and calls the ingest; `answer` says success and `status` everything else.
//!
//! # Limits
//! Per request `max_request_size` (64 MiB) as sent and as inflated, and 60 s (gRPC) or `read_timeout` (HTTP) to arrive;
//! over all `max_bytes_in_flight` (256 MiB); 10,000 connections per port, with 128 streams each. What a connection costs
//! beside bodies is not charged: at most 128 KiB (the head of an HTTP/1.1 request), about 32 KiB when it is idle over
//! HTTP/2, and about 5 KiB more for each open stream.

mod admission;
mod answer;
pub mod config;
mod connection;
mod gather;
mod grpc;
mod http;
mod inflate;
pub mod ingest;
mod intake;
mod listener;
mod metadata;
pub mod peer;
mod phase;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::clock::Clock;
use crate::memory::Budget;
use crate::metrics::ReceiverMetrics;

use admission::Admission;
use config::{GrpcConfig, HttpConfig, KeepaliveConfig, ReceiverConfig};
use connection::{ConnectionServer, ConnectionSettings};
use grpc::GrpcService;
use http::HttpService;
use ingest::Ingest;
use intake::Intake;
use listener::Listener;
pub use metadata::MetadataTable;
use phase::Phase;

/// HTTP/2 streams open at once on a connection of the HTTP port, and its pings: what the gRPC port has by default.
const HTTP_STREAMS_MAX: u32 = 128;

/// Time for the head of a request by HTTP/1.1 on the gRPC port, where it is only told that it is wrong there.
const GRPC_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The receivers of one process, serving since [`Receivers::start`].
#[derive(Debug)]
pub struct Receivers {
    /// Where OTLP/gRPC is taken, with the port that was bound.
    pub grpc_addr: Option<SocketAddr>,
    /// Where OTLP/HTTP is taken, with the port that was bound.
    pub http_addr: Option<SocketAddr>,
    phase: watch::Sender<Phase>,
    admission: Arc<Admission>,
}

/// Why the receivers could not start.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// A port could not be bound, most often because something else has it.
    #[error("cannot listen on {endpoint} ({key})")]
    Bind {
        /// The address wanted.
        endpoint: SocketAddr,
        /// The key that holds it.
        key: &'static str,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
}

/// The combinations of request metadata that receivers of `config` share.
#[must_use]
pub fn metadata_table(config: &ReceiverConfig) -> Arc<MetadataTable> {
    let names = &config.include_metadata;
    Arc::new(MetadataTable::new(names, config.metadata_cardinality_limit))
}

impl Receivers {
    /// Binds the ports that `config` names and serves them until [`Receivers::stop_admitting`] or drop.
    ///
    /// # Errors
    /// [`ReceiverError::Bind`]; nothing is served then.
    pub async fn start<I: Ingest>(
        config: ReceiverConfig,
        ingest: I,
        memory: Budget,
        metrics: ReceiverMetrics,
        clock: Clock,
    ) -> Result<Self, ReceiverError> {
        let metadata = metadata_table(&config);
        Self::start_with(config, ingest, memory, metrics, clock, metadata).await
    }

    /// The same, with a table of request metadata that others share.
    ///
    /// # Errors
    /// As [`Receivers::start`].
    pub async fn start_with(
        config: ReceiverConfig,
        ingest: impl Ingest,
        memory: Budget,
        metrics: ReceiverMetrics,
        clock: Clock,
        metadata: Arc<MetadataTable>,
    ) -> Result<Self, ReceiverError> {
        let grpc = match config.grpc {
            None => None,
            Some(grpc) => {
                let key = "receivers.otlp.protocols.grpc.endpoint";
                Some((Listener::bind(grpc.endpoint, key).await?, grpc))
            }
        };
        let http = match config.http {
            None => None,
            Some(http) => {
                let key = "receivers.otlp.protocols.http.endpoint";
                Some((Listener::bind(http.endpoint, key).await?, http))
            }
        };
        let admission = Arc::new(Admission::new(config.max_bytes_in_flight, memory));
        let intake = Arc::new(Intake {
            ingest,
            admission: Arc::clone(&admission),
            metadata,
            metrics,
            clock,
            retry_after: config.retry_after,
        });
        let (phase, of_tasks) = watch::channel(Phase::Serving);
        let receivers = Self {
            grpc_addr: grpc.as_ref().map(|(listener, _)| listener.address),
            http_addr: http.as_ref().map(|(listener, _)| listener.address),
            phase,
            admission,
        };
        if let Some((listener, grpc)) = grpc {
            let intake = Arc::clone(&intake);
            serve_grpc(listener, &grpc, intake, of_tasks.clone()).await;
        }
        if let Some((listener, http)) = http {
            serve_http(listener, &http, intake, of_tasks);
        }
        Ok(receivers)
    }

    /// The budget of requests between their first byte and their answer (`max_bytes_in_flight`).
    #[must_use]
    pub fn in_flight(&self) -> Budget {
        self.admission.in_flight().clone()
    }

    /// From now on requests are refused as shutting down, health checks say not serving, and open connections are asked
    /// to leave once their requests under way are answered. The ports stay open, so that clients read why.
    pub fn stop_admitting(&self) {
        self.admission.close();
        self.phase.send_if_modified(|phase| {
            let serving = *phase == Phase::Serving;
            if serving {
                *phase = Phase::Draining;
            }
            serving
        });
    }

    /// Closes the ports and waits for the connections to end, for `grace` at most; then drops those that are left. Says
    /// whether all ended by themselves.
    pub async fn finished(self, grace: Duration) -> bool {
        self.stop_admitting();
        self.phase.send_replace(Phase::Closing);
        if tokio::time::timeout(grace, self.phase.closed())
            .await
            .is_ok()
        {
            return true;
        }
        self.phase.send_replace(Phase::Aborted);
        self.phase.closed().await;
        false
    }
}

/// Starts to accept gRPC connections, with the health service telling how far the receivers are.
async fn serve_grpc<I: Ingest>(
    listener: Listener,
    config: &GrpcConfig,
    intake: Arc<Intake<I>>,
    phase: watch::Receiver<Phase>,
) {
    let health = HealthReporter::new();
    set_health(&health, ServingStatus::Serving).await;
    tokio::spawn(report_health(health.clone(), phase.clone()));
    let settings = ConnectionSettings::new(
        config.max_concurrent_streams,
        &config.keepalive,
        GRPC_HEAD_TIMEOUT,
    );
    let connections = intake.metrics.grpc.connections.clone();
    let server = ConnectionServer::new(settings, GrpcService::new(config, intake, health));
    tokio::spawn(listener.run(server, connections, phase));
}

/// Starts to accept HTTP connections.
fn serve_http<I: Ingest>(
    listener: Listener,
    config: &HttpConfig,
    intake: Arc<Intake<I>>,
    phase: watch::Receiver<Phase>,
) {
    let settings = ConnectionSettings::new(
        HTTP_STREAMS_MAX,
        &KeepaliveConfig::default(),
        config.read_timeout,
    );
    let connections = intake.metrics.http.connections.clone();
    let server = ConnectionServer::new(settings, HttpService::new(config, intake));
    tokio::spawn(listener.run(server, connections, phase));
}

/// Tells health checks that draining has begun, and ends their streams on closing: they would hold connections open.
async fn report_health(mut health: HealthReporter, mut phase: watch::Receiver<Phase>) {
    let draining = phase.wait_for(|now| *now >= Phase::Draining).await.is_ok();
    set_health(&health, ServingStatus::NotServing).await;
    if draining {
        let _closing = phase.wait_for(|now| *now >= Phase::Closing).await.is_ok();
    }
    health.clear_service_status("").await;
    health.clear_service_status(grpc::TRACE_SERVICE).await;
}

async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for service in ["", grpc::TRACE_SERVICE] {
        health.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests;
