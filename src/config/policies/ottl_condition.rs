//! `ottl_condition`: traces with a span, or an event of one, on which a condition holds.

use super::Settings;
use crate::config::decode::{Place, nearest};
use crate::sampler::config::{ErrorMode, RuleConfig};
use crate::sampler::ottl::{Condition, ParseError, Subject};

const ERROR_MODES: [(&str, ErrorMode); 3] = [
    ("ignore", ErrorMode::Ignore),
    ("silent", ErrorMode::Silent),
    ("propagate", ErrorMode::Propagate),
];

pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let mut mode = ErrorMode::default();
    settings.set("error_mode", &mut mode, error_mode);
    let span = settings.take("span");
    let span_event = settings.take("spanevent");
    let span = conditions(span.as_ref(), Subject::Span);
    let span_event = conditions(span_event.as_ref(), Subject::SpanEvent);
    let (span, span_event) = (span?, span_event?);
    if span.is_empty() && span_event.is_empty() {
        let advice = "list conditions under span or spanevent";
        settings.place().error("there is no condition", advice);
        return None;
    }
    Some(RuleConfig::OttlCondition {
        error_mode: mode,
        span,
        span_event,
    })
}

/// The collector takes it in any case.
fn error_mode(place: &Place<'_>) -> Option<ErrorMode> {
    let text = place.text()?;
    let mut modes = ERROR_MODES.iter();
    if let Some((_, mode)) = modes.find(|(name, _)| text.eq_ignore_ascii_case(name)) {
        return Some(*mode);
    }
    let names: Vec<&str> = ERROR_MODES.iter().map(|(name, _)| *name).collect();
    let advice = match nearest(text, &names) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("one of: {}", names.join(", ")),
    };
    place.error(format!("unknown value {text:?}"), advice);
    None
}

/// The conditions of a list; `None` when one is wrong, which is reported.
fn conditions(place: Option<&Place<'_>>, subject: Subject) -> Option<Vec<Condition>> {
    let Some(place) = place else {
        return Some(Vec::new());
    };
    if place.is_mapping() {
        place.items();
        return None;
    }
    if place.is_split_string() {
        return one_string(place, subject);
    }
    let texts = place.collector_strings();
    let conditions: Vec<Condition> = texts
        .iter()
        .filter_map(|(text, place)| condition(text, place, subject))
        .collect();
    let is_complete = !place.is_list() || conditions.len() == place.items().len();
    (is_complete && conditions.len() == texts.len()).then_some(conditions)
}

/// One string with commas: the collector splits it there, which few conditions survive; those are taken whole.
fn one_string(place: &Place<'_>, subject: Subject) -> Option<Vec<Condition>> {
    let parts = place.collector_strings();
    let budget = place.pattern_budget();
    let split = parts
        .iter()
        .map(|(text, _)| Condition::parse_within(text, subject, budget));
    if let Ok(conditions) = split.collect::<Result<Vec<_>, ParseError>>() {
        return Some(conditions);
    }
    let text = place.text()?;
    condition(text, place, subject).map(|condition| vec![condition])
}

fn condition(text: &str, place: &Place<'_>, subject: Subject) -> Option<Condition> {
    let budget = place.pattern_budget();
    if budget.is_spent() {
        return None;
    }
    match Condition::parse_within(text, subject, budget) {
        Ok(condition) => Some(condition),
        Err(error) => {
            place.error_within("condition", error.column, &error.problem, &error.advice);
            None
        }
    }
}
