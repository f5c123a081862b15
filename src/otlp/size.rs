//! How large the collector takes spans to be: what its protobuf encoder would write for them, not what was received.
//!
//! Fields that it does not know are left out and so are defaults, except that a `Resource`, an `InstrumentationScope`, a
//! `Status`, an attribute's value and a `parent_span_id` are always written, empty ones in two bytes. Source: recorded
//! from v0.156. For bytes that the walk has accepted.

use super::wire::reader::{DEPTH_MAX, FIXED32, FIXED64, LEN, Reader, VARINT};
use super::wire::value::fields_of;

/// What a field is, and when it is written.
#[derive(Clone, Copy)]
enum Field {
    /// A varint, unless 0.
    Varint,
    /// A varint of 32 bits with sign, unless 0.
    Enumeration,
    /// Eight bytes, unless 0.
    Fixed64,
    /// Four bytes, unless 0.
    Fixed32,
    /// Text or bytes, unless empty.
    Text,
    /// Text or bytes, each one, empty or not.
    Repeated,
    /// One message, always written.
    One(&'static Message),
    /// Messages, each one.
    Many(&'static Message),
    /// A value of a `oneof`: written even if it is the default.
    Chosen(&'static Field),
    /// An identifier, always written.
    Identifier,
}

/// Fields by number.
struct Message(&'static [(u32, Field)]);

use Field::{Chosen, Enumeration, Fixed32, Fixed64, Identifier, Many, One, Repeated, Text, Varint};

static ANY_VALUE: Message = Message(&[
    (1, Chosen(&Text)),
    (2, Chosen(&Varint)),
    (3, Chosen(&Varint)),
    (4, Chosen(&Fixed64)),
    (5, Chosen(&Many(&ARRAY_VALUE))),
    (6, Chosen(&Many(&KEY_VALUE_LIST))),
    (7, Chosen(&Text)),
]);
static ARRAY_VALUE: Message = Message(&[(1, Many(&ANY_VALUE))]);
static KEY_VALUE_LIST: Message = Message(&[(1, Many(&KEY_VALUE))]);
static KEY_VALUE: Message = Message(&[(1, Text), (2, One(&ANY_VALUE))]);
static ENTITY_REF: Message = Message(&[(1, Text), (2, Text), (3, Repeated), (4, Repeated)]);
static RESOURCE: Message = Message(&[(1, Many(&KEY_VALUE)), (2, Varint), (3, Many(&ENTITY_REF))]);
static SCOPE: Message = Message(&[(1, Text), (2, Text), (3, Many(&KEY_VALUE)), (4, Varint)]);
static EVENT: Message = Message(&[(1, Fixed64), (2, Text), (3, Many(&KEY_VALUE)), (4, Varint)]);
static LINK: Message = Message(&[
    (1, Identifier),
    (2, Identifier),
    (3, Text),
    (4, Many(&KEY_VALUE)),
    (5, Varint),
    (6, Fixed32),
]);
static STATUS: Message = Message(&[(2, Text), (3, Enumeration)]);
static SPAN: Message = Message(&[
    (1, Identifier),
    (2, Identifier),
    (3, Text),
    (4, Identifier),
    (5, Text),
    (6, Enumeration),
    (7, Fixed64),
    (8, Fixed64),
    (9, Many(&KEY_VALUE)),
    (10, Varint),
    (11, Many(&EVENT)),
    (12, Varint),
    (13, Many(&LINK)),
    (14, Varint),
    (15, One(&STATUS)),
    (16, Fixed32),
]);
/// `ResourceSpans` without its `scope_spans`.
static RESOURCE_ENVELOPE: Message = Message(&[(1, One(&RESOURCE)), (3, Text)]);
/// `ScopeSpans` without its `spans`.
static SCOPE_ENVELOPE: Message = Message(&[(1, One(&SCOPE)), (3, Text)]);

/// Size of a span within its `ScopeSpans`, tag and length included.
#[must_use]
pub fn framed_span_bytes(span: &[u8]) -> u64 {
    framed(size_of_message(span, &SPAN))
}

/// Size of the fields of a `ScopeSpans` other than its spans.
#[must_use]
pub fn scope_bytes(envelope: &[u8]) -> u64 {
    size_of_message(envelope, &SCOPE_ENVELOPE)
}

/// Size of the fields of a `ResourceSpans` other than its scopes' spans.
#[must_use]
pub fn resource_bytes(envelope: &[u8]) -> u64 {
    size_of_message(envelope, &RESOURCE_ENVELOPE)
}

/// Size of a message of `body_bytes` with a tag of one byte and its length.
#[must_use]
pub fn framed(body_bytes: u64) -> u64 {
    1 + varint_bytes(body_bytes) + body_bytes
}

fn size_of_message(encoded: &[u8], message: &Message) -> u64 {
    let mut bytes = always_written(encoded, message);
    let mut reader = Reader::new(encoded);
    while !reader.is_at_end() {
        let Ok(tag) = reader.tag() else { break };
        let field = message.0.iter().find(|(number, _)| *number == tag.number);
        let size = match field {
            Some((number, field)) => field.size(&mut reader, tag.wire_type, *number),
            None => reader.skip(tag, DEPTH_MAX).ok().map(|()| 0),
        };
        let Some(size) = size else { break };
        bytes += size;
    }
    bytes
}

/// Two bytes for each field that is written always and is not there.
fn always_written(encoded: &[u8], message: &Message) -> u64 {
    let always = message
        .0
        .iter()
        .filter(|(_, field)| matches!(field, One(_) | Identifier));
    let missing = always.filter(|(number, _)| fields_of(encoded, *number).next().is_none());
    2 * missing.count() as u64
}

impl Field {
    /// What is written for the field that `reader` is at; `None` where it cannot be read.
    fn size(self, reader: &mut Reader<'_>, wire_type: u8, number: u32) -> Option<u64> {
        let tag = varint_bytes(u64::from(number) << 3);
        let length_delimited = |reader: &mut Reader<'_>| {
            (wire_type == LEN)
                .then(|| reader.bytes().ok())
                .flatten()
                .map(<[u8]>::len)
        };
        let with_length = |length: usize| tag + varint_bytes(length as u64) + length as u64;
        let unless_zero = |value: u64, size: u64| if value == 0 { 0 } else { tag + size };
        match self {
            Varint | Enumeration if wire_type == VARINT => {
                let value = reader.varint().ok()?;
                Some(unless_zero(value, varint_bytes(value)))
            }
            Fixed64 if wire_type == FIXED64 => Some(unless_zero(reader.fixed64().ok()?, 8)),
            Fixed32 if wire_type == FIXED32 => {
                Some(unless_zero(u64::from(reader.fixed32().ok()?), 4))
            }
            Text => {
                let length = length_delimited(reader)?;
                Some(if length == 0 { 0 } else { with_length(length) })
            }
            Repeated | Identifier => length_delimited(reader).map(with_length),
            One(message) | Many(message) if wire_type == LEN => {
                let body = size_of_message(reader.bytes().ok()?, message);
                Some(tag + varint_bytes(body) + body)
            }
            Chosen(field) => {
                let size = field.size(reader, wire_type, number)?;
                let empty = match field {
                    Fixed64 => 8,
                    _ => 1,
                };
                Some(if size == 0 { tag + empty } else { size })
            }
            _ => None,
        }
    }
}

fn varint_bytes(value: u64) -> u64 {
    u64::from((70 - (value | 1).leading_zeros()) / 7)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::trace::v1::{Span, Status};
    use prost::Message as _;

    use super::*;

    fn span() -> Span {
        Span {
            trace_id: vec![7; 16],
            span_id: vec![1; 8],
            parent_span_id: vec![2; 8],
            name: "GET /".to_owned(),
            kind: 2,
            start_time_unix_nano: 5,
            end_time_unix_nano: 9,
            status: Some(Status {
                code: 2,
                message: "no".to_owned(),
            }),
            attributes: vec![KeyValue {
                key: "key".to_owned(),
                value: Some(AnyValue {
                    value: Some(Value::IntValue(-3)),
                }),
                ..KeyValue::default()
            }],
            ..Span::default()
        }
    }

    #[test]
    fn a_span_with_all_that_is_always_written_is_as_large_as_prost_has_it() {
        let encoded = span().encode_to_vec();
        assert_eq!(framed_span_bytes(&encoded), framed(encoded.len() as u64));
    }

    #[test]
    fn what_is_missing_and_always_written_takes_two_bytes() {
        let mut span = span();
        let full = framed_span_bytes(&span.encode_to_vec());
        span.parent_span_id.clear();
        assert_eq!(framed_span_bytes(&span.encode_to_vec()), full - 8);
        span.status = None;
        assert_eq!(framed_span_bytes(&span.encode_to_vec()), full - 8 - 6);
        span.attributes[0].value = None;
        assert_eq!(framed_span_bytes(&span.encode_to_vec()), full - 8 - 6 - 11);
        assert_eq!((resource_bytes(&[]), scope_bytes(&[])), (2, 2));
    }

    #[test]
    fn default_values_of_attributes_are_written_and_unknown_fields_are_not() {
        let value = AnyValue {
            value: Some(Value::BoolValue(false)),
        };
        let encoded = KeyValue {
            key: "k".to_owned(),
            value: Some(value),
            ..KeyValue::default()
        }
        .encode_to_vec();
        assert_eq!(size_of_message(&encoded, &KEY_VALUE), encoded.len() as u64);
        let with_unknown = [encoded.as_slice(), &[0xf8, 0x01, 0x05]].concat();
        assert_eq!(
            size_of_message(&with_unknown, &KEY_VALUE),
            encoded.len() as u64
        );
    }
}
