//! `boolean_attribute`: traces with an attribute that is true, or false.

use super::Settings;
use super::attribute::attribute;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let mut config = attribute(settings, false);
    settings.set("value", &mut config.wanted, Place::boolean);
    RuleConfig::BooleanAttribute(config)
}
