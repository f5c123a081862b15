//! `numeric_attribute`: traces with an integer attribute within bounds, 0 being no bound.

use super::Settings;
use super::attribute::attribute;
use crate::config::decode::Place;
use crate::sampler::config::{NumericRange, RuleConfig};

/// Without any bound the collector takes the file and crashes at its first decision: an error here.
pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let unbounded = NumericRange {
        min: None,
        max: None,
    };
    let mut config = attribute(settings, unbounded);
    let (mut min, mut max) = (0, 0);
    settings.set("min_value", &mut min, Place::collector_integer);
    let max_place = settings.take("max_value");
    if let Some(value) = max_place.as_ref().and_then(Place::collector_integer) {
        max = value;
    }
    let place = settings.place();
    if min == 0 && max == 0 {
        place.error(
            "min_value and max_value are both 0, which stands for no bound",
            "set one of them; for exactly 0 write an ottl_condition",
        );
        return None;
    }
    if min != 0 && max != 0 && min > max {
        let problem = "min_value is above max_value, so no value is within them";
        place.warning(problem, "");
    }
    if let Some(max_place) = max_place.filter(|_| max == 0) {
        let problem = "0 stands for no bound, so every value from min_value on matches";
        max_place.warning(problem, "remove it, or write an ottl_condition");
    }
    let bound = |value: i64| (value != 0).then_some(value);
    config.wanted = NumericRange {
        min: bound(min),
        max: bound(max),
    };
    Some(RuleConfig::NumericAttribute(config))
}
