//! The admin port: metrics, health, status, policies, traces. HTTP/1, for operators and probes, never for spans.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::metrics::Registry;

/// What stands behind `/api/v1/status`.
pub trait StatusPage: Send + Sync + 'static {
    /// The page as JSON.
    fn json(&self) -> Vec<u8>;
}

/// What stands behind `/api/v1/policies` and `/-/reload`.
pub trait PoliciesPage: Send + Sync + 'static {
    /// The page as JSON.
    fn json(&self) -> Vec<u8>;

    /// Reads the policies again and puts them in force, if they are others and valid.
    fn reload(&self) -> BoxFuture<'static, Reloaded>;
}

/// What stands behind `/api/v1/cluster`.
pub trait ClusterPage: Send + Sync + 'static {
    /// The page as JSON.
    fn json(&self) -> Vec<u8>;

    /// Whether the replica has its part in the cluster, so that clients may be sent to it.
    fn is_ready(&self) -> bool;
}

/// What stands behind `/api/v1/traces/{trace_id}`.
pub trait TracesPage: Send + Sync + 'static {
    /// What is known of a trace.
    fn answer(&self, trace_id: &str) -> BoxFuture<'static, TracesAnswer>;
}

/// What is known of a trace, as JSON.
#[derive(Debug)]
pub enum TracesAnswer {
    /// Something.
    Known(Vec<u8>),
    /// Nothing.
    Unknown(Vec<u8>),
    /// That is no trace ID; a message.
    BadRequest(String),
}

/// How reloading went.
#[derive(Debug)]
pub struct Reloaded {
    /// Whether what was read is in force now.
    pub is_in_force: bool,
    /// The page after it, as JSON.
    pub json: Vec<u8>,
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

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

#[derive(Clone)]
struct Pages {
    registry: Registry,
    status: Arc<dyn StatusPage>,
    policies: Arc<dyn PoliciesPage>,
    traces: Arc<dyn TracesPage>,
    cluster: Option<Arc<dyn ClusterPage>>,
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
        policies: impl PoliciesPage,
        traces: impl TracesPage,
        cluster: Option<Arc<dyn ClusterPage>>,
    ) -> Result<Self, AdminError> {
        let failed = |source| AdminError { endpoint, source };
        let listener = TcpListener::bind(endpoint).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let is_ready = Arc::new(AtomicBool::new(true));
        let pages = Pages {
            registry,
            status: Arc::new(status),
            policies: Arc::new(policies),
            traces: Arc::new(traces),
            cluster,
            is_ready: Arc::clone(&is_ready),
        };
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/-/reload", post(reload))
            .route("/api/v1/cluster", get(cluster_page))
            .route("/api/v1/policies", get(policies_page))
            .route("/api/v1/status", get(status_page))
            .route("/api/v1/traces/{trace_id}", get(traces_page))
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
    let has_its_part = pages.cluster.as_ref().is_none_or(|page| page.is_ready());
    if !pages.is_ready.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else if !has_its_part {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not active in its cluster\n",
        )
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn cluster_page(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.cluster {
        Some(cluster) => (StatusCode::OK, JSON, cluster.json()),
        None => {
            let json = serde_json::json!({ "error": "this replica runs alone: it has no cluster section" });
            (StatusCode::NOT_FOUND, JSON, json.to_string().into_bytes())
        }
    }
}

async fn status_page(State(pages): State<Pages>) -> impl IntoResponse {
    (JSON, pages.status.json())
}

async fn policies_page(State(pages): State<Pages>) -> impl IntoResponse {
    (JSON, pages.policies.json())
}

async fn traces_page(
    State(pages): State<Pages>,
    Path(trace_id): Path<String>,
) -> impl IntoResponse {
    match pages.traces.answer(&trace_id).await {
        TracesAnswer::Known(json) => (StatusCode::OK, JSON, json),
        TracesAnswer::Unknown(json) => (StatusCode::NOT_FOUND, JSON, json),
        TracesAnswer::BadRequest(problem) => {
            let json = serde_json::json!({ "error": problem }).to_string();
            (StatusCode::BAD_REQUEST, JSON, json.into_bytes())
        }
    }
}

/// Answers when the attempt is over, so that a script knows: 422 when what was read is not in force.
async fn reload(State(pages): State<Pages>) -> impl IntoResponse {
    let reloaded = pages.policies.reload().await;
    let code = if reloaded.is_in_force {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    (code, JSON, reloaded.json)
}
