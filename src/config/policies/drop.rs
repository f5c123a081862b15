//! `drop`: traces that all of some policies keep are dropped, whatever others say.

use super::{Settings, sub_policies};
use crate::sampler::config::RuleConfig;

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let policies = sub_policies::list(settings, "drop_sub_policy")?;
    if policies.is_empty() {
        let problem = "drop_sub_policy lists nothing, so every trace is dropped";
        settings.place().warning(problem, "");
    }
    let policies = policies.into_iter().map(|policy| policy.config);
    Some(RuleConfig::Drop(policies.collect()))
}
