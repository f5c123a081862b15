//! Settings of the exporters, already checked.

use std::path::PathBuf;
use std::time::Duration;

/// One entry of `exporters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExporterConfig {
    /// Its name as configured: `otlp`, `otlp/second`, `file`, … Label of its metrics.
    pub name: String,
    /// Where it sends.
    pub destination: Destination,
    /// `sending_queue`.
    pub queue: QueueConfig,
}

/// What kind of exporter it is (the part of its name before `/`, and `protocol`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `otlp` with `protocol: grpc`, the default.
    OtlpGrpc(OtlpConfig),
    /// `otlp` with `protocol: http/protobuf`.
    OtlpHttp(OtlpConfig),
    /// `file`.
    File(FileConfig),
}

/// Settings of an `otlp` exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpConfig {
    /// `endpoint`: `http://` or `https://` URL. For HTTP without a path, `/v1/traces` is appended.
    pub endpoint: String,
    /// `compression`. Default gzip.
    pub compression: Compression,
    /// `headers`, name and value, sent with every request. Values from files (`{file: PATH}`) have been read.
    pub headers: Vec<(String, String)>,
    /// `timeout` of one attempt. Default 10 s.
    pub timeout: Duration,
    /// `tls`, for `https://`.
    pub tls: TlsConfig,
    /// `retry_on_failure`.
    pub retry: RetryConfig,
}

/// `compression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `none`.
    None,
    /// `gzip`.
    #[default]
    Gzip,
    /// `zstd`.
    Zstd,
}

/// `tls`. Without `ca_file` the system's roots are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// `ca_file`: PEM with the only roots to trust.
    pub ca_file: Option<PathBuf>,
    /// `cert_file` and `key_file`: the client's certificate.
    pub client: Option<(PathBuf, PathBuf)>,
    /// `server_name_override`: the name to expect in the server's certificate.
    pub server_name: Option<String>,
}

/// `retry_on_failure`: exponential back-off with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// `enabled`. Default true.
    pub enabled: bool,
    /// `initial_interval`. Default 1 s.
    pub initial_interval: Duration,
    /// `max_interval`. Default 30 s.
    pub max_interval: Duration,
    /// `max_elapsed_time`: give up (and count the loss) after it. Default `None`: never give up.
    pub max_elapsed_time: Option<Duration>,
}

/// `sending_queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// `limit`, in bytes of encoded requests, those under way included. Default 256 MiB.
    pub limit_bytes: u64,
    /// `num_consumers`: requests under way at once. Default 4.
    pub num_consumers: usize,
    /// `overflow: wait | drop_oldest`. Default wait: back-pressure, no loss.
    pub overflow: Overflow,
}

/// What a full queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Kept traces wait in the buffer, charged to the budget, until receivers refuse.
    #[default]
    Wait,
    /// The oldest waiting request is dropped and counted.
    DropOldest,
}

/// Settings of a `file` exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConfig {
    /// `path`: folder for `kept-*.otlp.jsonl`. Default `data/kept`.
    pub path: PathBuf,
    /// `rotation.max_size`, in bytes: start a new file beyond it. Default 100 MiB.
    pub rotation_bytes_max: u64,
    /// `rotation.max_files`: delete the oldest beyond it; 0 keeps all. Default 0.
    pub files_max: usize,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            compression: Compression::default(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            tls: TlsConfig::default(),
            retry: RetryConfig::default(),
        }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: None,
        }
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            limit_bytes: 256 << 20,
            num_consumers: 4,
            overflow: Overflow::default(),
        }
    }
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/kept"),
            rotation_bytes_max: 100 << 20,
            files_max: 0,
        }
    }
}
