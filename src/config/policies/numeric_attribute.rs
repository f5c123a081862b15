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
    let min_place = settings.take("min_value");
    let max_place = settings.take("max_value");
    let (min, max) = (bound(min_place.as_ref())?, bound(max_place.as_ref())?);
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
    config.wanted = NumericRange {
        min: Some(min).filter(|min| *min != 0),
        max: Some(max).filter(|max| *max != 0),
    };
    Some(RuleConfig::NumericAttribute(config))
}

/// 0 when it is absent, `None` when it is wrong.
fn bound(place: Option<&Place<'_>>) -> Option<i64> {
    place.map_or(Some(0), Place::collector_integer)
}
