//! `ParseJSON`: a text as a map or list. All numbers become doubles.
//!
//! What is read takes up to some 50 times the memory of its text, which whoever sends spans wrote: of more than
//! [`JSON_BYTES_MAX`] nothing is read, an error where the collector has none.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::super::error::Reason;
use super::super::evaluate::Outcome;
use super::super::value::{List, Map, Origin, Value};
use super::ParameterKind::Text;
use super::{Function, Invocation, function, required};

/// Longest text that is read.
pub(in super::super) const JSON_BYTES_MAX: usize = 256 << 10;

pub(super) const FUNCTIONS: &[Function] = &[function(
    "ParseJSON",
    &[required("target", Text)],
    parse_json,
)];

fn parse_json(call: Invocation<'_>) -> Outcome<'_> {
    let text = call.text(0)?;
    if text.len() > JSON_BYTES_MAX {
        return Err(Reason::TooLong(JSON_BYTES_MAX).into());
    }
    let json: Json = serde_json::from_slice(&text).map_err(|_| Reason::Malformed("JSON"))?;
    match json {
        Json::Array(_) | Json::Object(_) => Ok(value_of(json)),
        _ => Err(Reason::Malformed("JSON object or array").into()),
    }
}

/// Recursion is bounded by the nesting that serde_json reads, 128.
fn value_of(json: Json) -> Value<'static> {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::Text(Cow::Owned(text.into_bytes())),
        Json::Array(items) => {
            let items = items.into_iter().map(value_of).collect();
            Value::List(List::new(Origin::Attribute, items))
        }
        Json::Object(entries) => {
            let entries = entries.into_iter();
            let entries =
                entries.map(|(key, value)| (Cow::Owned(key.into_bytes()), value_of(value)));
            Value::Map(Map::Entries(entries.collect()))
        }
    }
}
