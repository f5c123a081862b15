//! `composite`: policies that share a number of spans a second.

use super::sub_policies::{self, SubPolicy};
use super::{Settings, limiting, nearest};
use crate::config::decode::Place;
use crate::sampler::config::{CompositeConfig, RuleConfig};

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let mut max_total_spans_per_second = 0;
    let total = &mut max_total_spans_per_second;
    settings.set(
        "max_total_spans_per_second",
        total,
        Place::collector_integer,
    );
    let order = settings.take("policy_order");
    let sub_policies = sub_policies::list(settings, "composite_sub_policy");
    let allocation = settings.take("rate_allocation");
    let scope = limiting::scope(settings);
    let policy_order = policy_order(order.as_ref(), sub_policies.as_deref());
    let rate_allocation = rate_allocation(allocation.as_ref(), sub_policies.as_deref());
    let sub_policies = sub_policies?;
    let place = settings.place();
    if sub_policies.is_empty() {
        place.warning(
            "composite_sub_policy lists nothing, so no trace is kept",
            "",
        );
    } else if max_total_spans_per_second <= 0 {
        let problem = format!(
            "max_total_spans_per_second is {max_total_spans_per_second}, so no trace is kept"
        );
        place.warning(problem, "set the spans a second to keep");
    }
    let sub_policies = sub_policies.into_iter().map(|policy| policy.config);
    Some(RuleConfig::Composite(CompositeConfig {
        max_total_spans_per_second,
        policy_order,
        sub_policies: sub_policies.collect(),
        rate_allocation,
        scope,
    }))
}

/// The names of `policy_order` that name something, each once.
fn policy_order(place: Option<&Place<'_>>, policies: Option<&[SubPolicy]>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let names = place.map(Place::collector_strings).unwrap_or_default();
    for (name, place) in names {
        if order.iter().any(|other| other == name) {
            place.warning(format!("{name:?} stands above"), "remove it");
        } else if is_known(name, &place, policies) {
            order.push(name.to_owned());
        }
    }
    order
}

/// Percents by the unique names of sub-policies. Of two for one policy the later counts, and policies that share a name
/// share its percent.
fn rate_allocation(
    place: Option<&Place<'_>>,
    policies: Option<&[SubPolicy]>,
) -> Vec<(String, i64)> {
    let mut written: Vec<(String, i64)> = Vec::new();
    for item in place.map(Place::strict_items).unwrap_or_default() {
        let Some((name, percent)) = allocation(&item) else {
            continue;
        };
        let at = item.deepest(&["policy"]);
        if let Some(earlier) = written.iter_mut().find(|(other, _)| *other == name) {
            at.warning(format!("{name:?} stands above; this one counts"), "");
            earlier.1 = percent;
        } else if is_known(&name, &at, policies) {
            written.push((name, percent));
        }
    }
    let percent_of = |policy: &SubPolicy| {
        let mut written = written.iter();
        let found = written.find(|(name, _)| *name == policy.written_name)?;
        Some((policy.config.name.clone(), found.1))
    };
    let policies = policies.unwrap_or_default().iter();
    policies.filter_map(percent_of).collect()
}

fn allocation(place: &Place<'_>) -> Option<(String, i64)> {
    if !place.is_mapping() {
        place.fields().finish();
        return None;
    }
    let mut fields = place.fields();
    let (mut name, mut percent) = (String::new(), 0);
    fields.set("policy", &mut name, |name| name.text().map(str::to_owned));
    fields.set("percent", &mut percent, Place::collector_integer);
    fields.finish();
    let at = place.deepest(&["percent"]);
    if percent <= 0 {
        at.warning(
            format!("percent is {percent}, so the policy gets an equal share"),
            "",
        );
    } else if percent > 100 {
        at.warning(
            "is above 100, so this policy alone may use up the total",
            "",
        );
    }
    Some((name, percent))
}

fn is_known(name: &str, place: &Place<'_>, policies: Option<&[SubPolicy]>) -> bool {
    // What names a wrong one is told when that one is right.
    let Some(policies) = policies else {
        return true;
    };
    if policies.iter().any(|policy| policy.written_name == name) {
        return true;
    }
    let names: Vec<&str> = policies
        .iter()
        .map(|policy| policy.written_name.as_str())
        .collect();
    let advice = match nearest(name, &names) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("sub-policies here: {}", names.join(", ")),
    };
    place.warning(format!("names no sub-policy: {name:?}"), advice);
    false
}
