//! `receivers`.

use schemars::JsonSchema;

use super::values::{
    Address, Count, Duration, DurationOrSeconds, DurationOrZero, NonEmptyText, OneOrMany, Size,
};

/// `receivers`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Receivers {
    /// OTLP over gRPC and HTTP.
    otlp: Option<Otlp>,
}

/// `receivers.otlp`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Otlp {
    /// Where to listen: on what is named here; on both without it.
    protocols: Option<Protocols>,
    /// Request headers (a tenant, say) that are part of a trace's key and are sent on; 16 at most.
    include_metadata: Option<OneOrMany<NonEmptyText, 16>>,
    /// Most combinations of those headers' values at once.
    #[schemars(extend("default" = 1000))]
    metadata_cardinality_limit: Option<Count<1, 1_000_000>>,
    /// Bytes of bodies being received or inflated at once; 256 MiB, or max_request_size if that is more.
    max_bytes_in_flight: Option<Size>,
    /// What refused clients are told to wait.
    #[schemars(extend("default" = "1s"))]
    retry_after: Option<Duration>,
}

/// `receivers.otlp.protocols`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct Protocols {
    /// OTLP/gRPC; empty for its defaults.
    grpc: Option<Grpc>,
    /// OTLP/HTTP (POST /v1/traces); empty for its defaults.
    http: Option<Http>,
}

/// `receivers.otlp.protocols.grpc`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Grpc {
    /// Address to listen on.
    #[schemars(extend("default" = "127.0.0.1:4317"))]
    endpoint: Option<Address>,
    /// Largest message, as sent and as inflated; 1 KiB up to 4 GiB and to half of memory.limit.
    #[schemars(extend("default" = "64MiB"))]
    max_request_size: Option<Size>,
    /// Requests at once on one connection.
    #[schemars(extend("default" = 128))]
    max_concurrent_streams: Option<Count<1, 4_294_967_295>>,
    /// Pings and the age of connections.
    keepalive: Option<Keepalive>,
}

/// `receivers.otlp.protocols.grpc.keepalive`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keepalive {
    /// What the server does.
    server_parameters: Option<ServerParameters>,
}

/// `receivers.otlp.protocols.grpc.keepalive.server_parameters`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServerParameters {
    /// Idle time after which the server pings the client.
    #[schemars(extend("default" = "30s"))]
    time: Option<Duration>,
    /// Wait for the answer to a ping before the connection is closed.
    #[schemars(extend("default" = "20s"))]
    timeout: Option<Duration>,
    /// Ask clients to reconnect after it, so that they spread over replicas; 0 is never.
    #[schemars(extend("default" = 0))]
    max_connection_age: Option<DurationOrZero>,
    /// After that age, time for requests under way.
    #[schemars(extend("default" = "10s"))]
    max_connection_age_grace: Option<Duration>,
}

/// `receivers.otlp.protocols.http`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Http {
    /// Address to listen on.
    #[schemars(extend("default" = "127.0.0.1:4318"))]
    endpoint: Option<Address>,
    /// Largest body, as sent and as inflated; 1 KiB up to 4 GiB and to half of memory.limit.
    #[schemars(extend("default" = "64MiB"))]
    max_request_size: Option<Size>,
    /// Time for a request's head, and for its whole body.
    #[schemars(extend("default" = "30s"))]
    read_timeout: Option<Duration>,
    /// Which web pages may send spans from browsers; off without it.
    cors: Option<Cors>,
}

/// `receivers.otlp.protocols.http.cors`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cors {
    /// Origins of browsers: https://app.example.com, one * within, or *.
    allowed_origins: OneOrMany<NonEmptyText, { u32::MAX as u64 }>,
    /// Request headers beside those that browsers always allow.
    allowed_headers: Option<OneOrMany<NonEmptyText, { u32::MAX as u64 }>>,
    /// How long browsers remember the answer.
    max_age: Option<DurationOrSeconds>,
}
