//! `policies`: the list, the names, and the choice of the type's own reader.
//!
//! One file for each type that has settings; a new type is a line in [`rule`] and a file beside them.

mod and;
mod latency;
mod probabilistic;
mod rate_limiting;
mod settings;
mod status_code;

use settings::Settings;

use super::decode::{Fields, Place, nearest};
use crate::sampler::config::{PolicyConfig, RuleConfig};

/// Most policies in one list.
const POLICIES_MAX: usize = 10_000;

/// Types of this version.
pub(super) const TYPES: [&str; 6] = [
    "always_sample",
    "latency",
    "status_code",
    "probabilistic",
    "rate_limiting",
    "and",
];

/// Types that the collector has and this version has not.
pub(super) const LATER_TYPES: [&str; 11] = [
    "numeric_attribute",
    "string_attribute",
    "boolean_attribute",
    "bytes_limiting",
    "span_count",
    "trace_state",
    "trace_flags",
    "ottl_condition",
    "not",
    "drop",
    "composite",
];

/// The policies of the file: every one has a name, and no two have the same.
pub(super) fn policies(place: &Place<'_>) -> Vec<PolicyConfig> {
    let mut policies: Vec<PolicyConfig> = Vec::new();
    for item in bounded_items(place) {
        let Some((name, rule)) = policy(&item) else {
            continue;
        };
        if name.is_empty() {
            let at = item.deepest(&["name"]);
            at.error("a policy needs a name", "metrics and messages refer to it");
            continue;
        }
        if policies.iter().any(|other| other.name == name) {
            let at = item.deepest(&["name"]);
            at.error(
                format!("a policy named {name:?} stands above"),
                "give each policy a name of its own",
            );
        }
        policies.extend(rule.map(|rule| PolicyConfig::new(&name, rule)));
    }
    policies
}

/// Sub-policies, which the collector lets go without names and share them.
fn sub_policies(place: &Place<'_>) -> Vec<PolicyConfig> {
    let mut policies: Vec<PolicyConfig> = Vec::new();
    for (index, item) in bounded_items(place).into_iter().enumerate() {
        let Some((name, Some(rule))) = policy(&item) else {
            continue;
        };
        let is_taken = |name: &str| policies.iter().any(|other| other.name == name);
        let name = match name.as_str() {
            "" => format!("#{index}"),
            _ if is_taken(&name) => {
                let at = item.deepest(&["name"]);
                at.warning(format!("a sub-policy named {name:?} stands above"), "");
                format!("{name}#{index}")
            }
            _ => name,
        };
        policies.push(PolicyConfig::new(&name, rule));
    }
    policies
}

fn bounded_items<'a>(place: &Place<'a>) -> Vec<Place<'a>> {
    let items = place.strict_items();
    if items.len() > POLICIES_MAX {
        let problem = format!("lists {} policies", items.len());
        place.error(problem, format!("at most {POLICIES_MAX}"));
        return Vec::new();
    }
    items
}

/// The name (empty without one) and the rule, if it can be read. `None` when this is no policy at all.
fn policy(place: &Place<'_>) -> Option<(String, Option<RuleConfig>)> {
    if !place.is_mapping() && !place.is_null() {
        place.fields().finish();
        return None;
    }
    let mut fields = place.fields();
    let name = fields
        .take("name")
        .and_then(|name| name.text().map(str::to_owned));
    let name = name.unwrap_or_default();
    let Some(type_place) = fields.take("type") else {
        if !place.is_null() {
            place.error("type is missing", format!("one of: {}", TYPES.join(", ")));
        }
        return Some((name, None));
    };
    let Some(type_name) = known_type(&type_place) else {
        return Some((name, None));
    };
    let mut settings = Settings::new(fields, type_name);
    let rule = rule(type_name, &mut settings);
    settings.finish();
    Some((name, rule))
}

/// The rule of a type; `None` when its settings are wrong, which is reported.
fn rule(type_name: &'static str, settings: &mut Settings<'_>) -> Option<RuleConfig> {
    match type_name {
        "latency" => Some(latency::rule(settings)),
        "status_code" => status_code::rule(settings),
        "probabilistic" => Some(probabilistic::rule(settings)),
        "rate_limiting" => Some(rate_limiting::rule(settings)),
        "and" => Some(and::rule(settings)),
        _ => Some(RuleConfig::AlwaysSample),
    }
}

fn known_type(place: &Place<'_>) -> Option<&'static str> {
    let text = place.text()?;
    if let Some(name) = TYPES.iter().find(|name| **name == text) {
        return Some(name);
    }
    if LATER_TYPES.contains(&text) {
        let problem = format!("policy type {text:?} is not supported by this version");
        place.error(problem, format!("supported: {}", TYPES.join(", ")));
        return None;
    }
    let advice = match nearest(text, &[TYPES.as_slice(), &LATER_TYPES].concat()) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("one of: {}", TYPES.join(", ")),
    };
    place.error(format!("unknown policy type {text:?}"), advice);
    None
}

/// Reports mappings under a policy that are not its settings: the collector passes them over in silence.
fn warn_of_skipped(fields: &mut Fields<'_>, type_name: &'static str) {
    let known = [fields.known(), &[type_name]].concat();
    for (key, place) in fields.skip_mappings() {
        let is_other_type = TYPES.contains(&key) || LATER_TYPES.contains(&key);
        let advice = match nearest(key, &known) {
            Some(name) if !is_other_type => format!("did you mean {name:?}?"),
            _ => "remove it".to_owned(),
        };
        let problem = format!("has no effect on a policy of type {type_name:?}");
        place.warning(problem, advice);
    }
}
