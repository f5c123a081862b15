//! Attribute values read in place: an `AnyValue`'s bytes and what they say, without copying.
//!
//! For bytes that the walk has accepted. What cannot be read all the same counts as absent. Fields of a message that
//! repeat are read as protobuf says: the last value counts. Text is given as bytes: the walk has checked that it is
//! UTF-8. Source: opentelemetry-proto, `common.proto`.

use super::reader::{DEPTH_MAX, FIXED64, LEN, Reader, VARINT};

/// The encoding of an `AnyValue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawValue<'a>(pub(crate) &'a [u8]);

/// What an `AnyValue` says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnyValue<'a> {
    /// No value is set.
    Empty,
    Text(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// The encoding of an `ArrayValue`: [`items`] reads it.
    Array(&'a [u8]),
    /// The encoding of a `KeyValueList`: [`key_values`] reads it with field 1.
    Map(&'a [u8]),
    Bytes(&'a [u8]),
}

/// Field number of attributes in a `Span`.
pub(crate) const SPAN_ATTRIBUTES: u32 = 9;
/// Field number of attributes in a `Resource`.
pub(crate) const RESOURCE_ATTRIBUTES: u32 = 1;
/// Field number of attributes in an `InstrumentationScope`.
pub(crate) const SCOPE_ATTRIBUTES: u32 = 3;
/// Field number of attributes in a `Span.Event`.
pub(crate) const EVENT_ATTRIBUTES: u32 = 3;
/// Field number of the entries of a `KeyValueList`.
pub(crate) const MAP_ENTRIES: u32 = 1;

impl<'a> RawValue<'a> {
    /// Reads it.
    #[inline]
    pub(crate) fn read(self) -> AnyValue<'a> {
        const TEXT: u8 = 1 << 3 | LEN;
        const BOOL: u8 = 2 << 3 | VARINT;
        const INT: u8 = 3 << 3 | VARINT;
        // Nearly all look like one of these.
        match self.0 {
            [TEXT, length, text @ ..] if *length < 0x80 && usize::from(*length) == text.len() => {
                return AnyValue::Text(text);
            }
            [INT, value] if *value < 0x80 => return AnyValue::Int(i64::from(*value)),
            [INT, low, high] if *low >= 0x80 && *high < 0x80 => {
                return AnyValue::Int(i64::from(*low & 0x7f) | i64::from(*high) << 7);
            }
            [BOOL, value] if *value < 0x80 => return AnyValue::Bool(*value != 0),
            _ => {}
        }
        self.try_read().unwrap_or(AnyValue::Empty)
    }

    fn try_read(self) -> Option<AnyValue<'a>> {
        let mut reader = Reader::new(self.0);
        let mut value = AnyValue::Empty;
        while !reader.is_at_end() {
            let tag = reader.tag().ok()?;
            value = match (tag.number, tag.wire_type) {
                (1, LEN) => AnyValue::Text(reader.bytes().ok()?),
                (2, VARINT) => AnyValue::Bool(reader.varint().ok()? != 0),
                (3, VARINT) => AnyValue::Int(reader.varint().ok()? as i64),
                (4, FIXED64) => AnyValue::Double(f64::from_bits(reader.fixed64().ok()?)),
                (5, LEN) => AnyValue::Array(reader.bytes().ok()?),
                (6, LEN) => AnyValue::Map(reader.bytes().ok()?),
                (7, LEN) => AnyValue::Bytes(reader.bytes().ok()?),
                _ => {
                    reader.skip(tag, DEPTH_MAX).ok()?;
                    value
                }
            };
        }
        Some(value)
    }
}

/// Contents of all length-delimited fields of number `number` in `message`, in order.
pub(crate) fn fields_of(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader::new(message);
    std::iter::from_fn(move || {
        while !reader.is_at_end() {
            let tag = reader.tag().ok()?;
            if tag.number == number && tag.wire_type == LEN {
                return reader.bytes().ok();
            }
            reader.skip(tag, DEPTH_MAX).ok()?;
        }
        None
    })
}

/// The last varint in field `number` of `message`.
pub(crate) fn last_varint(message: &[u8], number: u32) -> Option<u64> {
    let mut reader = Reader::new(message);
    let mut last = None;
    while !reader.is_at_end() {
        let tag = reader.tag().ok()?;
        if tag.number == number && tag.wire_type == VARINT {
            last = Some(reader.varint().ok()?);
        } else {
            reader.skip(tag, DEPTH_MAX).ok()?;
        }
    }
    last
}

/// The `KeyValue`s of `message` in its field `number`, keys as bytes.
pub(crate) fn key_values(
    message: &[u8],
    number: u32,
) -> impl Iterator<Item = (&[u8], RawValue<'_>)> {
    fields_of(message, number).filter_map(key_value)
}

/// The values of an `ArrayValue`.
pub(crate) fn items(array: &[u8]) -> impl Iterator<Item = RawValue<'_>> {
    fields_of(array, 1).map(RawValue)
}

/// Attributes of the resource whose `ResourceSpans` fields are `envelope`.
pub(crate) fn resource_attributes(envelope: &[u8]) -> impl Iterator<Item = (&[u8], RawValue<'_>)> {
    fields_of(envelope, 1).flat_map(|resource| key_values(resource, RESOURCE_ATTRIBUTES))
}

/// Attributes of the scope whose `ScopeSpans` fields are `envelope`.
pub(crate) fn scope_attributes(envelope: &[u8]) -> impl Iterator<Item = (&[u8], RawValue<'_>)> {
    fields_of(envelope, 1).flat_map(|scope| key_values(scope, SCOPE_ATTRIBUTES))
}

/// The key of an encoded `KeyValue` that begins with a short one, as nearly all do.
#[inline]
pub(crate) fn leading_key(encoded: &[u8]) -> Option<&[u8]> {
    const KEY: u8 = 1 << 3 | LEN;
    match encoded {
        [KEY, length, rest @ ..] if *length < 0x80 => rest.get(..usize::from(*length)),
        _ => None,
    }
}

/// Key and value of an encoded `KeyValue`; a missing value is an empty one.
#[inline]
pub(crate) fn key_value(encoded: &[u8]) -> Option<(&[u8], RawValue<'_>)> {
    const KEY: u8 = 1 << 3 | LEN;
    const VALUE: u8 = 2 << 3 | LEN;
    // Nearly all look like this: a short key, then a short value, and nothing else.
    if let [KEY, length, rest @ ..] = encoded
        && *length < 0x80
        && let Some((key, [VALUE, length, value @ ..])) =
            rest.split_at_checked(usize::from(*length))
        && *length < 0x80
        && usize::from(*length) == value.len()
    {
        return Some((key, RawValue(value)));
    }
    let mut reader = Reader::new(encoded);
    let (mut key, mut value) = ([].as_slice(), RawValue(&[]));
    while !reader.is_at_end() {
        let tag = reader.tag().ok()?;
        match (tag.number, tag.wire_type) {
            (1, LEN) => key = reader.bytes().ok()?,
            (2, LEN) => value = RawValue(reader.bytes().ok()?),
            _ => reader.skip(tag, DEPTH_MAX).ok()?,
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{
        AnyValue as ProstValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
    };
    use opentelemetry_proto::tonic::trace::v1::Span;
    use prost::Message;

    use super::*;

    fn prost_value(value: Value) -> ProstValue {
        ProstValue { value: Some(value) }
    }

    fn described(value: RawValue<'_>) -> String {
        match value.read() {
            AnyValue::Empty => "empty".to_owned(),
            AnyValue::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            AnyValue::Bool(value) => value.to_string(),
            AnyValue::Int(value) => value.to_string(),
            AnyValue::Double(value) => value.to_string(),
            AnyValue::Bytes(bytes) => format!("{bytes:?}"),
            AnyValue::Array(array) => {
                let parts: Vec<String> = items(array).map(described).collect();
                format!("[{}]", parts.join(","))
            }
            AnyValue::Map(map) => {
                let parts = key_values(map, MAP_ENTRIES)
                    .map(|(key, value)| format!("{}:{}", key.escape_ascii(), described(value)));
                format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn every_kind_of_value_is_read_in_place() {
        let nested = Value::KvlistValue(KeyValueList {
            values: vec![KeyValue {
                key: "inner".to_owned(),
                value: Some(prost_value(Value::ArrayValue(ArrayValue {
                    values: vec![
                        prost_value(Value::IntValue(-7)),
                        prost_value(Value::BoolValue(true)),
                        ProstValue::default(),
                    ],
                }))),
                ..KeyValue::default()
            }],
        });
        let values = [
            ("s", Value::StringValue("x".repeat(300))),
            ("d", Value::DoubleValue(1.5)),
            ("b", Value::BytesValue(vec![1, 2])),
            ("n", nested),
        ];
        let span = Span {
            attributes: values
                .into_iter()
                .map(|(key, value)| KeyValue {
                    key: key.to_owned(),
                    value: Some(prost_value(value)),
                    ..KeyValue::default()
                })
                .collect(),
            ..Span::default()
        };
        let encoded = span.encode_to_vec();
        let read: Vec<String> = key_values(&encoded, SPAN_ATTRIBUTES)
            .map(|(key, value)| format!("{}={}", key.escape_ascii(), described(value)))
            .collect();
        let long = "x".repeat(300);
        assert_eq!(
            read,
            [
                &format!("s={long}"),
                "d=1.5",
                "b=[1, 2]",
                "n={inner:[-7,true,empty]}"
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        assert!(matches!(RawValue(&[0x0a, 0x05]).read(), AnyValue::Empty));
        assert_eq!(key_values(&[0x4a, 0x7f], SPAN_ATTRIBUTES).count(), 0);
    }
}
