//! CORS for traces sent by browsers (Fetch standard, "CORS protocol"); off unless configured.
//!
//! Credentials are allowed, as `navigator.sendBeacon` always sends them; nothing here depends on them. The wildcard
//! therefore answers with the request's own origin.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::super::answer::AnswerBody;
use super::super::config::CorsConfig;

/// Headers that OTLP exporters in browsers set and that the Fetch standard does not allow by itself.
const HEADERS_ALLOWED_ALWAYS: &str = "content-type, content-encoding, x-requested-with";

/// Who may send from a browser, and what.
#[derive(Debug, Clone)]
pub(super) struct Cors {
    origins: Vec<Origin>,
    any_header: bool,
    headers: HeaderValue,
    max_age_s: Option<HeaderValue>,
}

#[derive(Debug, Clone)]
enum Origin {
    Exact(String),
    /// What comes before and after the `*`.
    Around(String, String),
}

impl Cors {
    pub(super) fn new(config: CorsConfig) -> Self {
        let any_header = config.allowed_headers.iter().any(|name| name == "*");
        let mut headers = vec![HEADERS_ALLOWED_ALWAYS.to_owned()];
        headers.extend(config.allowed_headers);
        let as_value = |text: String| HeaderValue::try_from(text).ok();
        Self {
            origins: config.allowed_origins.into_iter().map(origin).collect(),
            any_header,
            headers: as_value(headers.join(", "))
                .unwrap_or(HeaderValue::from_static(HEADERS_ALLOWED_ALWAYS)),
            max_age_s: config
                .max_age
                .and_then(|age| as_value(age.as_secs().to_string())),
        }
    }

    /// The request's origin, if it has one and that is allowed.
    pub(super) fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let value = headers.get(ORIGIN)?;
        let text = value.to_str().ok()?;
        self.origins
            .iter()
            .any(|allowed| allowed.matches(text))
            .then(|| value.clone())
    }

    /// The answer to a browser that asks whether it may send.
    pub(super) fn preflight(
        &self,
        request: &HeaderMap,
        origin: &HeaderValue,
    ) -> Response<AnswerBody> {
        let mut response = Response::new(AnswerBody::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        allow(headers, origin.clone());
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        );
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let allowed = asked.filter(|_| self.any_header).unwrap_or(&self.headers);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        if let Some(max_age_s) = &self.max_age_s {
            headers.insert(ACCESS_CONTROL_MAX_AGE, max_age_s.clone());
        }
        response
    }
}

impl Origin {
    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(allowed) => origin.eq_ignore_ascii_case(allowed),
            Self::Around(before, after) => {
                let origin = origin.to_ascii_lowercase();
                origin.len() >= before.len() + after.len()
                    && origin.starts_with(before)
                    && origin.ends_with(after)
            }
        }
    }
}

/// Whether a browser asks before it sends.
pub(super) fn is_preflight(head: &http::request::Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets the browser show an answer to scripts of `origin`.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.append(VARY, HeaderValue::from_static("origin"));
}

fn origin(pattern: String) -> Origin {
    match pattern.to_ascii_lowercase().split_once('*') {
        Some((before, after)) => Origin::Around(before.to_owned(), after.to_owned()),
        None => Origin::Exact(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_exactly_or_around_one_wildcard() {
        let matches = |pattern: &str, text| origin(pattern.to_owned()).matches(text);
        assert!(matches("https://a.example", "https://A.example"));
        assert!(!matches("https://a.example", "https://a.example:8080"));
        assert!(matches("*", "http://anything"));
        assert!(matches("https://*.example.com", "https://x.y.example.com"));
        assert!(!matches("https://*.example.com", "https://example.com"));
        assert!(!matches("https://a*a.com", "https://a.com"));
    }
}
