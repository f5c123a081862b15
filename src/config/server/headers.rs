//! Request headers: names, and values that may stand in a file.

use std::fs::File;
use std::io::Read;

use http::{HeaderName, HeaderValue};

use crate::config::decode::Place;

/// Longest header value read from a file.
const VALUE_FILE_BYTES_MAX: u64 = 64 << 10;

/// Headers that the exporters or the protocol set themselves.
const OWN_HEADERS: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A valid header name, in lower case.
pub(super) fn header_name(place: &Place<'_>, text: &str) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    if name.is_none() {
        place.error(format!("{text:?} is not the name of a header"), "");
    }
    name
}

/// `headers` of an exporter: name and value each.
pub(super) fn headers(place: &Place<'_>) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in place.fields().all() {
        let Some(name) = exported_name(&value, name) else {
            continue;
        };
        if headers.iter().any(|(other, _)| *other == name) {
            value.error(
                "this header stands here twice, in different case",
                "keep one of them",
            );
            continue;
        }
        if let Some(value) = header_value(&value) {
            headers.push((name, value));
        }
    }
    headers
}

fn exported_name(place: &Place<'_>, text: &str) -> Option<String> {
    let name = header_name(place, text)?;
    let name = name.as_str();
    if OWN_HEADERS.contains(&name) || name.starts_with("grpc-") {
        place.error("this header is set by the exporter itself", "remove it");
        return None;
    }
    if name.ends_with("-bin") {
        place.error("binary headers (-bin) are not supported", "");
        return None;
    }
    Some(name.to_owned())
}

/// A string, or `{file: PATH}` for the trimmed content of a file.
fn header_value(place: &Place<'_>) -> Option<String> {
    let value = if place.is_mapping() {
        value_from_file(place)?
    } else {
        place.secret_text()?.to_owned()
    };
    // The value is a secret more often than not: no message shows it.
    if HeaderValue::from_str(&value).is_err() {
        place.error(
            "the value holds characters that no header may have",
            "control characters and line breaks are not allowed",
        );
        return None;
    }
    Some(value)
}

fn value_from_file(place: &Place<'_>) -> Option<String> {
    let mut fields = place.fields();
    let path = fields.take("file");
    fields.finish();
    let Some(path) = path else {
        place.error("expected a string or {file: PATH}", "");
        return None;
    };
    let name = path.non_empty_text()?;
    let mut content = String::new();
    let read = File::open(name).and_then(|file| {
        let limited = &mut file.take(VALUE_FILE_BYTES_MAX + 1);
        limited.read_to_string(&mut content)
    });
    if let Err(error) = read {
        path.error(format!("{name:?} cannot be read: {error}"), "");
        return None;
    }
    if content.len() as u64 > VALUE_FILE_BYTES_MAX {
        path.error(format!("{name:?} is longer than 64KiB"), "");
        return None;
    }
    let value = content.trim();
    if value.is_empty() {
        path.error(format!("{name:?} is empty"), "");
        return None;
    }
    Some(value.to_owned())
}
