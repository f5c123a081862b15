//! Attributes as plugins see them: values as text or as numbers.

use std::borrow::Cow;

use crate::otlp::wire::value::{AnyValue, RawValue, key_value, resource_attributes};
use crate::sampler::ottl::number_text;

pub(super) const SERVICE_NAME: &[u8] = b"service.name";

/// The first of some encoded `KeyValue`s with this key.
pub(super) fn find<'a>(attributes: &[&'a [u8]], key: &[u8]) -> Option<RawValue<'a>> {
    let mut pairs = attributes.iter().filter_map(|encoded| key_value(encoded));
    pairs.find_map(|(found, value)| (found == key).then_some(value))
}

/// The first attribute of a resource with this key; `envelope` is the fields of its `ResourceSpans`.
pub(super) fn find_in_resource<'a>(envelope: &'a [u8], key: &[u8]) -> Option<RawValue<'a>> {
    let mut pairs = resource_attributes(envelope);
    pairs.find_map(|(found, value)| (found == key).then_some(value))
}

/// `service.name` of a resource.
pub(super) fn service(envelope: &[u8]) -> Option<&[u8]> {
    match find_in_resource(envelope, SERVICE_NAME)?.read() {
        AnyValue::Text(text) => Some(text),
        _ => None,
    }
}

/// A value's text: that of a string is itself, numbers and booleans are written as JSON writes them.
pub(super) fn text(value: RawValue<'_>) -> Option<Cow<'_, [u8]>> {
    let written = match value.read() {
        AnyValue::Text(text) => return Some(Cow::Borrowed(text)),
        AnyValue::Bool(value) => value.to_string(),
        AnyValue::Int(value) => value.to_string(),
        AnyValue::Double(value) => number_text(value)?,
        AnyValue::Empty | AnyValue::Array(_) | AnyValue::Map(_) | AnyValue::Bytes(_) => {
            return None;
        }
    };
    Some(Cow::Owned(written.into_bytes()))
}

/// The number that a value is.
pub(super) fn number(value: RawValue<'_>) -> Option<f64> {
    match value.read() {
        AnyValue::Int(value) => Some(value as f64),
        AnyValue::Double(value) if !value.is_nan() => Some(value),
        _ => None,
    }
}
