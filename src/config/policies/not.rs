//! `not`: traces that a policy does not keep.

use super::{Settings, sub_policies};
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let depth = settings.depth() + 1;
    let Some(place) = settings.take("not_sub_policy") else {
        let advice = "name one policy under not_sub_policy";
        settings.place().error("there is nothing to negate", advice);
        return None;
    };
    if place.is_list() {
        place.error(
            "expected one policy, found a list",
            "write it without the list; to negate several, put them into one of type and",
        );
        return None;
    }
    let policy = sub_policies::one(&place, depth)?;
    Some(RuleConfig::Not(Box::new(policy)))
}
