//! The settings of each type of policy.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::policies::SubPolicy;
use super::values::{Boolean, Choice, Count, Duration, NonEmptyText, Number, Sha256, Size, Texts};

/// Of types without settings.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Traces that took long.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Latency {
    /// Kept is what takes longer than this, in milliseconds.
    #[schemars(extend("default" = 0))]
    threshold_ms: Option<Number>,
    /// And up to this; 0 is no bound.
    #[schemars(extend("default" = 0))]
    upper_threshold_ms: Option<Number>,
}

/// Traces with an integer attribute within bounds, at least one of which is needed.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NumericAttribute {
    /// The attribute's name.
    key: Option<String>,
    /// Lowest value; 0 is no bound.
    #[schemars(extend("default" = 0))]
    min_value: Option<Number>,
    /// Highest value; 0 is no bound.
    #[schemars(extend("default" = 0))]
    max_value: Option<Number>,
    /// Kept are traces in which nothing is as wanted.
    #[schemars(extend("default" = false))]
    invert_match: Option<Boolean>,
    /// Where to look.
    #[schemars(extend("default" = "any"))]
    scope: Option<Choice<Scope>>,
}

/// A share of all traces, by their IDs.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Probabilistic {
    /// Share of traces to keep, in percent.
    #[schemars(extend("default" = 0))]
    sampling_percentage: Option<Number>,
    /// Tiers with the same salt keep the same traces.
    hash_salt: Option<String>,
}

/// Traces with a span of some status.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusCode {
    /// OK, ERROR, UNSET, in any case.
    status_codes: Option<StatusCodes>,
}

/// Traces with an attribute that is one of some texts, or that an expression matches.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StringAttribute {
    /// The attribute's name.
    key: Option<String>,
    /// The texts, or expressions.
    values: Option<Texts>,
    /// values are expressions in Go's syntax, of which one must match somewhere in the value.
    #[schemars(extend("default" = false))]
    enabled_regex_matching: Option<Boolean>,
    /// No effect: expressions are compiled once, and results need no cache.
    #[schemars(extend("deprecated" = true))]
    cache_max_size: Option<Number>,
    /// Kept are traces in which nothing is as wanted.
    #[schemars(extend("default" = false))]
    invert_match: Option<Boolean>,
    /// Where to look.
    #[schemars(extend("default" = "any"))]
    scope: Option<Choice<Scope>>,
}

/// As many spans a second.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimiting {
    /// Rate at which the budget fills.
    #[schemars(extend("default" = 0))]
    spans_per_second: Option<Number>,
    /// Most that it holds; twice the rate without it.
    burst_capacity: Option<Number>,
    /// Of whom the limit is.
    #[schemars(extend("default" = "replica"))]
    scope: Option<Choice<LimitScope>>,
}

/// As many bytes a second.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BytesLimiting {
    /// Rate at which the budget fills.
    #[schemars(extend("default" = 0))]
    bytes_per_second: Option<Number>,
    /// Most that it holds; twice the rate without it.
    burst_capacity: Option<Number>,
    /// Of whom the limit is.
    #[schemars(extend("default" = "replica"))]
    scope: Option<Choice<LimitScope>>,
}

/// Traces with so many spans.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanCount {
    /// Fewest spans.
    #[schemars(extend("default" = 0))]
    min_spans: Option<Number>,
    /// Most spans; 0 is no limit.
    #[schemars(extend("default" = 0))]
    max_spans: Option<Number>,
}

/// Traces with an attribute that is true, or false.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BooleanAttribute {
    /// The attribute's name.
    key: Option<String>,
    /// The value wanted.
    #[schemars(extend("default" = false))]
    value: Option<Boolean>,
    /// Kept are traces in which nothing is as wanted.
    #[schemars(extend("default" = false))]
    invert_match: Option<Boolean>,
    /// Where to look.
    #[schemars(extend("default" = "any"))]
    scope: Option<Choice<Scope>>,
}

/// Traces with an entry of the W3C trace state.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceState {
    /// The entry's key.
    key: Option<String>,
    /// The values wanted, compared exactly.
    values: Option<Texts>,
}

/// Traces with a span, or an event of one, on which a condition holds.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OttlCondition {
    /// Conditions on spans.
    span: Option<Texts>,
    /// Conditions on events of spans.
    spanevent: Option<Texts>,
    /// What happens when a condition cannot be evaluated.
    #[schemars(extend("default" = "silent"))]
    error_mode: Option<ErrorModes>,
}

/// Whatever a plugin says.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wasm {
    /// The plugin's file, relative to the policy file.
    module: Option<NonEmptyText>,
    /// What its SHA-256 must be.
    sha256: Option<Sha256>,
    /// Handed to the plugin as JSON.
    config: Option<serde_json::Value>,
    /// What it may take.
    limits: Option<PluginLimits>,
    /// What the policy says when the plugin fails.
    #[schemars(extend("default" = "abstain"))]
    on_error: Option<Choice<OnError>>,
    /// Its verdicts depend on what it saw before.
    #[schemars(extend("default" = false))]
    stateful: Option<Boolean>,
    /// Calls after which an instance is made anew; 0 is never.
    #[schemars(extend("default" = 0))]
    rebuild_after: Option<Count<0, { u64::MAX }>>,
}

/// What a plugin may take.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct PluginLimits {
    /// Memory of an instance, of which there is one in each shard; 64 KiB to 4 GiB.
    #[schemars(extend("default" = "16MiB"))]
    memory: Option<Size>,
    /// Time of a call; a second at most.
    #[schemars(extend("default" = "10ms"))]
    deadline: Option<Duration>,
    /// Size of the file; 256 MiB at most.
    #[schemars(extend("default" = "32MiB"))]
    binary: Option<Size>,
}

/// What a policy says when its plugin fails.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnError {
    /// Nothing.
    Abstain,
    /// That the trace is to be kept.
    Sample,
    /// That there is no reason to keep it.
    NotSample,
    /// That it is to be dropped, whatever others say.
    Drop,
}

/// Traces that all of its sub-policies keep.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct And {
    /// Asked in order until one does not keep the trace.
    #[schemars(length(max = 10_000))]
    and_sub_policy: Option<Vec<SubPolicy>>,
}

/// Traces that its sub-policy does not keep.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Not {
    /// One policy, not a list.
    not_sub_policy: Option<SubPolicy>,
}

/// Drops traces that all of its sub-policies keep.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Drop {
    /// Asked in order until one does not keep the trace.
    #[schemars(length(max = 10_000))]
    drop_sub_policy: Option<Vec<SubPolicy>>,
}

/// Traces that one of its sub-policies keeps, within a budget that they share.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Composite {
    /// The budget.
    #[schemars(extend("default" = 0))]
    max_total_spans_per_second: Option<Number>,
    /// The order in which the policies are asked, where strict is set.
    policy_order: Option<Texts>,
    /// Asked in the order of this list; the first that keeps the trace decides.
    #[schemars(length(max = 10_000))]
    composite_sub_policy: Option<Vec<SubPolicy>>,
    /// What part of the budget a sub-policy may use up in each second.
    rate_allocation: Option<Vec<Allocation>>,
    /// Of whom the limit is.
    #[schemars(extend("default" = "replica"))]
    scope: Option<Choice<LimitScope>>,
}

/// A part of a composite's budget.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Allocation {
    /// Whose.
    policy: Option<String>,
    /// Without it, or with 0 or less, an equal part.
    #[schemars(extend("default" = 0))]
    percent: Option<Number>,
}

/// Where attributes are looked for.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// In any span or resource.
    Any,
    /// In spans without parent, and their resources.
    Root,
    /// In resources alone.
    Resource,
    /// In every span, or its resource: each must be as wanted.
    All,
}

/// Of whom a limit is.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LimitScope {
    /// Of each replica alone.
    Replica,
    /// Of all replicas together.
    Cluster,
}

/// A list of status codes, or one string with commas.
struct StatusCodes;

impl JsonSchema for StatusCodes {
    fn schema_name() -> Cow<'static, str> {
        "StatusCodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const CODE: &str = "([oO][kK]|[eE][rR][rR][oO][rR]|[uU][nN][sS][eE][tT])";
        let one = format!("^{CODE}$|\\$\\{{");
        let several = format!("^{CODE}(,{CODE})*$|\\$\\{{");
        json_schema!({
            "anyOf": [
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "anyOf": [
                            { "enum": ["OK", "ERROR", "UNSET"] },
                            { "type": "string", "pattern": one },
                        ],
                    },
                },
                { "type": "string", "pattern": several },
            ]
        })
    }
}

/// What happens when a condition cannot be evaluated, in any case.
struct ErrorModes;

impl JsonSchema for ErrorModes {
    fn schema_name() -> Cow<'static, str> {
        "ErrorMode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "const": "ignore", "description": "It is taken for false." },
                { "const": "silent", "description": "It is taken for false." },
                { "const": "propagate", "description": "The policy fails." },
                {
                    "type": "string",
                    "pattern": "^([iI][gG][nN][oO][rR][eE]|[sS][iI][lL][eE][nN][tT]|[pP][rR][oO][pP][aA][gG][aA][tT][eE])$|\\$\\{",
                },
            ]
        })
    }
}
