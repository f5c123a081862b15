//! An OTLP client that says exactly what became of a request: acknowledged, refused (again later, or never), or
//! unanswered. It never retries by itself; [`super::deliver`] does.

mod grpc;
mod http;

pub(super) use self::http::plain_http_client;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::{HeaderMap, Uri};

use self::grpc::GrpcClient;
use self::http::HttpClient;
use super::message::Message;

/// The transport of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Protocol {
    /// gRPC over HTTP/2.
    #[default]
    Grpc,
    /// Binary protobuf in HTTP POST requests.
    Http,
}

/// Where requests go and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// URLs of the receivers; for HTTP without a path, `/v1/traces` is added. Several take turns, as behind a balancer.
    pub endpoints: Vec<Uri>,
    /// The transport.
    pub protocol: Protocol,
    /// Headers sent with each request.
    pub headers: HeaderMap,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// What became of one attempt to send a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Success; all spans but `rejected_spans` were taken.
    Acknowledged {
        /// OTLP's `partial_success.rejected_spans`.
        rejected_spans: u64,
        /// OTLP's `partial_success.error_message`.
        message: String,
    },
    /// The server took nothing and said so.
    Refused {
        /// Whether the specification has clients try this one again.
        retryable: bool,
        /// How long the server asks to wait first.
        delay: Option<Duration>,
        /// Code and message.
        reason: String,
    },
    /// No answer: not connected, disconnected or out of time. The server may have taken the request.
    Unanswered {
        /// What went wrong.
        reason: String,
    },
}

/// For each endpoint a connection (gRPC), or a pool with as many connections as requests under way (HTTP). Clones share
/// them.
#[derive(Debug, Clone)]
pub struct Client {
    transports: Arc<[Transport]>,
    /// Requests begun so far, by which it is an endpoint's turn.
    begun: Arc<AtomicUsize>,
    timeout: Duration,
}

#[derive(Debug, Clone)]
enum Transport {
    Grpc(GrpcClient),
    Http(HttpClient),
}

/// A client could not be made. It connects only when used, so a dead endpoint is not an error here.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The gRPC channel could not be set up.
    #[error("cannot set up a gRPC channel to {endpoint}")]
    Grpc {
        /// The endpoint asked for.
        endpoint: Uri,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up an HTTP client for {endpoint}")]
    Http {
        /// The endpoint asked for.
        endpoint: Uri,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

impl Client {
    /// A client for `target`; must be made inside a tokio runtime.
    ///
    /// # Errors
    /// [`ClientError`] for an endpoint that no client can be made for.
    pub fn new(target: &Target) -> Result<Self, ClientError> {
        let transport = |endpoint| {
            Ok(match target.protocol {
                Protocol::Grpc => Transport::Grpc(GrpcClient::new(target, endpoint)?),
                Protocol::Http => Transport::Http(HttpClient::new(target, endpoint)?),
            })
        };
        let transports: Result<_, _> = target.endpoints.iter().map(transport).collect();
        Ok(Self {
            transports: transports?,
            begun: Arc::default(),
            timeout: target.timeout,
        })
    }

    /// How many endpoints take turns.
    #[must_use]
    pub fn endpoints(&self) -> usize {
        self.transports.len()
    }

    /// Whose turn it is with a new request; its further attempts go to the endpoints after that one.
    #[must_use]
    pub fn next_turn(&self) -> usize {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends one request to the endpoint whose turn it is and waits for its answer.
    pub async fn send(&self, message: &Message, turn: usize) -> Answer {
        let turn = turn % self.transports.len().max(1);
        let exchange = async {
            match self.transports.get(turn) {
                Some(Transport::Grpc(client)) => client.send(message).await,
                Some(Transport::Http(client)) => client.send(message).await,
                None => Answer::Unanswered {
                    reason: "there is no endpoint".to_owned(),
                },
            }
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or_else(|_| Answer::Unanswered {
                reason: format!("no answer within {:?}", self.timeout),
            })
    }
}

impl Answer {
    /// Success with the body of an `ExportTraceServiceResponse`.
    fn success(body: &[u8]) -> Self {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
        let response: ExportTraceServiceResponse = prost::Message::decode(body).unwrap_or_default();
        let partial = response.partial_success.unwrap_or_default();
        Self::Acknowledged {
            rejected_spans: u64::try_from(partial.rejected_spans).unwrap_or(0),
            message: partial.error_message,
        }
    }

    fn unanswered(error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !reason.ends_with(&text) {
                reason.push_str(": ");
                reason.push_str(&text);
            }
            source = cause.source();
        }
        Self::Unanswered { reason }
    }
}
