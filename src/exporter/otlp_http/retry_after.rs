//! The header `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;

/// How long to wait, seen from `now_unix_ns`; zero for a date that has passed, `None` for what is neither form.
pub(super) fn parse_retry_after(value: &HeaderValue, now_unix_ns: u64) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_nanos(now_unix_ns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_anything_else_is_no_wish() {
        let now_unix_ns = 1_445_412_470 * 1_000_000_000;
        let cases = [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(10)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            let wait = parse_retry_after(&HeaderValue::from_static(text), now_unix_ns);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text}");
        }
    }
}
