//! A policy file's policies, decoded and checked; [`super::policy_set`] compiles them into a policy set.

use std::path::PathBuf;
use std::sync::Arc;

use super::ottl::Condition;
use super::pattern::Pattern;
use super::wasm::Plugin;

/// One entry of `policies`.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyConfig {
    /// `name`: not empty, unique in its list.
    pub name: String,
    /// `type` and its settings.
    pub rule: RuleConfig,
    /// `mode`. Default active.
    pub mode: Mode,
    /// `expires_at`, in nanoseconds since the Unix epoch: from then on the policy abstains. Default never.
    pub expires_at_unix_ns: Option<u64>,
}

/// Whether a policy's vote counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `active`: it does.
    #[default]
    Active,
    /// `shadow`: evaluated and counted, never acted upon.
    Shadow,
}

/// What a policy does. Names and defaults are those of the collector's `tail_sampling`.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleConfig {
    /// `always_sample`.
    AlwaysSample,
    /// `latency`.
    Latency {
        /// `threshold_ms`. Default 0.
        threshold_ms: i64,
        /// `upper_threshold_ms`; 0 is none. Default 0.
        upper_threshold_ms: i64,
    },
    /// `numeric_attribute`.
    NumericAttribute(AttributeConfig<NumericRange>),
    /// `string_attribute`.
    StringAttribute(AttributeConfig<StringValues>),
    /// `boolean_attribute`; the wanted value.
    BooleanAttribute(AttributeConfig<bool>),
    /// `status_code`.
    StatusCode {
        /// `status_codes`: at least one.
        status_codes: Vec<StatusCode>,
    },
    /// `probabilistic`.
    Probabilistic {
        /// `sampling_percentage`. Default 0.
        sampling_percentage: f64,
        /// `hash_salt`; empty means the collector's default.
        hash_salt: String,
    },
    /// `rate_limiting`.
    RateLimiting {
        /// `spans_per_second`. Default 0.
        spans_per_second: i64,
        /// `burst_capacity`, in spans; 0 or less means twice the rate. Default 0.
        burst_capacity: i64,
        /// `scope`. Default replica.
        scope: LimitScope,
    },
    /// `bytes_limiting`.
    BytesLimiting {
        /// `bytes_per_second`. Default 0.
        bytes_per_second: i64,
        /// `burst_capacity`, in bytes; 0 or less means twice the rate. Default 0.
        burst_capacity: i64,
        /// `scope`. Default replica.
        scope: LimitScope,
    },
    /// `span_count`, both bounds included.
    SpanCount {
        /// `min_spans`. Default 0.
        min_spans: i64,
        /// `max_spans`; 0 is none. Default 0.
        max_spans: i64,
    },
    /// `trace_state`.
    TraceState {
        /// `key`.
        key: String,
        /// `values`, compared exactly.
        values: Vec<String>,
    },
    /// `trace_flags`.
    TraceFlags,
    /// `ottl_condition`: at least one condition in both lists together.
    OttlCondition {
        /// `error_mode`.
        error_mode: ErrorMode,
        /// `span`.
        span: Vec<Condition>,
        /// `spanevent`.
        span_event: Vec<Condition>,
    },
    /// `wasm`.
    Wasm(WasmConfig),
    /// `and`: its `and_sub_policy`.
    And(Vec<PolicyConfig>),
    /// `not`: its `not_sub_policy`.
    Not(Box<PolicyConfig>),
    /// `drop`: its `drop_sub_policy`.
    Drop(Vec<PolicyConfig>),
    /// `composite`.
    Composite(CompositeConfig),
}

/// What all attribute policies have.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeConfig<T> {
    /// `key`.
    pub key: String,
    /// What its value must be.
    pub wanted: T,
    /// `invert_match`: keeps traces without a match. Default false.
    pub invert_match: bool,
    /// `scope`. Default any.
    pub scope: Scope,
}

/// Where an attribute policy looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// `any`: in every span and every resource; one match is enough.
    #[default]
    Any,
    /// `root`: in spans without parent and in their resources.
    Root,
    /// `resource`: in resources alone.
    Resource,
    /// `all`: every span must match, itself or by its resource.
    All,
}

/// `min_value` and `max_value`, both included; at least one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericRange {
    /// `min_value`; 0 in the file is none.
    pub min: Option<i64>,
    /// `max_value`; 0 in the file is none.
    pub max: Option<i64>,
}

/// `values`, and how they are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum StringValues {
    /// Equal to one of them.
    Exact(Vec<String>),
    /// `enabled_regex_matching`: one of them matches somewhere.
    Regex(Vec<Pattern>),
}

/// Of whom a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitScope {
    /// `replica`: of each replica alone.
    #[default]
    Replica,
    /// `cluster`: of all replicas together, each with a part of it.
    Cluster,
}

/// What an error in a condition does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorMode {
    /// `ignore`: counts as false.
    Ignore,
    /// `silent`: as `ignore`.
    #[default]
    Silent,
    /// `propagate`: the policy fails.
    Propagate,
}

/// `composite`.
#[derive(Debug, Clone, PartialEq)]
pub struct CompositeConfig {
    /// `max_total_spans_per_second`. Default 0.
    pub max_total_spans_per_second: i64,
    /// `policy_order`: names, in the order in which `strict` asks them; others follow in the order of the list.
    pub policy_order: Vec<String>,
    /// `composite_sub_policy`.
    pub sub_policies: Vec<PolicyConfig>,
    /// `rate_allocation`: policy and percent.
    pub rate_allocation: Vec<(String, i64)>,
    /// `scope`. Default replica.
    pub scope: LimitScope,
}

/// `wasm`: a plugin, loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct WasmConfig {
    /// `module`, as it is written.
    pub module: PathBuf,
    /// What is there, with its `config` and `limits`.
    pub plugin: Arc<Plugin>,
    /// `on_error`. Default abstain.
    pub on_error: OnError,
    /// `stateful`: its verdicts depend on what it saw before. Default false.
    pub stateful: bool,
    /// `rebuild_after`: calls after which an instance is made anew; 0 is never. Default 0.
    pub rebuild_after: u64,
}

/// What a policy says when its plugin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// `abstain`: nothing.
    #[default]
    Abstain,
    /// `sample`.
    Sample,
    /// `not_sample`.
    NotSample,
    /// `drop`.
    Drop,
}

/// A span's status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusCode {
    /// `UNSET`, 0.
    Unset,
    /// `OK`, 1.
    Ok,
    /// `ERROR`, 2.
    Error,
}

/// The settings of a policy file that are not policies and not windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EvaluationConfig {
    /// `sample_on_first_match`. Default false.
    pub sample_on_first_match: bool,
    /// `drop_pending_traces_on_shutdown`. Default false.
    pub drop_pending_traces_on_shutdown: bool,
    /// `sampling_strategy`. Default trace-complete.
    pub strategy: Strategy,
    /// `strict`: rules that the collector has wrong are done right. Default false.
    pub strict: bool,
    /// `compat`. Default latest.
    pub compat: Compat,
}

/// When a trace is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// `trace-complete`: once, when its window closes.
    #[default]
    TraceComplete,
    /// `span-ingest`: each of its `ResourceSpans` alone, as it arrives.
    SpanIngest,
}

/// Whose rules hold where versions of the collector differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// The newest collector's.
    #[default]
    Latest,
    /// `"0.156"`: those of v0.156 and before.
    V0_156,
}

impl RuleConfig {
    /// `type`, as policy files spell it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::AlwaysSample => "always_sample",
            Self::Latency { .. } => "latency",
            Self::NumericAttribute(_) => "numeric_attribute",
            Self::StringAttribute(_) => "string_attribute",
            Self::BooleanAttribute(_) => "boolean_attribute",
            Self::StatusCode { .. } => "status_code",
            Self::Probabilistic { .. } => "probabilistic",
            Self::RateLimiting { .. } => "rate_limiting",
            Self::BytesLimiting { .. } => "bytes_limiting",
            Self::SpanCount { .. } => "span_count",
            Self::TraceState { .. } => "trace_state",
            Self::TraceFlags => "trace_flags",
            Self::OttlCondition { .. } => "ottl_condition",
            Self::Wasm(_) => "wasm",
            Self::And(_) => "and",
            Self::Not(_) => "not",
            Self::Drop(_) => "drop",
            Self::Composite(_) => "composite",
        }
    }

    /// The policies within it, in the order of the file.
    #[must_use]
    pub fn sub_policies(&self) -> &[PolicyConfig] {
        match self {
            Self::And(policies) | Self::Drop(policies) => policies,
            Self::Not(policy) => std::slice::from_ref(policy),
            Self::Composite(config) => &config.sub_policies,
            _ => &[],
        }
    }
}

impl PolicyConfig {
    /// An active policy that never expires.
    #[must_use]
    pub fn new(name: &str, rule: RuleConfig) -> Self {
        Self {
            name: name.to_owned(),
            rule,
            mode: Mode::Active,
            expires_at_unix_ns: None,
        }
    }
}
