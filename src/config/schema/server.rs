//! The sections of the server file. What a reader asks for stands here under the same name.

use schemars::JsonSchema;

use super::cluster::Cluster;
use super::exporter::Exporters;
use super::receiver::Receivers;
use super::values::{Address, Choice, Count, Duration, NonEmptyText, Size};

/// The server file of Tailsieve: where spans come from, where kept traces go, and the limits in between.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tailsieve server file", extend("type" = ["object", "null"]))]
pub(super) struct ServerFile {
    /// Where spans come from.
    receivers: Option<Receivers>,
    /// Which traces are kept.
    policies: Option<Policies>,
    /// Where kept traces go: all of them to each. Without any, to files.
    exporters: Option<Exporters>,
    /// What may be held.
    memory: Option<Memory>,
    /// Threads that own traces; 0 is one per core.
    #[schemars(extend("default" = 0))]
    shards: Option<Count<0, 1_024>>,
    /// Threads that receive and send; 0 is one for two cores.
    #[schemars(extend("default" = 0))]
    network_threads: Option<Count<0, 1_024>>,
    /// Parts of requests that wait in front of a shard.
    #[schemars(extend("default" = 1024))]
    inbox_limit: Option<Count<1, 1_048_576>>,
    /// Decisions that late spans follow.
    decision_cache: Option<DecisionCache>,
    /// Recent decisions with every policy's vote.
    decision_log: Option<DecisionLog>,
    /// Export requests.
    batch: Option<Batch>,
    /// What kept spans carry beside what they came with.
    marks: Option<Marks>,
    /// Metrics, health and status.
    admin: Option<Admin>,
    /// How the process ends.
    shutdown: Option<Shutdown>,
    /// How much the process tells.
    log: Option<Log>,
    /// Who this replica is among others; without it, it runs alone.
    cluster: Option<Cluster>,
}

/// `policies`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Policies {
    /// The policy file, or a folder of them; without one, the built-in policies.
    path: Option<NonEmptyText>,
    /// A folder in which compiled plugins are kept for later starts; without one, each start compiles them.
    plugin_cache: Option<NonEmptyText>,
}

/// `memory`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Memory {
    /// Bytes held for spans in the whole process; at least 1 MiB.
    #[schemars(extend("default" = "1GiB"))]
    limit: Option<Size>,
}

/// `decision_cache`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecisionCache {
    /// Bytes, 20 a decision or less; 0 switches it off.
    #[schemars(extend("default" = "100MB"))]
    limit: Option<Size>,
}

/// `decision_log`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecisionLog {
    /// Bytes; 0 switches it off.
    #[schemars(extend("default" = "4MiB"))]
    limit: Option<Size>,
}

/// `batch`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// An export request is cut when it is as large; 1 KiB to 64 MiB.
    #[schemars(extend("default" = "1MiB"))]
    max_size: Option<Size>,
    /// Longest wait of a kept trace for company in a request.
    #[schemars(extend("default" = "200ms"))]
    timeout: Option<Duration>,
}

/// `marks`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Marks {
    /// The policy that decided.
    policy: Option<PolicyMark>,
}

/// `marks.policy`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct PolicyMark {
    /// What has the attribute; without it there are no marks.
    place: Option<Choice<MarkPlace>>,
    /// The name of the attribute, of 255 bytes at most.
    #[schemars(extend("default" = "tailsieve.policy"))]
    attribute: Option<NonEmptyText>,
}

/// What has a mark.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MarkPlace {
    /// Every span.
    Span,
    /// The instrumentation scope, as with the collector.
    Scope,
    /// The resource.
    Resource,
}

/// `admin`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Admin {
    /// Address of metrics, health, status and reload.
    #[schemars(extend("default" = "127.0.0.1:9464"))]
    endpoint: Option<Address>,
}

/// `shutdown`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shutdown {
    /// Time to decide and export what is buffered after SIGTERM or SIGINT.
    #[schemars(extend("default" = "30s"))]
    grace_period: Option<Duration>,
}

/// `log`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Log {
    /// off, error, warn, info, debug or trace; several with modules: info,tailsieve::exporter=debug.
    #[schemars(extend("default" = "info", "examples" = ["off", "error", "warn", "info", "debug", "trace"]))]
    level: Option<NonEmptyText>,
    /// How a line is written.
    #[schemars(extend("default" = "text"))]
    format: Option<Choice<LogFormat>>,
}

/// The form of log lines.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}
