//! How many spans and scopes a request has, counted before any memory is taken for them.
//!
//! A client decides how large its spans are: 30 bytes each are enough, and what the walk notes of one is larger than
//! that. Three lengths are read per span (about 3 ns), and the walk's vectors then never grow.

use super::reader::{LEN, Reader, WireResult};

/// Upper bounds of what a walk finds. Bytes that a walk would refuse are counted up to the first bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// `Span` messages, good or not.
    pub spans: usize,
    /// `ScopeSpans` messages that have any.
    pub scopes: usize,
}

impl Counted {
    /// Counts the spans of the encoded request `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let mut counted = Self::default();
        // What is wrong, and where, is for the walk to say.
        let _ = for_each_message(Reader::new(body), 1, &mut |resource_spans| {
            for_each_message(resource_spans, 2, &mut |scope_spans| {
                let before = counted.spans;
                let end = for_each_message(scope_spans, 2, &mut |_| {
                    counted.spans += 1;
                    Ok(())
                });
                counted.scopes += usize::from(counted.spans > before);
                end
            })
        });
        counted
    }
}

/// Calls `visit` with each field `number` of `message` that is a message itself.
fn for_each_message(
    mut message: Reader<'_>,
    number: u32,
    visit: &mut impl FnMut(Reader<'_>) -> WireResult<()>,
) -> WireResult<()> {
    while !message.is_at_end() {
        let tag = message.tag()?;
        if tag.number == number && tag.wire_type == LEN {
            visit(message.message()?)?;
        } else {
            message.skip(tag, super::DEPTH_MAX)?;
        }
    }
    Ok(())
}
