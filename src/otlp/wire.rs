//! The walk: finds the spans of an encoded `ExportTraceServiceRequest` without decoding it.
//!
//! One pass over the bytes checks everything that a protobuf decoder would refuse and notes of each span where it lies
//! and the few header fields that routing and deciding need. Fields may come in any order, repeat (the last value
//! counts, messages merge) or be unknown (they are kept, with their resource, scope or span). It accepts and refuses
//! exactly what prost does; property tests and a fuzz target hold the two against each other.

mod counted;
pub(crate) mod error;
pub(crate) mod reader;
pub mod repair;
pub(crate) mod schema;
mod span;
pub(crate) mod span_fields;
pub(crate) mod value;

#[cfg(any(test, fuzzing))]
pub mod against_prost;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use counted::Counted;
pub use error::{WireError, WireFault};
pub use span::{BadIdentifier, SpanHeader, SpanStatus};

use reader::{DEPTH_MAX, LEN, Reader, WireResult};
use schema::{RESOURCE, SCOPE};
use span::walk_span;

/// The field key of `ScopeSpans.spans`: spans are kept and sent on with it.
pub const SPAN_FIELD_KEY: u8 = 2 << 3 | LEN;
/// The field key of `ResourceSpans.scope_spans`.
pub const SCOPE_SPANS_FIELD_KEY: u8 = 2 << 3 | LEN;
/// The field key of `ExportTraceServiceRequest.resource_spans`.
pub const RESOURCE_SPANS_FIELD_KEY: u8 = 1 << 3 | LEN;

/// What the walk found in a request.
#[derive(Debug, Default)]
pub struct WalkedRequest {
    /// The envelopes that the spans' `scope_index` points into: those with spans.
    pub scopes: Vec<ScopeEnvelope>,
    /// Spans with good identifiers, in order of the request.
    pub spans: Vec<SpanHeader>,
    /// Spans with bad ones: to be refused by `partial_success`.
    pub rejected: RejectedSpans,
}

/// Everything around a span that is not a span, encoded: fields to write back as they are, unknown ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeEnvelope {
    /// Equal for the scopes of one `ResourceSpans` of the request, and for no others.
    pub resource_index: u32,
    /// The fields of its `ResourceSpans` other than `scope_spans`.
    pub resource: Bytes,
    /// The fields of its `ScopeSpans` other than `spans`.
    pub scope: Bytes,
}

/// Spans that can belong to no trace, or that no backend would take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RejectedSpans {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Option<BadIdentifier>,
}

/// Walks the encoded request `body`, at most 4 GiB.
///
/// # Errors
/// [`WireError`] with field and byte offset where `body` is not a valid `ExportTraceServiceRequest`.
pub fn walk_request(body: &Bytes) -> Result<WalkedRequest, Box<WireError>> {
    walk_counted(body, Counted::of(body))
}

/// Walks `body` as [`walk_request`] does, with what was counted in it before.
///
/// # Errors
/// Those of [`walk_request`].
pub fn walk_counted(body: &Bytes, counted: Counted) -> Result<WalkedRequest, Box<WireError>> {
    let mut found = WalkedRequest {
        scopes: Vec::with_capacity(counted.scopes),
        spans: Vec::with_capacity(counted.spans),
        ..WalkedRequest::default()
    };
    let mut request = Reader::new(body);
    while !request.is_at_end() {
        let tag = request.tag()?;
        if tag.number != 1 {
            request.skip(tag, DEPTH_MAX)?;
            continue;
        }
        request
            .expect(tag, LEN)
            .and_then(|()| request.message())
            .and_then(|resource_spans| found.walk_resource_spans(body, resource_spans))
            .map_err(|error| error.within("resource_spans"))?;
    }
    Ok(found)
}

/// Reads the header of a span that a walk has accepted before.
#[must_use]
pub fn read_span_header(span: &[u8]) -> Option<SpanHeader> {
    let mut reader = Reader::new(span);
    walk_span(&mut reader, DEPTH_MAX, 0)
        .ok()
        .and_then(Result::ok)
}

/// Ranges of the body as one piece: a range while they touch, copies of them once they do not.
struct Fragments<'a> {
    body: &'a Bytes,
    range: (usize, usize),
    joined: Vec<u8>,
}

impl WalkedRequest {
    fn walk_resource_spans(&mut self, body: &Bytes, mut message: Reader<'_>) -> WireResult<()> {
        const DEPTH_LEFT: u32 = DEPTH_MAX - 1;
        let scopes_before = self.scopes.len();
        let mut rest = Fragments::of(body);
        while !message.is_at_end() {
            let begin = message.offset();
            let tag = message.tag()?;
            match tag.number {
                1 => message
                    .expect(tag, LEN)
                    .and_then(|()| schema::check_field(&mut message, &RESOURCE, DEPTH_LEFT))
                    .map(drop)
                    .map_err(|error| error.within("resource"))?,
                2 => {
                    message
                        .expect(tag, LEN)
                        .and_then(|()| message.message())
                        .and_then(|scope_spans| self.walk_scope_spans(body, scope_spans))
                        .map_err(|error| error.within("scope_spans"))?;
                    continue;
                }
                3 => message
                    .expect(tag, LEN)
                    .and_then(|()| message.text())
                    .map(drop)
                    .map_err(|error| error.within("schema_url"))?,
                _ => message.skip(tag, DEPTH_LEFT)?,
            }
            rest.add(begin, message.offset());
        }
        let resource = rest.into_bytes();
        for envelope in self.scopes.iter_mut().skip(scopes_before) {
            envelope.resource = resource.clone();
            envelope.resource_index = scopes_before as u32;
        }
        Ok(())
    }

    fn walk_scope_spans(&mut self, body: &Bytes, mut message: Reader<'_>) -> WireResult<()> {
        const DEPTH_LEFT: u32 = DEPTH_MAX - 2;
        let scope_index = self.scopes.len() as u32;
        let spans_before = self.spans.len();
        let mut rest = Fragments::of(body);
        while !message.is_at_end() {
            let begin = message.offset();
            let tag = message.tag()?;
            match tag.number {
                1 => message
                    .expect(tag, LEN)
                    .and_then(|()| schema::check_field(&mut message, &SCOPE, DEPTH_LEFT))
                    .map(drop)
                    .map_err(|error| error.within("scope"))?,
                2 => {
                    message
                        .expect(tag, LEN)
                        .and_then(|()| message.message())
                        .and_then(|mut span| walk_span(&mut span, DEPTH_LEFT - 1, scope_index))
                        .map(|span| self.add_span(span))
                        .map_err(|error| error.within("spans"))?;
                    continue;
                }
                3 => message
                    .expect(tag, LEN)
                    .and_then(|()| message.text())
                    .map(drop)
                    .map_err(|error| error.within("schema_url"))?,
                _ => message.skip(tag, DEPTH_LEFT)?,
            }
            rest.add(begin, message.offset());
        }
        // Nobody asks for an envelope around nothing, and two bytes are enough to send one.
        if self.spans.len() > spans_before {
            self.scopes.push(ScopeEnvelope {
                resource_index: 0,
                resource: Bytes::new(),
                scope: rest.into_bytes(),
            });
        }
        Ok(())
    }

    #[inline]
    fn add_span(&mut self, span: Result<SpanHeader, BadIdentifier>) {
        match span {
            Ok(header) => self.spans.push(header),
            Err(bad) => {
                self.rejected.count += 1;
                self.rejected.first.get_or_insert(bad);
            }
        }
    }
}

impl<'a> Fragments<'a> {
    fn of(body: &'a Bytes) -> Self {
        Self {
            body,
            range: (0, 0),
            joined: Vec::new(),
        }
    }

    fn add(&mut self, begin: usize, end: usize) {
        if self.joined.is_empty() {
            if self.range.0 == self.range.1 {
                self.range = (begin, end);
                return;
            }
            if self.range.1 == begin {
                self.range.1 = end;
                return;
            }
            self.copy(self.range.0, self.range.1);
        }
        self.copy(begin, end);
    }

    fn copy(&mut self, begin: usize, end: usize) {
        let piece = self.body.get(begin..end).unwrap_or_default();
        self.joined.extend_from_slice(piece);
    }

    fn into_bytes(self) -> Bytes {
        let (begin, end) = self.range;
        match self.joined.as_slice() {
            [] if begin == end => Bytes::new(),
            [] => self.body.slice(begin..end),
            _ => Bytes::from(self.joined),
        }
    }
}
