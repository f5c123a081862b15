//! The policy types, a file each, and the step from a checked configuration to a compiled policy.

mod always_sample;
mod and;
mod attribute;
mod boolean_attribute;
mod bytes_limiting;
mod composite;
mod drop;
mod latency;
mod not;
mod numeric_attribute;
mod ottl_condition;
mod probabilistic;
mod rate_limiting;
mod span_count;
mod status_code;
mod string_attribute;
mod trace_flags;
mod trace_state;
mod wasm;

use super::compiler::Compiler;
use super::config::RuleConfig;
use super::policy::Policy;

/// Compiles one rule and those within it.
pub(super) fn compile(rule: &RuleConfig, compiler: &mut Compiler<'_>) -> Box<dyn Policy> {
    match rule {
        RuleConfig::AlwaysSample => Box::new(always_sample::AlwaysSample),
        RuleConfig::Latency {
            threshold_ms,
            upper_threshold_ms,
        } => latency::compile(*threshold_ms, *upper_threshold_ms, compiler),
        RuleConfig::NumericAttribute(config) => numeric_attribute::compile(config, compiler),
        RuleConfig::StringAttribute(config) => string_attribute::compile(config, compiler),
        RuleConfig::BooleanAttribute(config) => boolean_attribute::compile(config, compiler),
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
            scope,
        } => Box::new(rate_limiting::RateLimiting {
            bucket: compiler.bucket(*spans_per_second, *burst_capacity),
            scope: *scope,
        }),
        RuleConfig::BytesLimiting {
            bytes_per_second,
            burst_capacity,
            scope,
        } => bytes_limiting::compile(*bytes_per_second, *burst_capacity, *scope, compiler),
        RuleConfig::SpanCount {
            min_spans,
            max_spans,
        } => Box::new(span_count::SpanCount {
            min_spans: *min_spans,
            max_spans: *max_spans,
        }),
        RuleConfig::TraceState { key, values } => trace_state::compile(key, values, compiler),
        RuleConfig::TraceFlags => Box::new(trace_flags::TraceFlags),
        RuleConfig::OttlCondition {
            error_mode,
            span,
            span_event,
        } => ottl_condition::compile(*error_mode, span, span_event, compiler),
        RuleConfig::Wasm(config) => wasm::compile(config, compiler),
        RuleConfig::And(policies) => Box::new(and::And(compiler.nodes(policies))),
        RuleConfig::Not(policy) => Box::new(not::Not(compiler.node(policy))),
        RuleConfig::Drop(policies) => Box::new(drop::Drop(compiler.nodes(policies))),
        RuleConfig::Composite(config) => composite::compile(config, compiler),
    }
}
