//! The walk's innermost part: one span, its header fields, and whether its identifiers are good.

use std::fmt;

use super::super::ids::{SpanId, TraceId, push_hex};
use super::reader::{FIXED32, FIXED64, LEN, Reader, Tag, VARINT, WireResult};
use super::schema::{EVENT, LINK, check_field, check_key_value};

/// Where a span lies in its request and what routing and deciding need to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanHeader {
    /// `trace_id`.
    pub trace_id: TraceId,
    /// `span_id`.
    pub span_id: SpanId,
    /// `start_time_unix_nano`.
    pub start_ns: u64,
    /// `end_time_unix_nano`.
    pub end_ns: u64,
    /// Offset of the span's encoding in the body, its field key and length not included.
    pub offset: u32,
    /// Length of the span's encoding.
    pub length: u32,
    /// Index of its envelope in [`super::WalkedRequest::scopes`].
    pub scope_index: u32,
    /// `status.code`.
    pub status: SpanStatus,
    /// Whether `parent_span_id` is empty or all zeros.
    pub is_root: bool,
    /// Whether bit 0 of `flags`, W3C's sampled flag, is set.
    pub has_sampled_flag: bool,
}

/// `status.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanStatus {
    /// 0, or no status at all.
    #[default]
    Unset,
    /// 1.
    Ok,
    /// 2.
    Error,
    /// A code that OTLP does not define.
    Unknown,
}

/// An identifier that makes a span unusable, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadIdentifier {
    /// The field it stands in.
    pub field: &'static str,
    /// Its bytes; of a long one the first 32.
    pub bytes: Vec<u8>,
    /// Offset of the span in the body.
    pub byte_offset: usize,
}

const ROOT_PARENT: [u8; 8] = [0; 8];

#[derive(Default)]
struct Fields<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    start_ns: u64,
    end_ns: u64,
    flags: u32,
    status: u64,
    has_bad_link: bool,
}

/// Walks one span to its end. The inner error is a span to reject, the outer one bytes to refuse.
pub(super) fn walk_span(
    span: &mut Reader<'_>,
    depth_left: u32,
    scope_index: u32,
) -> WireResult<Result<SpanHeader, BadIdentifier>> {
    let begin = span.offset();
    let mut fields = Fields::default();
    while !span.is_at_end() {
        let tag = span.tag()?;
        fields
            .read(span, tag, depth_left)
            .map_err(|error| error.within(field_name(tag.number)))?;
    }
    Ok(fields.into_header(begin, span.offset(), scope_index))
}

fn walk_status(status: &mut Reader<'_>, depth_left: u32, code: &mut u64) -> WireResult<()> {
    while !status.is_at_end() {
        let tag = status.tag()?;
        match tag.number {
            2 => status
                .expect(tag, LEN)
                .and_then(|()| status.text().map(drop))
                .map_err(|error| error.within("message"))?,
            3 => {
                *code = status
                    .expect(tag, VARINT)
                    .and_then(|()| status.varint())
                    .map_err(|error| error.within("code"))?;
            }
            _ => status.skip(tag, depth_left)?,
        }
    }
    Ok(())
}

fn field_name(number: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "(unknown)",
        "trace_id",
        "span_id",
        "trace_state",
        "parent_span_id",
        "name",
        "kind",
        "start_time_unix_nano",
        "end_time_unix_nano",
        "attributes",
        "dropped_attributes_count",
        "events",
        "dropped_events_count",
        "links",
        "dropped_links_count",
        "status",
        "flags",
    ];
    NAMES.get(number as usize).unwrap_or(&"(unknown)")
}

impl<'a> Fields<'a> {
    /// Reads one field; number and wire type are matched together, which spares the hot fields a comparison.
    #[inline]
    fn read(&mut self, span: &mut Reader<'a>, tag: Tag, depth_left: u32) -> WireResult<()> {
        match (tag.number, tag.wire_type) {
            (9, LEN) => check_key_value(span, depth_left),
            (1, LEN) => span.bytes().map(|id| self.trace_id = id),
            (2, LEN) => span.bytes().map(|id| self.span_id = id),
            (4, LEN) => span.bytes().map(|id| self.parent_span_id = id),
            (3 | 5, LEN) => span.text().map(drop),
            (6 | 10 | 12 | 14, VARINT) => span.varint().map(drop),
            (7, FIXED64) => span.fixed64().map(|time| self.start_ns = time),
            (8, FIXED64) => span.fixed64().map(|time| self.end_ns = time),
            (16, FIXED32) => span.fixed32().map(|flags| self.flags = flags),
            (15, LEN) => {
                span.check_depth(depth_left)?;
                walk_status(&mut span.message()?, depth_left - 1, &mut self.status)
            }
            (11, LEN) => check_field(span, &EVENT, depth_left).map(drop),
            (13, LEN) => {
                self.has_bad_link |= !check_field(span, &LINK, depth_left)?;
                Ok(())
            }
            (number, _) => match declared_wire_type(number) {
                Some(declared) => span.expect(tag, declared),
                None => span.skip(tag, depth_left),
            },
        }
    }
}

/// The wire type of a field that OTLP declares for spans.
fn declared_wire_type(number: u32) -> Option<u8> {
    match number {
        1..=5 | 9 | 11 | 13 | 15 => Some(LEN),
        6 | 10 | 12 | 14 => Some(VARINT),
        7 | 8 => Some(FIXED64),
        16 => Some(FIXED32),
        _ => None,
    }
}

impl Fields<'_> {
    fn into_header(
        self,
        begin: usize,
        end: usize,
        scope_index: u32,
    ) -> Result<SpanHeader, BadIdentifier> {
        let bad = |field, bytes: &[u8]| BadIdentifier {
            field,
            bytes: bytes.get(..32).unwrap_or(bytes).to_vec(),
            byte_offset: begin,
        };
        let trace_id = TraceId::from_wire(self.trace_id);
        let trace_id = trace_id.ok_or_else(|| bad("trace_id", self.trace_id))?;
        let span_id = SpanId::from_wire(self.span_id);
        let span_id = span_id.ok_or_else(|| bad("span_id", self.span_id))?;
        if !matches!(self.parent_span_id.len(), 0 | 8) {
            return Err(bad("parent_span_id", self.parent_span_id));
        }
        if self.has_bad_link {
            return Err(bad("links", &[]));
        }
        Ok(SpanHeader {
            trace_id,
            span_id,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            offset: begin as u32,
            length: (end - begin) as u32,
            scope_index,
            // Enumerations are 32 bits wide; protobuf cuts a longer varint.
            status: SpanStatus::from_code(self.status as u32),
            is_root: self.parent_span_id.is_empty() || self.parent_span_id == ROOT_PARENT,
            has_sampled_flag: self.flags & 1 == 1,
        })
    }
}

impl SpanStatus {
    fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Unset,
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for BadIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field == "links" {
            return write!(
                f,
                "a link of the span at byte {} has a trace or span ID of the wrong length",
                self.byte_offset
            );
        }
        let mut hex = String::new();
        push_hex(&mut hex, &self.bytes);
        write!(
            f,
            "{} of the span at byte {} is \"{hex}\": {}",
            self.field,
            self.byte_offset,
            match self.field {
                "trace_id" => "must be 16 bytes, not all zeros",
                "span_id" => "must be 8 bytes, not all zeros",
                _ => "must be empty or 8 bytes",
            }
        )
    }
}
