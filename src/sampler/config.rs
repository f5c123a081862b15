//! A policy file's policies, decoded and checked; [`super`] compiles them into a policy set.

/// One entry of `policies`.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyConfig {
    /// `name`: not empty, unique in its list.
    pub name: String,
    /// `type` and its settings.
    pub rule: RuleConfig,
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
        /// `burst_capacity`, in spans; 0 means twice the rate. Default 0.
        burst_capacity: i64,
    },
    /// `and`: its `and_sub_policy`.
    And(Vec<PolicyConfig>),
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
}
