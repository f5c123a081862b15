//! The cold path behind a walk that failed: the request anew, without the attributes that no protobuf decoder takes.
//!
//! An attribute is left out when what it says cannot be read (a wrong wire type, bytes that end too early, text that is
//! not UTF-8, nesting beyond the limit) while its frame can: its own length says where the next field begins. All other
//! bytes stay as they are, but for the lengths of the messages that became shorter. Attributes are those of resources,
//! scopes, spans, events and links; a malformed entry within an attribute's value takes the whole attribute with it,
//! since half a value is another value.
//!
//! Limits: the new body is never longer than the old one and is written into one allocation of that size; recursion is
//! as deep as a request's layout down to its attributes, five messages; a byte is read and copied once, and moved at most
//! once per message around it.

#[cfg(any(test, fuzzing))]
pub mod laws;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use prost::encoding::encode_varint;

use super::reader::{DEPTH_MAX, LEN, Reader, Tag, WireResult};
use super::schema::check_key_value;
use super::value::{EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES, SPAN_ATTRIBUTES};

/// A request without its malformed attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The encoded request. It holds an allocation as long as the body it was made from.
    pub body: Bytes,
    /// How many attributes were left out: at least one.
    pub dropped: u64,
}

/// Which fields of a message lead to attributes, by number.
struct Layout(&'static [(u32, Part)]);

#[derive(Clone, Copy)]
enum Part {
    Attribute,
    Message(&'static Layout),
}

struct Repair<'a> {
    body: &'a [u8],
    written: Vec<u8>,
    dropped: u64,
}

use Part::{Attribute, Message};

static REQUEST: Layout = Layout(&[(1, Message(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Layout = Layout(&[(1, Message(&RESOURCE)), (2, Message(&SCOPE_SPANS))]);
static RESOURCE: Layout = Layout(&[(RESOURCE_ATTRIBUTES, Attribute)]);
static SCOPE_SPANS: Layout = Layout(&[(1, Message(&SCOPE)), (2, Message(&SPAN))]);
static SCOPE: Layout = Layout(&[(SCOPE_ATTRIBUTES, Attribute)]);
static SPAN: Layout = Layout(&[
    (SPAN_ATTRIBUTES, Attribute),
    (11, Message(&EVENT)),
    (13, Message(&LINK)),
]);
static EVENT: Layout = Layout(&[(EVENT_ATTRIBUTES, Attribute)]);
static LINK: Layout = Layout(&[(4, Attribute)]);

/// Writes the encoded request `body` anew without its malformed attributes, in as much memory as `body` takes.
///
/// `None` when it has none, or when something else is broken that hides where fields begin. What is broken otherwise is
/// copied: only a walk of the new body tells whether it is a request now. If it is, the first attribute that was left
/// out is the one that the walk of `body` failed at.
#[cold]
#[must_use]
pub fn without_malformed_attributes(body: &[u8]) -> Option<Repaired> {
    let mut repair = Repair {
        body,
        written: Vec::with_capacity(body.len()),
        dropped: 0,
    };
    repair
        .copy_message(Reader::new(body), &REQUEST, DEPTH_MAX)
        .ok()?;
    (repair.dropped > 0).then(|| Repaired {
        body: Bytes::from(repair.written),
        dropped: repair.dropped,
    })
}

impl Repair<'_> {
    /// Copies the fields of `message` that are not malformed attributes; `depth_left` is what the walk has left of the
    /// nesting limit inside this message.
    fn copy_message(
        &mut self,
        mut message: Reader<'_>,
        layout: &Layout,
        depth_left: u32,
    ) -> WireResult<()> {
        while !message.is_at_end() {
            let begin = message.offset();
            let tag = message.tag()?;
            match layout.part(tag.number) {
                Some(Attribute) => {
                    if !pass_attribute(&mut message, tag, depth_left)? {
                        self.dropped += 1;
                        continue;
                    }
                }
                Some(Message(inner)) if tag.wire_type == LEN => {
                    self.copy(begin, message.offset());
                    self.copy_content(&mut message, inner, depth_left - 1)?;
                    continue;
                }
                _ => message.skip(tag, depth_left)?,
            }
            self.copy(begin, message.offset());
        }
        Ok(())
    }

    /// Copies length and content of the message that `parent` stands before.
    fn copy_content(
        &mut self,
        parent: &mut Reader<'_>,
        layout: &Layout,
        depth_left: u32,
    ) -> WireResult<()> {
        let length_read_at = parent.offset();
        let content = parent.message()?;
        let bytes_read = parent.offset() - content.offset();
        let length_written_at = self.written.len();
        self.copy(length_read_at, content.offset());
        let content_written_at = self.written.len();
        self.copy_message(content, layout, depth_left)?;
        let bytes_written = self.written.len() - content_written_at;
        if bytes_written < bytes_read {
            let mut length = Vec::with_capacity(10);
            encode_varint(bytes_written as u64, &mut length);
            // A smaller number in no more bytes, so that the content moves forward if at all.
            let place = length_written_at..content_written_at;
            drop(self.written.splice(place, length));
        }
        Ok(())
    }

    fn copy(&mut self, begin: usize, end: usize) {
        let piece = self.body.get(begin..end).unwrap_or_default();
        self.written.extend_from_slice(piece);
    }
}

impl Layout {
    fn part(&self, number: u32) -> Option<Part> {
        let mut parts = self.0.iter();
        parts
            .find(|(known, _)| *known == number)
            .map(|(_, part)| *part)
    }
}

/// Passes over a field that should be an attribute and says whether it is one: exactly where the walk says so.
fn pass_attribute(message: &mut Reader<'_>, tag: Tag, depth_left: u32) -> WireResult<bool> {
    let mut checked = *message;
    message.skip(tag, depth_left)?;
    Ok(tag.wire_type == LEN && check_key_value(&mut checked, depth_left).is_ok())
}
