//! The policy types, a file each, and the step from a checked configuration to a compiled policy.

mod always_sample;
mod and;
mod latency;
mod probabilistic;
mod rate_limiting;
mod status_code;

use super::config::RuleConfig;
use super::policy::Policy;

/// Compiles one rule.
#[must_use]
pub fn compile(rule: &RuleConfig) -> Box<dyn Policy> {
    match rule {
        RuleConfig::AlwaysSample => Box::new(always_sample::AlwaysSample),
        RuleConfig::Latency {
            threshold_ms,
            upper_threshold_ms,
        } => Box::new(latency::Latency {
            threshold_ms: *threshold_ms,
            upper_threshold_ms: *upper_threshold_ms,
        }),
        RuleConfig::StatusCode { status_codes } => {
            Box::new(status_code::StatusCodes::new(status_codes))
        }
        RuleConfig::Probabilistic {
            sampling_percentage,
            hash_salt,
        } => Box::new(probabilistic::Probabilistic::new(
            *sampling_percentage,
            hash_salt,
        )),
        RuleConfig::RateLimiting {
            spans_per_second,
            burst_capacity,
        } => Box::new(rate_limiting::RateLimiting::new(
            *spans_per_second,
            *burst_capacity,
        )),
        RuleConfig::And(policies) => Box::new(and::And(
            policies
                .iter()
                .map(|policy| compile(&policy.rule))
                .collect(),
        )),
        _ => Box::new(always_sample::AlwaysSample),
    }
}
