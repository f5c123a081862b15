//! All fields of a span that policies ask for, read in one pass over its bytes.
//!
//! For bytes that the walk has accepted; what cannot be read all the same keeps its default.

use super::reader::{DEPTH_MAX, FIXED32, FIXED64, LEN, Reader, VARINT};

/// Field number of events in a `Span`.
pub(crate) const SPAN_EVENTS: u32 = 11;

/// A span's own fields. Text as bytes, checked to be UTF-8; identifiers as they stand on the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpanFields<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    /// Empty, or 8 bytes (all zeros mean none too).
    pub(crate) parent_span_id: &'a [u8],
    pub(crate) trace_state: &'a [u8],
    pub(crate) name: &'a [u8],
    pub(crate) kind: i32,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) status_code: i32,
    pub(crate) status_message: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) dropped_events_count: u32,
    pub(crate) dropped_links_count: u32,
    pub(crate) has_events: bool,
}

/// An event's own fields.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EventFields<'a> {
    /// The whole encoded event; its attributes are field 3.
    pub(crate) encoded: &'a [u8],
    pub(crate) time_ns: u64,
    pub(crate) name: &'a [u8],
    pub(crate) dropped_attributes_count: u32,
}

impl<'a> SpanFields<'a> {
    /// Reads `span` and shows each of its encoded attributes, `KeyValue`s, to `on_attribute`, in order.
    #[inline]
    pub(crate) fn read(span: &'a [u8], mut on_attribute: impl FnMut(&'a [u8])) -> Self {
        let mut fields = Self::default();
        let mut reader = Reader::new(span);
        while !reader.is_at_end() {
            if let Some((key, content)) = reader.short_field() {
                fields.put_short(key, content, &mut on_attribute);
                continue;
            }
            if fields.read_next(&mut reader, &mut on_attribute).is_none() {
                break;
            }
        }
        fields
    }

    #[inline]
    fn read_next(
        &mut self,
        reader: &mut Reader<'a>,
        on_attribute: &mut impl FnMut(&'a [u8]),
    ) -> Option<()> {
        let tag = reader.tag().ok()?;
        match (tag.number, tag.wire_type) {
            (9, LEN) => on_attribute(reader.bytes().ok()?),
            (1, LEN) => self.trace_id = reader.bytes().ok()?,
            (2, LEN) => self.span_id = reader.bytes().ok()?,
            (3, LEN) => self.trace_state = reader.bytes().ok()?,
            (4, LEN) => self.parent_span_id = reader.bytes().ok()?,
            (5, LEN) => self.name = reader.bytes().ok()?,
            (6, VARINT) => self.kind = reader.varint().ok()? as i32,
            (7, FIXED64) => self.start_ns = reader.fixed64().ok()?,
            (8, FIXED64) => self.end_ns = reader.fixed64().ok()?,
            (10, VARINT) => self.dropped_attributes_count = reader.varint().ok()? as u32,
            (11, LEN) => {
                self.has_events = true;
                reader.bytes().ok()?;
            }
            (12, VARINT) => self.dropped_events_count = reader.varint().ok()? as u32,
            (14, VARINT) => self.dropped_links_count = reader.varint().ok()? as u32,
            (15, LEN) => self.read_status(reader.bytes().ok()?),
            (16, FIXED32) => self.flags = reader.fixed32().ok()?,
            _ => reader.skip(tag, DEPTH_MAX).ok()?,
        }
        Some(())
    }

    /// Takes a field of a one-byte key and a content of less than 128 bytes.
    #[inline]
    fn put_short(&mut self, key: u8, content: &'a [u8], on_attribute: &mut impl FnMut(&'a [u8])) {
        match key >> 3 {
            9 => on_attribute(content),
            1 => self.trace_id = content,
            2 => self.span_id = content,
            3 => self.trace_state = content,
            4 => self.parent_span_id = content,
            5 => self.name = content,
            11 => self.has_events = true,
            15 => self.read_status(content),
            _ => {}
        }
    }

    /// Whether it has no parent.
    pub(crate) fn is_root(&self) -> bool {
        self.parent_span_id.iter().all(|byte| *byte == 0)
    }

    fn read_status(&mut self, status: &'a [u8]) {
        let mut reader = Reader::new(status);
        while !reader.is_at_end() {
            let Ok(tag) = reader.tag() else { return };
            let read = match (tag.number, tag.wire_type) {
                (2, LEN) => reader.bytes().map(|text| self.status_message = text),
                (3, VARINT) => reader.varint().map(|code| self.status_code = code as i32),
                _ => reader.skip(tag, DEPTH_MAX),
            };
            if read.is_err() {
                return;
            }
        }
    }
}

impl<'a> EventFields<'a> {
    /// Reads an encoded `Span.Event`.
    pub(crate) fn read(encoded: &'a [u8]) -> Self {
        let mut fields = Self {
            encoded,
            ..Self::default()
        };
        let mut reader = Reader::new(encoded);
        while !reader.is_at_end() {
            let Ok(tag) = reader.tag() else { break };
            let read = match (tag.number, tag.wire_type) {
                (1, FIXED64) => reader.fixed64().map(|time| fields.time_ns = time),
                (2, LEN) => reader.bytes().map(|name| fields.name = name),
                (4, VARINT) => reader
                    .varint()
                    .map(|count| fields.dropped_attributes_count = count as u32),
                _ => reader.skip(tag, DEPTH_MAX),
            };
            if read.is_err() {
                break;
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
    use prost::Message;

    use super::super::value::fields_of;
    use super::*;

    #[test]
    fn one_pass_reads_what_prost_wrote() {
        let span = Span {
            trace_id: vec![7; 16],
            span_id: vec![1; 8],
            parent_span_id: vec![2; 8],
            trace_state: "a=b".to_owned(),
            name: "GET /".to_owned(),
            kind: 2,
            start_time_unix_nano: 5,
            end_time_unix_nano: 9,
            events: vec![Event {
                time_unix_nano: 6,
                name: "exception".to_owned(),
                ..Event::default()
            }],
            status: Some(Status {
                code: 2,
                message: "no".to_owned(),
            }),
            flags: 1,
            ..Span::default()
        };
        let encoded = span.encode_to_vec();
        let fields = SpanFields::read(&encoded, |_| panic!("there are no attributes"));
        assert_eq!(
            (fields.trace_id, fields.span_id),
            ([7; 16].as_slice(), [1; 8].as_slice())
        );
        assert_eq!(
            (fields.trace_state, fields.name),
            (b"a=b".as_slice(), b"GET /".as_slice())
        );
        assert_eq!((fields.kind, fields.start_ns, fields.end_ns), (2, 5, 9));
        assert_eq!(
            (fields.status_code, fields.status_message),
            (2, b"no".as_slice())
        );
        assert!(fields.has_events && !fields.is_root() && fields.flags == 1);
        let event = fields_of(&encoded, SPAN_EVENTS)
            .next()
            .map(EventFields::read);
        assert_eq!(
            event.map(|event| (event.time_ns, event.name)),
            Some((6, b"exception".as_slice()))
        );
    }
}
