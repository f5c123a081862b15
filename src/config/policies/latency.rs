//! `latency`: traces that took long.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let (mut threshold_ms, mut upper_threshold_ms) = (0, 0);
    let milliseconds = Place::collector_integer;
    settings.set("threshold_ms", &mut threshold_ms, milliseconds);
    settings.set("upper_threshold_ms", &mut upper_threshold_ms, milliseconds);
    let place = settings.place();
    if upper_threshold_ms != 0 && upper_threshold_ms <= threshold_ms {
        let problem = "upper_threshold_ms is not above threshold_ms, so no trace is kept";
        place.warning(problem, "");
    } else if threshold_ms < 0 {
        let problem =
            "threshold_ms is negative, so every trace is kept but one that ends before it starts";
        place.warning(problem, "");
    }
    RuleConfig::Latency {
        threshold_ms,
        upper_threshold_ms,
    }
}
