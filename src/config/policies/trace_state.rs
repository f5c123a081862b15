//! `trace_state`: traces with an entry of the W3C trace state.
//!
//! Source of the rules on keys and values: W3C Trace Context, section 3.3.1.3.

use super::Settings;
use crate::config::decode::Place;
use crate::sampler::config::RuleConfig;

/// A key and a value that together are as long as this are passed over.
const ENTRY_CHARS_END: usize = 256;

pub(super) fn rule(settings: &mut Settings<'_>) -> RuleConfig {
    let mut key = String::new();
    let key_place = settings.take("key");
    if let Some(text) = key_place.as_ref().and_then(Place::text) {
        key = text.to_owned();
    }
    if !is_key(&key) {
        let problem = format!("no trace state has the key {key:?}, so no trace is kept");
        let advice = "keys are of a-z, 0-9, _, -, * and /, with at most one @";
        key_place
            .as_ref()
            .unwrap_or(settings.place())
            .warning(problem, advice);
    }
    let values = settings.take("values");
    let texts = values.as_ref().map(Place::collector_strings);
    let texts = texts.unwrap_or_default();
    if texts.is_empty() {
        let place = values.as_ref().unwrap_or(settings.place());
        place.warning("values lists nothing, so no trace is kept", "");
    }
    for (text, place) in &texts {
        if key.chars().count() + text.chars().count() >= ENTRY_CHARS_END {
            let problem =
                format!("is passed over: with its key it has {ENTRY_CHARS_END} characters or more");
            place.warning(problem, "");
        } else if !is_value(text) {
            let problem = format!("no trace state has the value {text:?}");
            let advice =
                "values are of printable ASCII without comma, equals sign and blank at the end";
            place.warning(problem, advice);
        }
    }
    RuleConfig::TraceState {
        key,
        values: texts.iter().map(|(text, _)| (*text).to_owned()).collect(),
    }
}

fn is_key(key: &str) -> bool {
    let is_part = |part: &str| {
        let mut chars = part.chars();
        let first = chars.next();
        first.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && chars.all(|c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '*' | '/')
            })
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_part(tenant) && is_part(system),
        None => is_part(key),
    }
}

fn is_value(value: &str) -> bool {
    let is_printable = |c: char| matches!(c, ' '..='~') && !matches!(c, ',' | '=');
    !value.is_empty() && !value.ends_with(' ') && value.chars().all(is_printable)
}
