//! What `sampling_strategy: span-ingest` cannot have: policies that need the whole trace, or that count.
//!
//! Each part of a trace is judged alone, and kept or dropped at once; a policy that a later part could make say no
//! cannot judge an earlier one. The collector refuses the same ones.

use crate::config::decode::Place;
use crate::sampler::config::{PolicyConfig, RuleConfig};

/// Reports a policy of the list that cannot judge a part of a trace.
pub(super) fn check(rule: &RuleConfig, place: &Place<'_>) {
    if let Some(reason) = reason_against(rule) {
        place.deepest(&["type"]).error(
            format!("cannot judge spans as they arrive: {reason}"),
            "remove sampling_strategy: span-ingest, or this policy",
        );
    }
}

fn reason_against(rule: &RuleConfig) -> Option<&'static str> {
    let any_of = |policies: &[PolicyConfig]| {
        let mut reasons = policies.iter().map(|policy| reason_against(&policy.rule));
        reasons.find_map(|reason| reason)
    };
    match rule {
        RuleConfig::RateLimiting { .. } => Some("rate_limiting counts whole traces"),
        RuleConfig::BytesLimiting { .. } => Some("bytes_limiting counts whole traces"),
        RuleConfig::Latency {
            upper_threshold_ms, ..
        } => (*upper_threshold_ms != 0).then_some("upper_threshold_ms needs the whole trace"),
        RuleConfig::SpanCount { max_spans, .. } => {
            (*max_spans != 0).then_some("max_spans needs the whole trace")
        }
        RuleConfig::Wasm(_) => Some("a plugin needs the whole trace"),
        RuleConfig::And(policies) | RuleConfig::Drop(policies) => any_of(policies),
        RuleConfig::Not(policy) => reason_against(&policy.rule),
        RuleConfig::Composite(composite) => any_of(&composite.sub_policies),
        _ => None,
    }
}
