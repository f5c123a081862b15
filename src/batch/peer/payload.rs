//! Writes the payload of a frame: spans out of sub-batches, back into one `ExportTraceServiceRequest`.
//!
//! Each span's bytes are copied once. Spans that follow each other share their resource and scope where these are the
//! same bytes, also over the border of two sub-batches. The lengths of resources and scopes are not known when they are
//! begun; they are written as varints of four bytes, of which some may be needless, and filled in at the end.

use super::super::sub_batch::SubBatch;
use crate::otlp::wire::{
    RESOURCE_SPANS_FIELD_KEY, SCOPE_SPANS_FIELD_KEY, SPAN_FIELD_KEY, ScopeEnvelope, SpanHeader,
};

/// Bytes of a length that is filled in later: 28 bits, 256 MiB.
const LENGTH_BYTES: usize = 4;

/// Longest content of a resource or scope here, in bytes.
const LENGTH_MAX: usize = (1 << 28) - 1;

/// Bytes that begin a resource or scope, its own fields not counted.
const OPENING_BYTES: usize = 1 + LENGTH_BYTES;

/// Key and length of a span, at most.
const SPAN_FRAMING_BYTES: usize = 1 + 5;

/// A payload under construction.
#[derive(Debug, Default)]
pub struct PayloadWriter {
    out: Vec<u8>,
    spans: u64,
    resource: Option<Open>,
    scope: Option<Open>,
}

/// The spans of a sub-batch in the order in which they are written: scope by scope, and within one as they are.
#[derive(Debug)]
pub struct SpansToWrite<'a> {
    part: &'a SubBatch,
    /// Indices of the spans; `None` where they are in order already.
    order: Option<Vec<u32>>,
    written: usize,
}

/// A resource or scope that is being written.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Where its length goes.
    length_at: usize,
    /// Its own fields lie from behind the length to here.
    fields_end: usize,
}

impl PayloadWriter {
    /// With room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// Bytes written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Spans written.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// Writes of `spans` as many as fit into `bytes_max` bytes of payload, and at least one into an empty payload.
    pub fn append(&mut self, spans: &mut SpansToWrite<'_>, bytes_max: usize) {
        while let Some(span) = spans.current() {
            let Some(envelope) = spans.part.request.scopes.get(span.scope_index as usize) else {
                spans.written += 1;
                continue;
            };
            let bytes = span.length as usize + SPAN_FRAMING_BYTES;
            let around = envelope.resource.len() + envelope.scope.len() + 2 * OPENING_BYTES;
            if !self.is_empty() && self.len() + bytes + around > bytes_max.min(LENGTH_MAX) {
                return;
            }
            self.open(envelope);
            let scope_index = span.scope_index;
            while let Some(span) = spans
                .current()
                .filter(|span| span.scope_index == scope_index)
            {
                let bytes = span.length as usize + SPAN_FRAMING_BYTES;
                if self.spans > 0 && self.len() + bytes > bytes_max.min(LENGTH_MAX) {
                    return;
                }
                self.push_span(spans.part.span_bytes(span));
                spans.written += 1;
            }
        }
    }

    /// The payload.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.close_scope();
        self.close_resource();
        self.out
    }

    fn push_span(&mut self, span: &[u8]) {
        self.out.push(SPAN_FIELD_KEY);
        push_varint(&mut self.out, span.len());
        self.out.extend_from_slice(span);
        self.spans += 1;
    }

    /// Makes `envelope` the one that spans are written in.
    fn open(&mut self, envelope: &ScopeEnvelope) {
        if !self.is_open(self.resource, &envelope.resource) {
            self.close_scope();
            self.close_resource();
            self.resource = Some(self.begin(RESOURCE_SPANS_FIELD_KEY, &envelope.resource));
        } else if self.is_open(self.scope, &envelope.scope) {
            return;
        }
        self.close_scope();
        self.scope = Some(self.begin(SCOPE_SPANS_FIELD_KEY, &envelope.scope));
    }

    fn is_open(&self, open: Option<Open>, fields: &[u8]) -> bool {
        open.is_some_and(|open| {
            let begin = open.length_at + LENGTH_BYTES;
            self.out.get(begin..open.fields_end) == Some(fields)
        })
    }

    fn begin(&mut self, key: u8, fields: &[u8]) -> Open {
        self.out.push(key);
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0; LENGTH_BYTES]);
        self.out.extend_from_slice(fields);
        Open {
            length_at,
            fields_end: self.out.len(),
        }
    }

    fn close_scope(&mut self) {
        let open = self.scope.take();
        self.close(open);
    }

    fn close_resource(&mut self) {
        let open = self.resource.take();
        self.close(open);
    }

    fn close(&mut self, open: Option<Open>) {
        let Some(open) = open else {
            return;
        };
        let length = self.out.len() - open.length_at - LENGTH_BYTES;
        let place = self.out.get_mut(open.length_at..);
        if let Some(place) = place.and_then(|rest| rest.first_chunk_mut()) {
            *place = padded_varint(length);
        }
    }
}

impl<'a> SpansToWrite<'a> {
    /// All spans of `part`.
    #[must_use]
    pub fn new(part: &'a SubBatch) -> Self {
        let in_order = part.spans.is_sorted_by_key(|span| span.scope_index);
        let order = (!in_order).then(|| {
            let mut order: Vec<u32> = (0..part.spans.len() as u32).collect();
            order.sort_by_key(|index| {
                let span = part.spans.get(*index as usize);
                span.map_or(u32::MAX, |span| span.scope_index)
            });
            order
        });
        Self {
            part,
            order,
            written: 0,
        }
    }

    /// Whether all are written.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.written >= self.part.spans.len()
    }

    /// Bytes that the rest takes in a payload, at most, if it is written in one go.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        let spans = self.part.traces.iter().map(|trace| trace.span_bytes);
        let framing = self.part.spans.len() * SPAN_FRAMING_BYTES;
        let scopes = self.part.request.scopes.iter();
        let around =
            scopes.map(|scope| 2 * OPENING_BYTES + scope.resource.len() + scope.scope.len());
        let around: usize = around.take(self.part.spans.len()).sum();
        spans.sum::<u64>() as usize + framing + around
    }

    fn current(&self) -> Option<&'a SpanHeader> {
        let index = match &self.order {
            None => self.written,
            Some(order) => *order.get(self.written)? as usize,
        };
        self.part.spans.get(index)
    }
}

fn push_varint(out: &mut Vec<u8>, value: usize) {
    let mut value = value as u64;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A varint of four bytes, whatever its value.
fn padded_varint(value: usize) -> [u8; LENGTH_BYTES] {
    let group = |index: usize| (value >> (7 * index)) as u8 & 0x7f;
    [group(0) | 0x80, group(1) | 0x80, group(2) | 0x80, group(3)]
}

#[cfg(test)]
mod tests;
