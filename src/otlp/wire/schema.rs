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

/// Checks an attribute; the plainest ones by their looks.
#[inline]
pub(crate) fn check_key_value(parent: &mut Reader<'_>, depth_left: u32) -> WireResult<()> {
    if depth_left > 2 && parent.skip_content_if(is_plain_attribute) {
        return Ok(());
    }
    check_field(parent, &KEY_VALUE, depth_left).map(drop)
}

/// Whether a `KeyValue` is a short key, then a short string, boolean, double or small integer, all of it ASCII.
///
/// Most attributes are. Keys and lengths below 128 are ASCII as well, so one look at all bytes together tells that
/// both strings are UTF-8; anything else is left to [`check`].
#[inline]
fn is_plain_attribute(content: &[u8]) -> bool {
    const KEY: u8 = 1 << 3 | LEN;
    const VALUE: u8 = 2 << 3 | LEN;
    const STRING: u8 = 1 << 3 | LEN;
    const BOOL: u8 = 2 << 3 | VARINT;
    const INT: u8 = 3 << 3 | VARINT;
    const DOUBLE: u8 = 4 << 3 | FIXED64;
    let [KEY, key_length, rest @ ..] = content else {
        return false;
    };
    let Some((key, [VALUE, value_length, value @ ..])) =
        rest.split_at_checked(usize::from(*key_length))
    else {
        return false;
    };
    if usize::from(*value_length) != value.len() {
        return false;
    }
    match value {
        [STRING, length, text @ ..] => usize::from(*length) == text.len() && content.is_ascii(),
        [BOOL | INT, number] => *number < 0x80 && *key_length < 0x80 && key.is_ascii(),
        [INT, low, high] => *low >= 0x80 && *high < 0x80 && *key_length < 0x80 && key.is_ascii(),
        [DOUBLE, _, _, _, _, _, _, _, _] => *key_length < 0x80 && key.is_ascii(),
        _ => false,
    }
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
            Message(schema) if std::ptr::eq(schema, &KEY_VALUE) => {
                check_key_value(reader, depth_left).map(|()| true)
            }
            Message(schema) => check_field(reader, schema, depth_left),
        }
    }
}
