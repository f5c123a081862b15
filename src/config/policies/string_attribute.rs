//! `string_attribute`: traces with an attribute that is one of some texts, or that an expression matches.

use super::Settings;
use super::attribute::attribute;
use crate::config::decode::Place;
use crate::sampler::config::{RuleConfig, StringValues};
use crate::sampler::pattern::Pattern;

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let mut config = attribute(settings, StringValues::Exact(Vec::new()));
    let mut is_regex = false;
    let values = settings.take("values");
    settings.set("enabled_regex_matching", &mut is_regex, Place::boolean);
    if let Some(size) = settings.take("cache_max_size") {
        // Results are not cached: an expression is matched in less time than a cache takes.
        size.collector_integer();
    }
    let texts = values.as_ref().map(Place::collector_strings);
    let texts = texts.unwrap_or_default();
    config.wanted = if is_regex {
        warn_of_split(values.as_ref());
        StringValues::Regex(patterns(&texts)?)
    } else {
        warn_of_likely_expressions(&texts);
        StringValues::Exact(texts.iter().map(|(text, _)| (*text).to_owned()).collect())
    };
    // Empty texts match nothing but as expressions.
    if texts.iter().all(|(text, _)| text.is_empty() && !is_regex) {
        let consequence = if config.invert_match {
            "every trace is kept"
        } else {
            "no trace is kept"
        };
        let place = values.as_ref().unwrap_or(settings.place());
        let problem = format!("values lists nothing that could match, so {consequence}");
        place.warning(problem, "");
    }
    Some(RuleConfig::StringAttribute(config))
}

/// All expressions, or `None` after telling what is wrong with each. Those after one that is too large are not read.
fn patterns(texts: &[(&str, Place<'_>)]) -> Option<Vec<Pattern>> {
    let mut patterns = Vec::with_capacity(texts.len());
    for (text, place) in texts {
        let budget = place.pattern_budget();
        if budget.is_spent() {
            return None;
        }
        match Pattern::parse_within(text, budget) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                place.error_within("expression", error.column, &error.problem, &error.advice);
            }
        }
    }
    (patterns.len() == texts.len()).then_some(patterns)
}

fn warn_of_split(values: Option<&Place<'_>>) {
    if let Some(place) = values.filter(|place| place.is_split_string()) {
        let problem = "is split at its commas, as the collector does";
        place.warning(problem, "write a list of expressions");
    }
}

/// Texts that nobody means as they are.
fn warn_of_likely_expressions(texts: &[(&str, Place<'_>)]) {
    for (text, place) in texts {
        if text.contains(".*") || text.contains(".+") || text.starts_with('^') {
            let problem = format!("{text:?} is compared as it is, since it is no expression");
            place.warning(problem, "set enabled_regex_matching: true");
        }
    }
}
