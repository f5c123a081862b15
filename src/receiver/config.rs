//! Settings of the receivers, already checked: durations, sizes and addresses, no text.

use std::net::SocketAddr;
use std::time::Duration;

/// `receivers.otlp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// `protocols.grpc`; `None` when only HTTP is wanted.
    pub grpc: Option<GrpcConfig>,
    /// `protocols.http`; `None` when only gRPC is wanted.
    pub http: Option<HttpConfig>,
    /// `include_metadata`: request headers, in lower case, that are part of a trace's key. Default none.
    pub include_metadata: Vec<String>,
    /// `metadata_cardinality_limit`: most combinations of those headers' values alive at once. Default 1,000.
    pub metadata_cardinality_limit: usize,
    /// `max_bytes_in_flight`: bytes of bodies being received or inflated at once. Default 256 MiB.
    pub max_bytes_in_flight: u64,
    /// `retry_after`: what refused clients are told to wait. Default 1 s.
    pub retry_after: Duration,
}

/// `receivers.otlp.protocols.grpc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcConfig {
    /// `endpoint`. Default 127.0.0.1:4317.
    pub endpoint: SocketAddr,
    /// `max_request_size`: limit on a message as sent and as inflated, in bytes. Default 64 MiB.
    pub max_request_size_bytes: usize,
    /// `max_concurrent_streams` per connection. Default 128.
    pub max_concurrent_streams: u32,
    /// `keepalive.server_parameters`.
    pub keepalive: KeepaliveConfig,
}

/// `receivers.otlp.protocols.grpc.keepalive.server_parameters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepaliveConfig {
    /// `time`: idle time after which the server pings. Default 30 s.
    pub time: Duration,
    /// `timeout`: wait for the answer to a ping before the connection is closed. Default 20 s.
    pub timeout: Duration,
    /// `max_connection_age`: the server asks the client to reconnect after it. Default none.
    pub max_connection_age: Option<Duration>,
    /// `max_connection_age_grace`: after that age, time for requests under way. Default 10 s.
    pub max_connection_age_grace: Duration,
}

/// `receivers.otlp.protocols.http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// `endpoint`. Default 127.0.0.1:4318.
    pub endpoint: SocketAddr,
    /// `max_request_size`: limit on a body as sent and as inflated, in bytes. Default 64 MiB.
    pub max_request_size_bytes: usize,
    /// `read_timeout`: time for a request's head, and for its whole body. Default 30 s.
    pub read_timeout: Duration,
    /// `cors`; off by default.
    pub cors: Option<CorsConfig>,
}

/// `receivers.otlp.protocols.http.cors`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CorsConfig {
    /// `allowed_origins`: exact origins, or `*`, or one `*` within (`https://*.example.com`).
    pub allowed_origins: Vec<String>,
    /// `allowed_headers`, beside those that browsers always allow.
    pub allowed_headers: Vec<String>,
    /// `max_age`: how long browsers may remember the answer.
    pub max_age: Option<Duration>,
}

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            grpc: Some(GrpcConfig::default()),
            http: Some(HttpConfig::default()),
            include_metadata: Vec::new(),
            metadata_cardinality_limit: 1_000,
            max_bytes_in_flight: 256 << 20,
            retry_after: Duration::from_secs(1),
        }
    }
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 4317)),
            max_request_size_bytes: 64 << 20,
            max_concurrent_streams: 128,
            keepalive: KeepaliveConfig::default(),
        }
    }
}

impl Default for KeepaliveConfig {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            timeout: Duration::from_secs(20),
            max_connection_age: None,
            max_connection_age_grace: Duration::from_secs(10),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from(([127, 0, 0, 1], 4318)),
            max_request_size_bytes: 64 << 20,
            read_timeout: Duration::from_secs(30),
            cors: None,
        }
    }
}
