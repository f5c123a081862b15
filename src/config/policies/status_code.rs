//! `status_code`: traces with a span of some status.

use super::Settings;
use crate::config::decode::{Place, nearest};
use crate::sampler::config::{RuleConfig, StatusCode};

const CODES: [(&str, StatusCode); 3] = [
    ("OK", StatusCode::Ok),
    ("ERROR", StatusCode::Error),
    ("UNSET", StatusCode::Unset),
];

/// Besides the collector's form, `status_code: [ERROR]` stands for `status_code: {status_codes: [ERROR]}`.
pub(super) fn rule(settings: &mut Settings<'_>) -> Option<RuleConfig> {
    let short_form = settings.take_short_form();
    let listed = settings.take("status_codes");
    let place = short_form
        .or(listed)
        .unwrap_or_else(|| settings.place().clone());
    if place.is_mapping() {
        place.error("status_codes is missing", "list OK, ERROR or UNSET");
        return None;
    }
    let texts = place.collector_strings();
    if texts.is_empty() {
        place.error("lists no status code", "list OK, ERROR or UNSET");
        return None;
    }
    let codes = texts.iter().map(|(text, place)| status_code(text, place));
    let status_codes = codes.collect::<Option<Vec<StatusCode>>>()?;
    Some(RuleConfig::StatusCode { status_codes })
}

/// A code in any case; the collector wants capitals.
fn status_code(text: &str, place: &Place<'_>) -> Option<StatusCode> {
    let found = CODES
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name));
    if let Some((_, code)) = found {
        return Some(*code);
    }
    let names: Vec<&str> = CODES.iter().map(|(name, _)| *name).collect();
    let advice = match nearest(text, &names) {
        Some(name) => format!("did you mean {name:?}?"),
        None => "one of: OK, ERROR, UNSET".to_owned(),
    };
    place.error(format!("unknown status code {text:?}"), advice);
    None
}
