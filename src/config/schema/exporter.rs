//! `exporters`: a mapping from `kind` or `kind/suffix` to settings.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::values::{Boolean, Choice, Count, Duration, DurationOrZero, NonEmptyText, Size, Url};

/// `exporters`.
pub(super) struct Exporters;

impl JsonSchema for Exporters {
    fn schema_name() -> Cow<'static, str> {
        "Exporters".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let otlp = generator.subschema_for::<Otlp>();
        let file = generator.subschema_for::<Option<File>>();
        json_schema!({
            "type": "object",
            "patternProperties": { "^otlp(/.+)?$": otlp, "^file(/.+)?$": file },
            "additionalProperties": false,
            "maxProperties": 16,
        })
    }
}

/// An `otlp` exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OtlpExporter")]
struct Otlp {
    /// Where the backend listens; over HTTP without a path, /v1/traces is appended.
    endpoint: Url,
    /// How it is spoken to.
    #[schemars(extend("default" = "grpc"))]
    protocol: Option<Choice<Protocol>>,
    /// Of requests.
    #[schemars(extend("default" = "gzip"))]
    compression: Option<Choice<Compression>>,
    /// Sent with every request.
    headers: Option<BTreeMap<String, Header>>,
    /// Of one attempt.
    #[schemars(extend("default" = "10s"))]
    timeout: Option<Duration>,
    /// Certificates, for an https:// endpoint.
    tls: Option<Tls>,
    /// What happens when the backend does not take a request.
    retry_on_failure: Option<Retry>,
    /// Requests that wait for the backend.
    sending_queue: Option<Queue>,
}

/// Protocols of the OTLP exporter.
#[derive(JsonSchema)]
enum Protocol {
    /// OTLP/gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// OTLP/HTTP.
    #[serde(rename = "http/protobuf")]
    Http,
}

/// Compressions of requests.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Compression {
    /// As it is.
    None,
    /// What every backend takes.
    Gzip,
    /// Smaller and faster, where the backend takes it.
    Zstd,
}

/// The value of a header.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Header {
    /// As it is.
    Text(String),
    /// Of a file.
    File(HeaderFile),
}

/// A header's value in a file.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeaderFile {
    /// Read at start, surrounding white space removed.
    file: NonEmptyText,
}

/// `tls` of an OTLP exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// PEM file with the only roots to trust; without it, the system's roots.
    ca_file: Option<NonEmptyText>,
    /// PEM file with the client's certificate, together with key_file.
    cert_file: Option<NonEmptyText>,
    /// PEM file with its private key.
    key_file: Option<NonEmptyText>,
    /// Name to expect in the server's certificate; without it, the endpoint's host.
    server_name_override: Option<NonEmptyText>,
}

/// `retry_on_failure` of an OTLP exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    /// Send again what the backend may take later.
    #[schemars(extend("default" = true))]
    enabled: Option<Boolean>,
    /// First wait.
    #[schemars(extend("default" = "1s"))]
    initial_interval: Option<Duration>,
    /// Longest wait.
    #[schemars(extend("default" = "30s"))]
    max_interval: Option<Duration>,
    /// Give up after it, and count the spans as lost; 0 is never.
    #[schemars(extend("default" = 0))]
    max_elapsed_time: Option<DurationOrZero>,
}

/// `sending_queue` of an exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Queue {
    /// Bytes of encoded requests, those under way included; at least batch.max_size.
    #[schemars(extend("default" = "256MiB"))]
    limit: Option<Size>,
    /// Requests under way at once.
    #[schemars(extend("default" = 4))]
    num_consumers: Option<Count<1, 1_024>>,
    /// What happens when it is full.
    #[schemars(extend("default" = "wait"))]
    overflow: Option<Choice<QueueOverflow>>,
}

/// What a full queue does.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum QueueOverflow {
    /// Kept traces stay in the buffer until receivers refuse.
    Wait,
    /// The oldest request is dropped and counted.
    DropOldest,
}

/// A `file` exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FileExporter")]
struct File {
    /// Folder of the files; each file exporter needs its own.
    #[schemars(extend("default" = "data/kept"))]
    path: Option<NonEmptyText>,
    /// When a new file begins, and how many there are.
    rotation: Option<Rotation>,
    /// Requests that wait to be written.
    sending_queue: Option<Queue>,
}

/// `rotation` of a file exporter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// Start a new file beyond it.
    #[schemars(extend("default" = "100MiB"))]
    max_size: Option<Size>,
    /// Delete the oldest file beyond it; 0 keeps all.
    #[schemars(extend("default" = 0))]
    max_files: Option<Count<0, 1_000_000>>,
}
