//! Policies within policies. The collector lets them go without names, and share them.

use std::collections::HashSet;
use std::fmt::Write;

use super::{Settings, bounded_items, policy};
use crate::config::decode::Place;
use crate::sampler::config::PolicyConfig;

/// A sub-policy, and the name that it has in the file: its own one is unique in its list.
pub(super) struct SubPolicy {
    pub(super) written_name: String,
    pub(super) config: PolicyConfig,
}

/// The list under `key`; `None` when something in it is wrong, which is reported.
pub(super) fn list(settings: &mut Settings<'_>, key: &'static str) -> Option<Vec<SubPolicy>> {
    let depth = settings.depth() + 1;
    let Some(place) = settings.take(key) else {
        return Some(Vec::new());
    };
    let items = bounded_items(&place);
    let mut is_right = !items.is_empty() || place.lists_nothing();
    let mut policies: Vec<SubPolicy> = Vec::new();
    let (mut written_names, mut names) = (HashSet::new(), HashSet::new());
    for (index, item) in items.into_iter().enumerate() {
        let parsed = policy(&item, depth);
        let Some((written_name, rule)) = parsed.and_then(|p| Some((p.name, p.rule?))) else {
            is_right = false;
            continue;
        };
        if !written_name.is_empty() && !written_names.insert(written_name.clone()) {
            let problem = format!("a sub-policy named {written_name:?} stands above");
            item.deepest(&["name"]).warning(problem, "");
        }
        let mut name = written_name.clone();
        while name.is_empty() || names.contains(&name) {
            let _ = write!(name, "#{index}");
        }
        names.insert(name.clone());
        let config = PolicyConfig::new(&name, rule);
        policies.push(SubPolicy {
            written_name,
            config,
        });
    }
    is_right.then_some(policies)
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
