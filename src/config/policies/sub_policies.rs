//! Policies within policies. The collector lets them go without names, and share them.

use super::{Settings, bounded_items, policy};
use crate::config::decode::Place;
use crate::sampler::config::PolicyConfig;

/// A sub-policy, and the name that it has in the file: its own one is unique in its list.
pub(super) struct SubPolicy {
    pub(super) written_name: String,
    pub(super) config: PolicyConfig,
}

/// The list under `key`.
pub(super) fn list(settings: &mut Settings<'_>, key: &'static str) -> Vec<SubPolicy> {
    let depth = settings.depth() + 1;
    let Some(place) = settings.take(key) else {
        return Vec::new();
    };
    let mut policies: Vec<SubPolicy> = Vec::new();
    for (index, item) in bounded_items(&place).into_iter().enumerate() {
        let Some(parsed) = policy(&item, depth) else {
            continue;
        };
        let Some(rule) = parsed.rule else {
            continue;
        };
        let written_name = parsed.name;
        let mut others = policies.iter();
        let is_taken = others.any(|other| other.config.name == written_name);
        let name = match written_name.as_str() {
            "" => format!("#{index}"),
            _ if is_taken => {
                let at = item.deepest(&["name"]);
                let problem = format!("a sub-policy named {written_name:?} stands above");
                at.warning(problem, "");
                format!("{written_name}#{index}")
            }
            _ => written_name.clone(),
        };
        let config = PolicyConfig::new(&name, rule);
        policies.push(SubPolicy {
            written_name,
            config,
        });
    }
    policies
}

/// The one policy at `place`; `None` when it is wrong, which is reported.
pub(super) fn one(place: &Place<'_>, depth: usize) -> Option<PolicyConfig> {
    let parsed = policy(place, depth)?;
    let name = if parsed.name.is_empty() {
        "#0"
    } else {
        &parsed.name
    };
    Some(PolicyConfig::new(name, parsed.rule?))
}
