//! `policies`: the list, the names, and the choice of the type's own reader.
//!
//! One file for each type that has settings; a new type is a line in [`rule`] and a file beside them. Bounded:
//! [`POLICIES_MAX`] in one list, [`DEPTH_MAX`] within each other.

mod and;
mod attribute;
mod boolean_attribute;
mod composite;
mod drop;
mod ingest;
mod latency;
mod limiting;
mod not;
mod numeric_attribute;
mod ottl_condition;
mod probabilistic;
mod settings;
mod span_count;
mod status_code;
mod string_attribute;
mod sub_policies;
mod trace_state;
mod wasm;

use std::collections::HashSet;

use settings::Settings;

use super::decode::{Fields, Place, nearest};
use crate::sampler::config::{Mode, PolicyConfig, RuleConfig, Strategy};

/// Most policies in one list.
const POLICIES_MAX: usize = 10_000;
/// Most policies within each other.
const DEPTH_MAX: usize = 16;

/// All types, in the order in which messages list them.
pub(super) const TYPES: [&str; 18] = [
    "always_sample",
    "latency",
    "numeric_attribute",
    "probabilistic",
    "status_code",
    "string_attribute",
    "rate_limiting",
    "bytes_limiting",
    "span_count",
    "boolean_attribute",
    "trace_state",
    "trace_flags",
    "ottl_condition",
    "wasm",
    "and",
    "not",
    "drop",
    "composite",
];

const MODES: [(&str, Mode); 2] = [("active", Mode::Active), ("shadow", Mode::Shadow)];

/// A policy as it was read.
struct Parsed {
    /// Empty without one.
    name: String,
    /// `None` when it is wrong, which is reported.
    rule: Option<RuleConfig>,
    mode: Mode,
    expires_at_unix_ns: Option<u64>,
}

/// The policies of the file: every one has a name, and no two have the same.
pub(super) fn policies(place: &Place<'_>, strategy: Strategy) -> Vec<PolicyConfig> {
    let mut policies: Vec<PolicyConfig> = Vec::new();
    let mut names = HashSet::new();
    for item in bounded_items(place) {
        let Some(parsed) = policy(&item, 0) else {
            continue;
        };
        let at = item.deepest(&["name"]);
        if parsed.name.is_empty() {
            at.error("a policy needs a name", "metrics and messages refer to it");
            continue;
        }
        if !names.insert(parsed.name.clone()) {
            at.error(
                format!("a policy named {:?} stands above", parsed.name),
                "give each policy a name of its own",
            );
        }
        let Some(rule) = parsed.rule else {
            continue;
        };
        if strategy == Strategy::SpanIngest {
            ingest::check(&rule, &item);
        }
        policies.push(PolicyConfig {
            name: parsed.name,
            rule,
            mode: parsed.mode,
            expires_at_unix_ns: parsed.expires_at_unix_ns,
        });
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

/// A policy with so many around it. `None` when this is no policy at all.
fn policy(place: &Place<'_>, depth: usize) -> Option<Parsed> {
    if !place.is_mapping() && !place.is_null() {
        place.fields().finish();
        return None;
    }
    if depth > DEPTH_MAX {
        let problem = format!("more than {DEPTH_MAX} policies within each other");
        place.error(problem, "");
        return None;
    }
    let mut fields = place.fields();
    let mut parsed = Parsed {
        name: String::new(),
        rule: None,
        mode: Mode::Active,
        expires_at_unix_ns: None,
    };
    fields.set("name", &mut parsed.name, |name| {
        name.text().map(str::to_owned)
    });
    let type_place = fields.take("type");
    mode(&mut fields, depth, &mut parsed);
    let Some(type_place) = type_place else {
        // Of the list's own policies, the missing name is told.
        if depth > 0 || !place.is_null() {
            place.error("type is missing", format!("one of: {}", TYPES.join(", ")));
        }
        return Some(parsed);
    };
    let Some(type_name) = known_type(&type_place) else {
        return Some(parsed);
    };
    let mut settings = Settings::new(fields, type_name, depth);
    parsed.rule = rule(type_name, &mut settings);
    settings.finish();
    Some(parsed)
}

/// `mode` and `expires_at`, of the policies of the list alone: a part of a policy is as active as the whole.
fn mode(fields: &mut Fields<'_>, depth: usize, parsed: &mut Parsed) {
    if depth > 0 {
        for key in ["mode", "expires_at"] {
            let advice = "move it to the policy of the list that holds this one";
            fields.refuse(key, "has no place in a sub-policy", advice);
        }
        return;
    }
    fields.set("mode", &mut parsed.mode, |mode| mode.choice(&MODES));
    let expires_at = &mut parsed.expires_at_unix_ns;
    fields.set("expires_at", expires_at, |place| {
        place.timestamp_unix_ns().map(Some)
    });
}

/// The rule of a type; `None` when its settings are wrong, which is reported.
fn rule(type_name: &'static str, settings: &mut Settings<'_>) -> Option<RuleConfig> {
    match type_name {
        "latency" => Some(latency::rule(settings)),
        "numeric_attribute" => numeric_attribute::rule(settings),
        "probabilistic" => Some(probabilistic::rule(settings)),
        "status_code" => status_code::rule(settings),
        "string_attribute" => string_attribute::rule(settings),
        "rate_limiting" => Some(limiting::spans(settings)),
        "bytes_limiting" => Some(limiting::bytes(settings)),
        "span_count" => Some(span_count::rule(settings)),
        "boolean_attribute" => Some(boolean_attribute::rule(settings)),
        "trace_state" => Some(trace_state::rule(settings)),
        "trace_flags" => Some(RuleConfig::TraceFlags),
        "ottl_condition" => ottl_condition::rule(settings),
        "wasm" => wasm::rule(settings),
        "and" => and::rule(settings),
        "not" => not::rule(settings),
        "drop" => drop::rule(settings),
        "composite" => composite::rule(settings),
        _ => Some(RuleConfig::AlwaysSample),
    }
}

fn known_type(place: &Place<'_>) -> Option<&'static str> {
    let text = place.text()?;
    if let Some(name) = TYPES.iter().find(|name| **name == text) {
        return Some(name);
    }
    let advice = match nearest(text, &TYPES) {
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
        let advice = match nearest(key, &known) {
            Some(name) if !TYPES.contains(&key) => format!("did you mean {name:?}?"),
            _ => "remove it".to_owned(),
        };
        let problem = format!("has no effect on a policy of type {type_name:?}");
        place.warning(problem, advice);
    }
}
