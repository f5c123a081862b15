//! `receivers.otlp.protocols.http.cors`: which web pages may send spans from browsers.

use std::time::Duration;

use super::headers::header_name;
use crate::config::decode::Place;
use crate::receiver::config::CorsConfig;

/// `cors`; without origins it stays off.
pub(super) fn cors(place: &Place<'_>) -> Option<CorsConfig> {
    let mut config = CorsConfig::default();
    let mut fields = place.fields();
    if let Some(origins) = fields.take("allowed_origins") {
        config.allowed_origins = origins.items().iter().filter_map(origin).collect();
    } else {
        place.error(
            "allowed_origins is missing",
            "name the origins, or remove cors",
        );
    }
    if let Some(headers) = fields.take("allowed_headers") {
        let headers = headers.items();
        config.allowed_headers = headers.iter().filter_map(allowed_header).collect();
    }
    fields.set("max_age", &mut config.max_age, |age| {
        seconds_or_duration(age).map(Some)
    });
    fields.finish();
    (!config.allowed_origins.is_empty()).then_some(config)
}

fn origin(place: &Place<'_>) -> Option<String> {
    let text = place.non_empty_text()?;
    let has_scheme = text.starts_with("http://") || text.starts_with("https://");
    if text == "*" || (has_scheme && text.matches('*').count() <= 1 && text.is_ascii()) {
        return Some(text.to_owned());
    }
    let advice = "write it like https://app.example.com, https://*.example.com or *";
    place.error(format!("{text:?} is not an origin"), advice);
    None
}

fn allowed_header(place: &Place<'_>) -> Option<String> {
    let text = place.non_empty_text()?;
    if text == "*" {
        return Some(text.to_owned());
    }
    header_name(place, text).map(|name| name.to_string())
}

/// As in the collector a bare number is in seconds here.
fn seconds_or_duration(place: &Place<'_>) -> Option<Duration> {
    if let Some(seconds) = place.bare_seconds() {
        return Some(seconds);
    }
    place.duration()
}
