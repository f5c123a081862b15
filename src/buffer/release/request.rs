//! Export requests: spans written out as they were stored, grouped back by resource and scope.
//!
//! A mark goes where the configuration says. On a scope or resource it parts spans of one envelope that different
//! policies kept.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use super::{EnvelopeId, Envelopes, MarkId, Marks};
use crate::buffer::envelopes::ResourceId;
use crate::buffer::span_store::{push_varint, varint_len};
use crate::otlp::wire::value::fields_of;
use crate::otlp::wire::{RESOURCE_SPANS_FIELD_KEY, SCOPE_SPANS_FIELD_KEY, SPAN_FIELD_KEY};

/// The number of `ScopeSpans.spans`.
const SPAN_FIELD: u32 = SPAN_FIELD_KEY as u32 >> 3;

/// A span to write.
pub(super) struct Piece<'a> {
    pub(super) envelope: EnvelopeId,
    /// Of the policy that kept its trace.
    pub(super) mark: Option<MarkId>,
    /// The span as stored: field key, length and encoding.
    pub(super) framed: &'a [u8],
}

/// A `Span` field of a `ScopeSpans`.
enum SpanField<'a> {
    /// Key and length included.
    AsStored(&'a [u8]),
    Marked(Box<MarkedSpan<'a>>),
}

/// The parts of a span's encoding.
struct MarkedSpan<'a> {
    span: Cow<'a, [u8]>,
    attribute: &'a [u8],
}

/// A `ScopeSpans` to write: its own fields, and its spans.
struct ScopeField<'a> {
    fields: Cow<'a, [u8]>,
    spans: Vec<SpanField<'a>>,
    content_bytes: usize,
}

/// A `ResourceSpans` to write: its own fields, and its scopes.
struct ResourceField<'a> {
    fields: Cow<'a, [u8]>,
    scopes: Vec<ScopeField<'a>>,
    content_bytes: usize,
}

/// Writes an `ExportTraceServiceRequest` with one `ResourceSpans` a resource and one `ScopeSpans` an envelope, or one
/// a mark of these where marks stand there.
pub(super) fn write_request(pieces: &[Piece<'_>], envelopes: &Envelopes, marks: &Marks) -> Vec<u8> {
    let of_envelope = |piece: &Piece<'_>| {
        let mark = piece.mark.filter(|_| !marks.are_on_spans());
        (piece.envelope, mark)
    };
    let scopes = group(
        pieces
            .iter()
            .map(|piece| (of_envelope(piece), SpanField::of(piece, marks))),
    );
    let scopes = scopes.into_iter().map(|((envelope, mark), spans)| {
        let resource = envelopes.resource(envelope);
        let (resource, resource_fields) = resource.unwrap_or((ResourceId(0), &[]));
        let resource_mark = mark.filter(|_| marks.are_on_resources());
        let scope = ScopeField::new(envelopes.scope(envelope), spans, mark, marks);
        ((resource, resource_mark), (resource_fields, scope))
    });
    let resources: Vec<ResourceField<'_>> = group(scopes)
        .into_iter()
        .map(|((_, mark), scopes)| ResourceField::new(scopes, mark, marks))
        .collect();
    let total = resources
        .iter()
        .map(|resource| delimited_len(resource.content_bytes))
        .sum();
    let mut out = Vec::with_capacity(total);
    for resource in resources {
        resource.write(&mut out);
    }
    out
}

impl<'a> SpanField<'a> {
    fn of(piece: &Piece<'a>, marks: &'a Marks) -> Self {
        let Some(mark) = piece.mark.filter(|_| marks.are_on_spans()) else {
            return Self::AsStored(piece.framed);
        };
        let span = fields_of(piece.framed, SPAN_FIELD).next();
        Self::Marked(Box::new(MarkedSpan {
            span: marks.span_without(span.unwrap_or_default()),
            attribute: marks.attribute(mark),
        }))
    }

    fn len(&self) -> usize {
        match self {
            Self::AsStored(framed) => framed.len(),
            Self::Marked(marked) => delimited_len(marked.len()),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::AsStored(framed) => out.extend_from_slice(framed),
            Self::Marked(marked) => {
                out.push(SPAN_FIELD_KEY);
                push_varint(out, marked.len() as u64);
                out.extend_from_slice(&marked.span);
                out.extend_from_slice(marked.attribute);
            }
        }
    }
}

impl MarkedSpan<'_> {
    fn len(&self) -> usize {
        self.span.len() + self.attribute.len()
    }
}

impl<'a> ScopeField<'a> {
    fn new(
        fields: &'a [u8],
        spans: Vec<SpanField<'a>>,
        mark: Option<MarkId>,
        marks: &Marks,
    ) -> Self {
        let fields = match mark.filter(|_| marks.are_on_scopes()) {
            None => Cow::Borrowed(fields),
            Some(mark) => Cow::Owned(marks.on_envelope(fields, mark)),
        };
        let spans_bytes: usize = spans.iter().map(SpanField::len).sum();
        Self {
            content_bytes: fields.len() + spans_bytes,
            fields,
            spans,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(SCOPE_SPANS_FIELD_KEY);
        push_varint(out, self.content_bytes as u64);
        out.extend_from_slice(&self.fields);
        for span in &self.spans {
            span.write(out);
        }
    }
}

impl<'a> ResourceField<'a> {
    /// Of scopes of one resource, each with the resource's fields.
    fn new(scopes: Vec<(&'a [u8], ScopeField<'a>)>, mark: Option<MarkId>, marks: &Marks) -> Self {
        let fields = scopes.first().map_or(&[] as &[u8], |(fields, _)| fields);
        let fields = match mark {
            None => Cow::Borrowed(fields),
            Some(mark) => Cow::Owned(marks.on_envelope(fields, mark)),
        };
        let scopes: Vec<ScopeField<'a>> = scopes.into_iter().map(|(_, scope)| scope).collect();
        let scopes_bytes: usize = scopes
            .iter()
            .map(|scope| delimited_len(scope.content_bytes))
            .sum();
        Self {
            content_bytes: fields.len() + scopes_bytes,
            fields,
            scopes,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(RESOURCE_SPANS_FIELD_KEY);
        push_varint(out, self.content_bytes as u64);
        out.extend_from_slice(&self.fields);
        for scope in &self.scopes {
            scope.write(out);
        }
    }
}

/// Groups values by key, keys in order of their first appearance.
fn group<K: Copy + Eq + Hash, V>(pairs: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for (key, value) in pairs {
        // Runs of the same key are the rule.
        if let Some((_, values)) = groups.last_mut().filter(|(last, _)| *last == key) {
            values.push(value);
            continue;
        }
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Length of a length-delimited field of `content_bytes`, its one-byte key and its length included.
fn delimited_len(content_bytes: usize) -> usize {
    1 + varint_len(content_bytes as u64) + content_bytes
}

#[cfg(test)]
mod tests;
