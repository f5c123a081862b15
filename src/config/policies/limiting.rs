//! `rate_limiting` and `bytes_limiting`: as much a second as the backend takes.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::{LimitScope, RuleConfig};

const SCOPES: [(&str, LimitScope); 2] = [
    ("replica", LimitScope::Replica),
    ("cluster", LimitScope::Cluster),
];

pub(super) fn spans(settings: &mut Settings<'_>) -> RuleConfig {
    let (spans_per_second, burst_capacity) = rate_and_burst(settings, "spans_per_second", "spans");
    RuleConfig::RateLimiting {
        spans_per_second,
        burst_capacity,
        scope: scope(settings),
    }
}

pub(super) fn bytes(settings: &mut Settings<'_>) -> RuleConfig {
    let (bytes_per_second, burst_capacity) = rate_and_burst(settings, "bytes_per_second", "bytes");
    RuleConfig::BytesLimiting {
        bytes_per_second,
        burst_capacity,
        scope: scope(settings),
    }
}

/// Of whom the limit is.
pub(super) fn scope(settings: &mut Settings<'_>) -> LimitScope {
    let mut scope = LimitScope::Replica;
    settings.set("scope", &mut scope, |scope| scope.choice(&SCOPES));
    scope
}

fn rate_and_burst(settings: &mut Settings<'_>, rate_key: &'static str, unit: &str) -> (i64, i64) {
    let (mut rate, mut burst) = (0, 0);
    settings.set(rate_key, &mut rate, Place::collector_integer);
    settings.set("burst_capacity", &mut burst, Place::collector_integer);
    if rate <= 0 {
        let problem = format!("{rate_key} is {rate}, so no rate is granted");
        let advice = format!("set the {unit} a second to keep");
        settings.place().warning(problem, advice);
    }
    (rate, burst)
}
