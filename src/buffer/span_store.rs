//! The raw spans of one trace: copied out of their requests into memory that is exactly as large as they are.
//!
//! Each span is a record `envelope (4 bytes, little endian) | ScopeSpans.spans key | length | encoding`, so that
//! release writes it out as it stands. Records fill chunks; a chunk is allocated for what a sub-batch brings, or an
//! eighth of what is there already if that is more (at most 1 MiB), which bounds both the waste and the number of
//! chunks of a long trace. A fingerprint per span (12 bytes) finds spans that a client sends again: same bytes.

use hashbrown::HashTable;

use super::block_pool::BlockPool;
use super::envelopes::EnvelopeId;
use crate::keyed_hash::keyed_hash;
use crate::otlp::wire::SPAN_FIELD_KEY;

const ENVELOPE_BYTES: usize = 4;
/// Traces with more spans look fingerprints up instead of comparing them one by one.
const LINEAR_SPANS_MAX: usize = 32;
const CHUNK_GROWTH_BYTES_MAX: usize = 1 << 20;

/// Raw spans in order of arrival.
#[derive(Debug, Default)]
pub(super) struct SpanStore {
    chunks: Vec<Vec<u8>>,
    places: Places,
    span_count: u64,
    capacity_bytes: u64,
}

#[derive(Debug)]
enum Places {
    Few(Vec<Place>),
    Many(HashTable<Place>),
}

/// Where a span's record begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    fingerprint: u32,
    chunk: u32,
    offset: u32,
}

/// A stored span, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) envelope: EnvelopeId,
    /// Field key, length and encoding.
    pub(super) framed: &'a [u8],
    /// The encoding alone.
    pub(super) span: &'a [u8],
}

/// A position in a store to go on from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    chunk: usize,
    offset: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl SpanStore {
    /// Makes room for `spans` more spans of `span_bytes` together.
    pub(super) fn reserve(&mut self, spans: usize, span_bytes: u64, pool: &mut BlockPool) {
        const RECORD_OVERHEAD_MAX: usize = ENVELOPE_BYTES + 1 + 5;
        let needed = span_bytes as usize + spans * RECORD_OVERHEAD_MAX;
        let free = self
            .chunks
            .last()
            .map_or(0, |chunk| chunk.capacity() - chunk.len());
        if free >= needed {
            return;
        }
        let growth = (self.capacity_bytes as usize / 8).min(CHUNK_GROWTH_BYTES_MAX);
        if self.chunks.is_empty() {
            // Most traces get a few sub-batches.
            self.chunks.reserve_exact(4);
        }
        self.add_chunk(pool.take(needed.max(growth)));
        if let Places::Few(places) = &mut self.places
            && places.len() + spans <= LINEAR_SPANS_MAX
        {
            let growth = places.len().min(LINEAR_SPANS_MAX - places.len());
            places.reserve_exact(spans.max(growth));
        }
    }

    /// Stores one span unless the trace already holds it, byte for byte; returns whether it was stored.
    pub(super) fn push(&mut self, envelope: EnvelopeId, span: &[u8]) -> bool {
        let fingerprint = keyed_hash(span) as u32;
        if self.holds(fingerprint, span) {
            return false;
        }
        let needed = ENVELOPE_BYTES + 1 + varint_len(span.len() as u64) + span.len();
        if self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.capacity() - chunk.len() < needed)
        {
            self.add_chunk(Vec::with_capacity(needed));
        }
        let chunk_index = self.chunks.len() - 1;
        let Some(chunk) = self.chunks.last_mut() else {
            return false;
        };
        let place = Place {
            fingerprint,
            chunk: chunk_index as u32,
            offset: chunk.len() as u32,
        };
        chunk.extend_from_slice(&envelope.0.to_le_bytes());
        chunk.push(SPAN_FIELD_KEY);
        push_varint(chunk, span.len() as u64);
        chunk.extend_from_slice(span);
        self.span_count += 1;
        self.note(place);
        true
    }

    /// Spans stored.
    pub(super) fn span_count(&self) -> u64 {
        self.span_count
    }

    /// Bytes that this store holds of the process's memory.
    pub(super) fn held_bytes(&self) -> u64 {
        let places = match &self.places {
            Places::Few(places) => places.capacity() * size_of::<Place>(),
            Places::Many(places) => places.allocation_size(),
        };
        self.capacity_bytes + (self.chunks.capacity() * size_of::<Vec<u8>>() + places) as u64
    }

    /// The record at `cursor`, which moves behind it; `None` at the end.
    pub(super) fn next(&self, cursor: &mut Cursor) -> Option<Record<'_>> {
        loop {
            let chunk = self.chunks.get(cursor.chunk)?;
            if let Some(record) = chunk.get(cursor.offset..).and_then(parse_record) {
                cursor.offset += ENVELOPE_BYTES + record.framed.len();
                return Some(record);
            }
            cursor.chunk += 1;
            cursor.offset = 0;
        }
    }

    /// All records in order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut cursor = Cursor::default();
        std::iter::from_fn(move || self.next(&mut cursor))
    }

    /// Gives the memory of the spans back.
    pub(super) fn recycle(self, pool: &mut BlockPool) {
        for chunk in self.chunks {
            pool.give(chunk);
        }
    }

    fn add_chunk(&mut self, chunk: Vec<u8>) {
        self.capacity_bytes += chunk.capacity() as u64;
        self.chunks.push(chunk);
    }

    fn holds(&self, fingerprint: u32, span: &[u8]) -> bool {
        let is_same = |place: &Place| {
            place.fingerprint == fingerprint
                && self
                    .record_at(place)
                    .is_some_and(|record| record.span == span)
        };
        match &self.places {
            Places::Few(places) => places.iter().any(is_same),
            Places::Many(places) => places.find(spread(fingerprint), is_same).is_some(),
        }
    }

    fn note(&mut self, place: Place) {
        let rehash = |place: &Place| spread(place.fingerprint);
        match &mut self.places {
            Places::Few(places) if places.len() < LINEAR_SPANS_MAX => places.push(place),
            Places::Few(places) => {
                let mut many = HashTable::with_capacity(LINEAR_SPANS_MAX * 2);
                for place in places.iter().chain([&place]) {
                    many.insert_unique(rehash(place), *place, rehash);
                }
                self.places = Places::Many(many);
            }
            Places::Many(places) => {
                places.insert_unique(rehash(&place), place, rehash);
            }
        }
    }

    fn record_at(&self, place: &Place) -> Option<Record<'_>> {
        let chunk = self.chunks.get(place.chunk as usize)?;
        parse_record(chunk.get(place.offset as usize..)?)
    }
}

/// `HashTable` looks at both ends of a hash; a fingerprint has bits at one.
fn spread(fingerprint: u32) -> u64 {
    u64::from(fingerprint) << 32 | u64::from(fingerprint)
}

fn parse_record(bytes: &[u8]) -> Option<Record<'_>> {
    let (envelope, framed) = bytes.split_first_chunk::<ENVELOPE_BYTES>()?;
    let mut length = 0;
    let mut header = 1;
    loop {
        let byte = *framed.get(header)?;
        length |= usize::from(byte & 0x7f) << (7 * (header - 1));
        header += 1;
        if byte < 0x80 {
            break;
        }
    }
    Some(Record {
        envelope: EnvelopeId(u32::from_le_bytes(*envelope)),
        framed: framed.get(..header + length)?,
        span: framed.get(header..header + length)?,
    })
}

/// Appends `value` as a protobuf varint.
pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that `value` takes as a protobuf varint.
pub(super) fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_back_in_order_without_the_ones_sent_again(
            spans in vec((0_u32..4, vec(any::<u8>(), 0..300)), 0..90),
            again in vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut store = SpanStore::default();
            let mut naive: Vec<(u32, Vec<u8>)> = Vec::new();
            let repeated = again.iter().filter(|_| !spans.is_empty()).map(|index| index.get(&spans));
            for (envelope, span) in spans.iter().chain(repeated) {
                store.reserve(1, span.len() as u64, &mut BlockPool::new(1 << 20));
                let is_new = naive.iter().all(|(_, held)| held != span);
                prop_assert_eq!(store.push(EnvelopeId(*envelope), span), is_new);
                if is_new {
                    naive.push((*envelope, span.clone()));
                }
            }
            let found: Vec<_> = store.iter().map(|record| (record.envelope.0, record.span.to_vec())).collect();
            prop_assert_eq!(store.span_count(), naive.len() as u64);
            prop_assert_eq!(found, naive);
        }

        #[test]
        fn a_varint_is_as_long_as_it_is_said_to_be(value in any::<u64>(), shift in 0_u32..64) {
            let mut out = Vec::new();
            push_varint(&mut out, value >> shift);
            prop_assert_eq!(out.len(), varint_len(value >> shift));
        }
    }

    #[test]
    fn chunks_hold_what_is_reserved_and_little_more() {
        let mut store = SpanStore::default();
        for batch in 0..5 {
            store.reserve(5, 5 * 485, &mut BlockPool::new(1 << 20));
            for number in 0..5 {
                assert!(store.push(EnvelopeId(0), &[batch * 5 + number; 485]));
            }
        }
        assert_eq!(store.chunks.len(), 5);
        let wire_bytes = 25 * 485;
        assert!(
            store.held_bytes() * 100 < wire_bytes * 118,
            "{}",
            store.held_bytes()
        );
    }

    #[test]
    fn a_long_trace_has_few_chunks() {
        let mut store = SpanStore::default();
        let mut pool = BlockPool::new(1 << 20);
        for number in 0..100_000_u32 {
            store.reserve(1, 100, &mut pool);
            store.push(
                EnvelopeId(0),
                &[[0; 96].as_slice(), &number.to_le_bytes()].concat(),
            );
        }
        assert!(store.chunks.len() < 150, "{} chunks", store.chunks.len());
    }
}
