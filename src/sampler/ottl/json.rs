//! Values as JSON text, as OTTL makes texts of maps, lists and numbers: keys sorted, no blanks, HTML escaped.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::Reason;
use super::time_text;
use super::value::{List, Map, Value};

/// `value` as JSON.
///
/// # Errors
/// [`Reason`] for numbers that JSON does not have.
pub(super) fn to_json(value: &Value<'_>) -> Result<String, Reason> {
    let mut json = String::new();
    write(&mut json, value)?;
    Ok(json)
}

/// A number as JSON has it; `None` for those that it has not.
pub(in crate::sampler) fn number_text(value: f64) -> Option<String> {
    let mut json = String::new();
    write_float(&mut json, value).ok().map(|()| json)
}

fn write(json: &mut String, value: &Value<'_>) -> Result<(), Reason> {
    match value {
        Value::Nil => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Duration(value) => drop(write!(json, "{value}")),
        Value::Float(value) => write_float(json, *value)?,
        Value::Text(text) => write_text(json, &String::from_utf8_lossy(text)),
        Value::Bytes(bytes) => drop(write!(json, "\"{}\"", STANDARD.encode(bytes))),
        Value::Time(ns) => drop(write!(json, "\"{}\"", time_text::rfc3339(*ns))),
        Value::TraceId(id) => write_bytes(json, id),
        Value::SpanId(id) => write_bytes(json, id),
        Value::List(list) => write_list(json, list)?,
        Value::Map(map) => write_map(json, map)?,
        Value::Opaque(..) => json.push_str("{}"),
    }
    Ok(())
}

/// As ECMAScript writes numbers, but for exponents, which have a sign and two digits at least.
fn write_float(json: &mut String, value: f64) -> Result<(), Reason> {
    if !value.is_finite() {
        return Err(Reason::Malformed("JSON: it has neither NaN nor infinity"));
    }
    let magnitude = value.abs();
    let scientific = format!("{value:e}");
    let _ = match scientific.split_once('e') {
        Some((digits, exponent)) if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            write!(json, "{digits}e{sign}{exponent:0>2}")
        }
        _ => write!(json, "{value}"),
    };
    Ok(())
}

fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

/// Identifiers are arrays of numbers in OTTL's JSON.
fn write_bytes(json: &mut String, id: &[u8]) {
    let numbers: Vec<String> = id.iter().map(u8::to_string).collect();
    let _ = write!(json, "[{}]", numbers.join(","));
}

fn write_list(json: &mut String, list: &List<'_>) -> Result<(), Reason> {
    json.push('[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(json, &item)?;
    }
    json.push(']');
    Ok(())
}

fn write_map(json: &mut String, map: &Map<'_>) -> Result<(), Reason> {
    // Of a key that stands twice the last value counts here, as in the collector.
    let entries: BTreeMap<_, _> = map.iter().collect();
    json.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_text(json, &String::from_utf8_lossy(key));
        json.push(':');
        write(json, value)?;
    }
    json.push('}');
    Ok(())
}
