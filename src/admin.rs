//! The admin port: metrics, health, status. HTTP/1, for operators and probes, never for spans.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Registry;

/// What stands behind `/api/v1/status`.
pub trait StatusPage: Send + Sync + 'static {
    /// The page as JSON.
    fn json(&self) -> Vec<u8>;
}

/// The listening admin port.
#[derive(Debug)]
pub struct Admin {
    /// Where it listens.
    pub addr: SocketAddr,
    is_ready: Arc<AtomicBool>,
}

/// The admin port does not listen.
#[derive(Debug, thiserror::Error)]
#[error("admin.endpoint: cannot listen on {endpoint}")]
pub struct AdminError {
    endpoint: SocketAddr,
    #[source]
    source: std::io::Error,
}

#[derive(Clone)]
struct Pages {
    registry: Registry,
    status: Arc<dyn StatusPage>,
    is_ready: Arc<AtomicBool>,
}

impl Admin {
    /// Listens on `endpoint` for as long as the runtime lives; ready from the start.
    ///
    /// # Errors
    /// [`AdminError`] when it cannot listen there.
    pub async fn start(
        endpoint: SocketAddr,
        registry: Registry,
        status: impl StatusPage,
    ) -> Result<Self, AdminError> {
        let failed = |source| AdminError { endpoint, source };
        let listener = TcpListener::bind(endpoint).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let is_ready = Arc::new(AtomicBool::new(true));
        let pages = Pages {
            registry,
            status: Arc::new(status),
            is_ready: Arc::clone(&is_ready),
        };
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/api/v1/status", get(status_page))
            .with_state(pages);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the admin port has ended");
            }
        });
        Ok(Self { addr, is_ready })
    }

    /// From now on `/readyz` answers 503, so that load balancers look elsewhere.
    pub fn set_unready(&self) {
        self.is_ready.store(false, Ordering::Relaxed);
    }
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    let exposition_format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (exposition_format, pages.registry.render())
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if pages.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    }
}

async fn status_page(State(pages): State<Pages>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        pages.status.json(),
    )
}
