//! What converters take as arguments: strictly one type, or anything that can be read as it ("like").
//!
//! The strict ones refuse nil; the "like" ones hand it through. That is what decides whether a missing attribute is an
//! error (`HasPrefix`) or merely no match (`IsMatch`).

use std::borrow::Cow;

use super::error::Reason;
use super::json;
use super::value::{List, Map, Value};

fn wrong(expected: &'static str, found: &Value<'_>) -> Reason {
    Reason::WrongType {
        expected,
        found: found.type_name(),
    }
}

pub(super) fn text(value: Value<'_>) -> Result<Cow<'_, [u8]>, Reason> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong("a string", &other)),
    }
}

pub(super) fn int(value: &Value<'_>) -> Result<i64, Reason> {
    match value {
        Value::Int(value) => Ok(*value),
        other => Err(wrong("an int", other)),
    }
}

pub(super) fn float(value: &Value<'_>) -> Result<f64, Reason> {
    match value {
        Value::Float(value) => Ok(*value),
        other => Err(wrong("a double", other)),
    }
}

pub(super) fn bool(value: &Value<'_>) -> Result<bool, Reason> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(wrong("a bool", other)),
    }
}

pub(super) fn time(value: &Value<'_>) -> Result<i64, Reason> {
    match value {
        Value::Time(ns) => Ok(*ns),
        other => Err(wrong("a time", other)),
    }
}

pub(super) fn duration(value: &Value<'_>) -> Result<i64, Reason> {
    match value {
        Value::Duration(ns) => Ok(*ns),
        other => Err(wrong("a duration", other)),
    }
}

pub(super) fn map(value: Value<'_>) -> Result<Map<'_>, Reason> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(wrong("a map", &other)),
    }
}

/// As a list of pdata.
pub(super) fn list(value: Value<'_>) -> Result<List<'_>, Reason> {
    match value {
        Value::List(list) => list.into_attribute(),
        other => Err(wrong("a list", &other)),
    }
}

/// Bytes become hexadecimal digits; lists, maps, times become JSON.
pub(super) fn text_like(value: Value<'_>) -> Result<Option<Cow<'_, [u8]>>, Reason> {
    Ok(match value {
        Value::Nil => None,
        Value::Text(text) => Some(text),
        Value::Bytes(bytes) => Some(Cow::Owned(hex(&bytes).into_bytes())),
        other => Some(Cow::Owned(json::to_json(&other)?.into_bytes())),
    })
}

/// Texts that are no decimal int give nil, not an error.
pub(super) fn int_like(value: &Value<'_>) -> Result<Option<i64>, Reason> {
    match value {
        Value::Nil => Ok(None),
        Value::Int(value) => Ok(Some(*value)),
        Value::Float(value) => Ok(Some(truncated(*value))),
        Value::Bool(value) => Ok(Some(i64::from(*value))),
        Value::Text(text) => Ok(utf8(text).and_then(|text| text.parse().ok())),
        other => Err(wrong("something to read as int", other)),
    }
}

/// As Go does on x86-64: what does not fit becomes the smallest int.
fn truncated(value: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// Texts that are no number are an error.
pub(super) fn float_like(value: &Value<'_>) -> Result<Option<f64>, Reason> {
    match value {
        Value::Nil => Ok(None),
        Value::Float(value) => Ok(Some(*value)),
        Value::Int(value) => Ok(Some(*value as f64)),
        Value::Bool(value) => Ok(Some(f64::from(u8::from(*value)))),
        Value::Text(text) => {
            let number = utf8(text).and_then(parse_float);
            number.map(Some).ok_or(Reason::Malformed("number"))
        }
        other => Err(wrong("something to read as double", other)),
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    // A number too large for a double is an error; infinity written out is none.
    (!number.is_infinite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(number)
}

/// Texts that are no bool are an error.
pub(super) fn bool_like(value: &Value<'_>) -> Result<Option<bool>, Reason> {
    match value {
        Value::Nil => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        Value::Int(value) => Ok(Some(*value != 0)),
        Value::Float(value) => Ok(Some(*value != 0.0)),
        Value::Text(text) => match text.as_ref() {
            b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(Some(true)),
            b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(Some(false)),
            _ => Err(Reason::Malformed("bool")),
        },
        other => Err(wrong("something to read as bool", other)),
    }
}

/// Numbers become their bytes, the highest first; nil none.
pub(super) fn bytes_like(value: Value<'_>) -> Result<Cow<'_, [u8]>, Reason> {
    Ok(match value {
        Value::Nil => Cow::Borrowed(&[]),
        Value::Text(bytes) | Value::Bytes(bytes) => bytes,
        Value::Int(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Float(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Bool(value) => Cow::Owned(vec![u8::from(value)]),
        other => return Err(wrong("something to read as bytes", &other)),
    })
}

pub(super) fn utf8(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}
