//! Messages copied field by field. What cannot be read is copied as it is; the walk has accepted all of it before.

use crate::otlp::wire::reader::{DEPTH_MAX, LEN, Reader};
use crate::otlp::wire::value::fields_of;

/// Copies the fields of `message`, but for the length-delimited ones that `is_left_out` by their number and content.
pub(super) fn copy_fields_but(
    message: &[u8],
    out: &mut Vec<u8>,
    is_left_out: impl Fn(u32, &[u8]) -> bool,
) {
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        let begin = reader.offset();
        let is_left_out = next_field(&mut reader)
            .map(|(number, content)| content.is_some_and(|content| is_left_out(number, content)));
        let end = is_left_out.map_or(message.len(), |_| reader.offset());
        if is_left_out != Some(true) {
            out.extend_from_slice(message.get(begin..end).unwrap_or_default());
        }
        if is_left_out.is_none() {
            return;
        }
    }
}

/// The contents of all fields of `number`, one after the other: of a message, its parts merged.
pub(super) fn contents_of(message: &[u8], number: u32) -> Vec<u8> {
    fields_of(message, number).flatten().copied().collect()
}

/// The key of a `KeyValue`.
pub(super) fn key_of(key_value: &[u8]) -> &[u8] {
    const KEY: u32 = 1;
    fields_of(key_value, KEY).last().unwrap_or_default()
}

/// Passes over a field; its number, and its content if it is length-delimited.
fn next_field<'a>(reader: &mut Reader<'a>) -> Option<(u32, Option<&'a [u8]>)> {
    let tag = reader.tag().ok()?;
    if tag.wire_type == LEN {
        return Some((tag.number, Some(reader.bytes().ok()?)));
    }
    reader.skip(tag, DEPTH_MAX).ok()?;
    Some((tag.number, None))
}
