//! The policy file: its three forms, and the settings beside the policies.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::policies::Policy;
use super::values::{Boolean, Choice, Number, UnsignedNumber, Window};

/// Keys that hold the settings: the collector's name of the processor, with or without a suffix.
const PROCESSOR: &str = "^tail_sampling(/|$)";

/// A whole policy file.
pub(super) struct PolicyFile;

impl JsonSchema for PolicyFile {
    fn schema_name() -> Cow<'static, str> {
        "Tailsieve policy file".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let settings = generator.subschema_for::<Settings>();
        let settings_or_nothing = generator.subschema_for::<Option<Settings>>();
        let names_the_processor = json_schema!({
            "type": "object",
            "not": { "propertyNames": { "not": { "pattern": PROCESSOR } } },
        });
        let under_its_name = json_schema!({
            "patternProperties": { PROCESSOR: settings_or_nothing },
            "additionalProperties": false,
            "maxProperties": 1,
        });
        let within_collector = json_schema!({
            "properties": {
                "processors": {
                    "allOf": [names_the_processor],
                    "patternProperties": { PROCESSOR: settings_or_nothing },
                },
            },
        });
        json_schema!({
            "description": "Which traces are kept: the settings, under tail_sampling: or not, or a collector configuration that has them.",
            "type": ["object", "null"],
            "if": { "type": "object", "required": ["processors"] },
            "then": within_collector,
            "else": {
                "if": names_the_processor,
                "then": under_its_name,
                "else": { "anyOf": [settings, { "type": "null" }] },
            },
        })
    }
}

/// The settings: those of the collector's `tail_sampling` processor, and some more.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Who decides. A trace is kept when one of them says so and none drops it.
    #[schemars(length(max = 10_000))]
    policies: Option<Vec<Policy>>,
    /// A trace is decided this long after its first span.
    #[schemars(extend("default" = "30s"))]
    decision_wait: Option<Window>,
    /// Decided this long after its root span, if that is earlier; 0 is off.
    #[schemars(extend("default" = 0))]
    decision_wait_after_root_received: Option<Window>,
    /// Most traces held; without it, as many as memory.limit of the server file allows.
    num_traces: Option<UnsignedNumber>,
    /// What becomes of the oldest trace beyond num_traces.
    #[schemars(extend("default" = "decide"))]
    num_traces_overflow: Option<Choice<Overflow>>,
    /// At num_traces clients are told to wait, and no trace makes way.
    #[schemars(extend("default" = false))]
    block_on_overflow: Option<Boolean>,
    /// A larger trace is not kept; 0 is no limit.
    #[schemars(extend("default" = 0))]
    maximum_trace_size_bytes: Option<UnsignedNumber>,
    /// Stop at the first policy that keeps the trace, so that it uses up nothing of later limits.
    #[schemars(extend("default" = false))]
    sample_on_first_match: Option<Boolean>,
    /// What is undecided at shutdown is dropped and not decided.
    #[schemars(extend("default" = false))]
    drop_pending_traces_on_shutdown: Option<Boolean>,
    /// When policies are asked.
    #[schemars(extend("default" = "trace-complete"))]
    sampling_strategy: Option<Choice<Strategy>>,
    /// What the collector gets wrong is done right.
    #[schemars(extend("default" = false))]
    strict: Option<Boolean>,
    /// Whose rules hold where versions of the collector differ.
    #[schemars(extend("default" = "latest"))]
    compat: Option<Choice<Compat>>,
    /// No effect: memory grows and shrinks by itself.
    #[schemars(extend("deprecated" = true))]
    expected_new_traces_per_sec: Option<UnsignedNumber>,
    /// No effect: decision_cache.limit of the server file replaces it.
    #[schemars(extend("deprecated" = true))]
    decision_cache: Option<DecisionCache>,
    /// No effect: shards of the server file replaces it.
    #[schemars(extend("deprecated" = true))]
    num_shards: Option<Number>,
    /// Not supported: traces are held in memory.
    #[schemars(extend("deprecated" = true))]
    tail_storage: Option<()>,
}

/// What becomes of a trace for which there is no room.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Overflow {
    /// It is decided with the spans that are there.
    Decide,
    /// It is forgotten undecided, as the collector does.
    Discard,
}

/// When policies are asked.
#[derive(JsonSchema)]
enum Strategy {
    /// About the whole trace, when its window closes.
    #[serde(rename = "trace-complete")]
    TraceComplete,
    /// About each part of it, as it arrives.
    #[serde(rename = "span-ingest")]
    SpanIngest,
    /// The default.
    #[serde(rename = "")]
    Default,
}

/// Rules of which version.
#[derive(JsonSchema)]
enum Compat {
    /// Of the newest collector.
    #[serde(rename = "latest")]
    Latest,
    /// Of v0.156 and those before it.
    #[serde(rename = "0.156")]
    V0_156,
}

/// The collector's `decision_cache`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CollectorDecisionCache")]
struct DecisionCache {
    /// No effect.
    sampled_cache_size: Option<Number>,
    /// No effect.
    non_sampled_cache_size: Option<Number>,
}
