//! The messages within a request that the walk checks but does not look into, as tables.
//!
//! Every field that protobuf would refuse is refused here, at the door: a bad string in one client's attribute would
//! otherwise make the backend refuse a batch with everybody's spans. Source: opentelemetry-proto 1.9, trace service.

use super::reader::{FIXED32, FIXED64, LEN, Reader, VARINT, WireResult};

/// How a known field is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Encoding {
    Varint,
    Fixed64,
    Fixed32,
    Bytes,
    Text,
    /// Bytes that are empty or an identifier of this length.
    Identifier(usize),
    Message(&'static Schema),
}

/// A message's known fields: name and encoding at the index of the field's number.
#[derive(Debug)]
pub(crate) struct Schema(&'static [Option<(&'static str, Encoding)>]);

use Encoding::{Bytes, Fixed32, Fixed64, Identifier, Message, Text, Varint};

static ANY_VALUE: Schema = Schema(&[
    None,
    Some(("string_value", Text)),
    Some(("bool_value", Varint)),
    Some(("int_value", Varint)),
    Some(("double_value", Fixed64)),
    Some(("array_value", Message(&ARRAY_VALUE))),
    Some(("kvlist_value", Message(&KEY_VALUE_LIST))),
    Some(("bytes_value", Bytes)),
    Some(("string_value_strindex", Varint)),
]);

static ARRAY_VALUE: Schema = Schema(&[None, Some(("values", Message(&ANY_VALUE)))]);

static KEY_VALUE_LIST: Schema = Schema(&[None, Some(("values", Message(&KEY_VALUE)))]);

pub(crate) static KEY_VALUE: Schema = Schema(&[
    None,
    Some(("key", Text)),
    Some(("value", Message(&ANY_VALUE))),
    Some(("key_strindex", Varint)),
]);

static ENTITY_REF: Schema = Schema(&[
    None,
    Some(("schema_url", Text)),
    Some(("type", Text)),
    Some(("id_keys", Text)),
    Some(("description_keys", Text)),
]);

pub(crate) static RESOURCE: Schema = Schema(&[
    None,
    Some(("attributes", Message(&KEY_VALUE))),
    Some(("dropped_attributes_count", Varint)),
    Some(("entity_refs", Message(&ENTITY_REF))),
]);

pub(crate) static SCOPE: Schema = Schema(&[
    None,
    Some(("name", Text)),
    Some(("version", Text)),
    Some(("attributes", Message(&KEY_VALUE))),
    Some(("dropped_attributes_count", Varint)),
]);

pub(crate) static EVENT: Schema = Schema(&[
    None,
    Some(("time_unix_nano", Fixed64)),
    Some(("name", Text)),
    Some(("attributes", Message(&KEY_VALUE))),
    Some(("dropped_attributes_count", Varint)),
]);

pub(crate) static LINK: Schema = Schema(&[
    None,
    Some(("trace_id", Identifier(16))),
    Some(("span_id", Identifier(8))),
    Some(("trace_state", Text)),
    Some(("attributes", Message(&KEY_VALUE))),
    Some(("dropped_attributes_count", Varint)),
    Some(("flags", Fixed32)),
]);

/// Checks a whole message; returns whether all identifiers within have the right length.
///
/// `depth_left` is what is left of the nesting limit inside this message.
pub(crate) fn check(
    message: &mut Reader<'_>,
    schema: &Schema,
    depth_left: u32,
) -> WireResult<bool> {
    let mut identifiers_ok = true;
    while !message.is_at_end() {
        let tag = message.tag()?;
        let Some(Some((name, encoding))) = schema.0.get(tag.number as usize) else {
            message.skip(tag, depth_left)?;
            continue;
        };
        let expected = encoding.wire_type();
        let checked = message
            .expect(tag, expected)
            .and_then(|()| encoding.check(message, depth_left));
        identifiers_ok &= checked.map_err(|error| error.within(name))?;
    }
    Ok(identifiers_ok)
}

/// Checks a length-delimited field as a message of its own.
pub(crate) fn check_field(
    parent: &mut Reader<'_>,
    schema: &Schema,
    depth_left: u32,
) -> WireResult<bool> {
    parent.check_depth(depth_left)?;
    check(&mut parent.message()?, schema, depth_left - 1)
}

impl Encoding {
    fn wire_type(self) -> u8 {
        match self {
            Varint => VARINT,
            Fixed64 => FIXED64,
            Fixed32 => FIXED32,
            Bytes | Text | Identifier(_) | Message(_) => LEN,
        }
    }

    #[inline]
    fn check(self, reader: &mut Reader<'_>, depth_left: u32) -> WireResult<bool> {
        match self {
            Varint => reader.varint().map(|_| true),
            Fixed64 => reader.fixed64().map(|_| true),
            Fixed32 => reader.fixed32().map(|_| true),
            Bytes => reader.bytes().map(|_| true),
            Text => reader.text().map(|_| true),
            Identifier(length) => reader.bytes().map(|id| id.is_empty() || id.len() == length),
            Message(schema) => check_field(reader, schema, depth_left),
        }
    }
}
