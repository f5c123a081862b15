//! `rate_limiting`: as many spans a second as the backend takes.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let (mut spans_per_second, mut burst_capacity) = (0, 0);
    let spans = Place::collector_integer;
    settings.set("spans_per_second", &mut spans_per_second, spans);
    settings.set("burst_capacity", &mut burst_capacity, spans);
    if spans_per_second <= 0 {
        let problem = format!("spans_per_second is {spans_per_second}, so no rate is granted");
        settings
            .place()
            .warning(problem, "set the spans a second to keep");
    }
    RuleConfig::RateLimiting {
        spans_per_second,
        burst_capacity,
    }
}
