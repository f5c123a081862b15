//! A span encoded once, with holes for what differs from trace to trace: identifiers and times.
//!
//! Filling a template is one copy and five small writes, some 30 ns, where encoding the span anew costs 50 times that.
//! The head is written by hand, so the holes' places are known; prost writes the rest.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use super::vocabulary;

/// Key of the attribute that fills a span up to its size.
const FILLER_KEY: &str = "app.request.context";

/// A span as a field of `ScopeSpans`, with holes.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    trace_id_at: usize,
    span_id_at: usize,
    parent_id_at: Option<usize>,
    start_at: usize,
    end_at: usize,
}

/// What goes into the holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// The trace's identifier.
    pub trace_id: [u8; 16],
    /// The span's.
    pub span_id: [u8; 8],
    /// Its parent's; ignored by a template without parent.
    pub parent_id: [u8; 8],
    /// Start, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// End, likewise.
    pub end_ns: u64,
}

impl Template {
    /// Encodes `span`, whose identifiers and times are ignored, with `has_parent`.
    #[must_use]
    pub fn new(span: &Span, has_parent: bool) -> Self {
        let middle = Span {
            name: span.name.clone(),
            kind: span.kind,
            ..Span::default()
        };
        let tail = Span {
            name: String::new(),
            kind: 0,
            trace_id: Vec::new(),
            span_id: Vec::new(),
            parent_span_id: Vec::new(),
            start_time_unix_nano: 0,
            end_time_unix_nano: 0,
            ..span.clone()
        };
        let mut body = Vec::new();
        let trace_id_at = hole(&mut body, &[1 << 3 | 2, 16], 16);
        let span_id_at = hole(&mut body, &[2 << 3 | 2, 8], 8);
        let parent_id_at = has_parent.then(|| hole(&mut body, &[4 << 3 | 2, 8], 8));
        body.extend(middle.encode_to_vec());
        let start_at = hole(&mut body, &[7 << 3 | 1], 8);
        let end_at = hole(&mut body, &[8 << 3 | 1], 8);
        body.extend(tail.encode_to_vec());

        let mut bytes = Vec::with_capacity(body.len() + 4);
        prost::encoding::encode_key(2, prost::encoding::WireType::LengthDelimited, &mut bytes);
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        let head = bytes.len();
        bytes.extend(body);
        Self {
            bytes,
            trace_id_at: head + trace_id_at,
            span_id_at: head + span_id_at,
            parent_id_at: parent_id_at.map(|at| head + at),
            start_at: head + start_at,
            end_at: head + end_at,
        }
    }

    /// The template of `span` at a size of `bytes_wanted`: with a filler attribute, or without the attributes that do
    /// not fit. A span with none of them left is as small as it gets.
    #[must_use]
    pub fn sized(mut span: Span, has_parent: bool, bytes_wanted: usize) -> Self {
        loop {
            let template = Self::new(&span, has_parent);
            let missing = bytes_wanted.saturating_sub(template.len());
            if template.len() > bytes_wanted && span.attributes.pop().is_some() {
                continue;
            }
            return Self::filled(&span, has_parent, missing).unwrap_or(template);
        }
    }

    /// `None` if less is missing than the smallest filler needs.
    fn filled(span: &Span, has_parent: bool, missing: usize) -> Option<Self> {
        let with_filler = |length: usize| {
            let mut span = span.clone();
            let value: String = filler().take(length).collect();
            span.attributes.push(vocabulary::text(FILLER_KEY, &value));
            Self::new(&span, has_parent)
        };
        let size_wanted = Self::new(span, has_parent).len() + missing;
        let overhead = with_filler(0).len().checked_sub(size_wanted - missing)?;
        let mut length = missing.checked_sub(overhead)?;
        // Longer values have longer length fields; a few steps back reach the size.
        loop {
            let template = with_filler(length);
            if template.len() <= size_wanted {
                return Some(template);
            }
            length = length.checked_sub(1)?;
        }
    }

    /// A span with an error status and what goes with it.
    #[must_use]
    pub fn failed(mut span: Span) -> Span {
        span.status = Some(Status {
            message: "deadline exceeded while waiting for the upstream".to_owned(),
            code: StatusCode::Error.into(),
        });
        span.attributes
            .insert(0, vocabulary::text("error.type", "timeout"));
        span
    }

    /// Encoded size with tag and length, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never true: the holes alone take 60 bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends the span with `fill` in its holes.
    pub fn write(&self, out: &mut Vec<u8>, fill: &Fill) {
        let base = out.len();
        out.extend_from_slice(&self.bytes);
        let Some(span) = out.get_mut(base..) else {
            return;
        };
        put(span, self.trace_id_at, &fill.trace_id);
        put(span, self.span_id_at, &fill.span_id);
        if let Some(at) = self.parent_id_at {
            put(span, at, &fill.parent_id);
        }
        put(span, self.start_at, &fill.start_ns.to_le_bytes());
        put(span, self.end_at, &fill.end_ns.to_le_bytes());
    }
}

/// Appends `head` and `length` zeros; gives the place of the zeros.
fn hole(out: &mut Vec<u8>, head: &[u8], length: usize) -> usize {
    out.extend_from_slice(head);
    let at = out.len();
    out.resize(at + length, 0);
    at
}

fn put<const N: usize>(span: &mut [u8], at: usize, value: &[u8; N]) {
    if let Some(hole) = span.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *hole = *value;
    }
}

/// Text that compresses about as well as real attribute values do.
fn filler() -> impl Iterator<Item = char> {
    const WORDS: [&str; 8] = [
        "tenant=acme;",
        "region=eu-1;",
        "cohort=b;",
        "locale=de-CH;",
        "plan=team;",
        "canary=no;",
        "shard=17;",
        "v=3;",
    ];
    WORDS.iter().flat_map(|word| word.chars()).cycle()
}

#[cfg(test)]
mod tests {
    use super::super::shape::Role;
    use super::*;
    use opentelemetry_proto::tonic::trace::v1::ScopeSpans;

    const FILL: Fill = Fill {
        trace_id: *b"0123456789abcdef",
        span_id: *b"01234567",
        parent_id: *b"abcdefgh",
        start_ns: 1_700_000_000_000_000_000,
        end_ns: u64::MAX,
    };

    fn decoded(template: &Template) -> Span {
        let mut out = Vec::new();
        template.write(&mut out, &FILL);
        ScopeSpans::decode(&*out).unwrap().spans.remove(0)
    }

    #[test]
    fn a_filled_template_decodes_to_the_span_it_was_made_of() {
        let plain = Template::failed(vocabulary::span(1, Role::Query, 3));
        let expected = Span {
            trace_id: FILL.trace_id.to_vec(),
            span_id: FILL.span_id.to_vec(),
            parent_span_id: FILL.parent_id.to_vec(),
            start_time_unix_nano: FILL.start_ns,
            end_time_unix_nano: FILL.end_ns,
            ..plain.clone()
        };
        assert_eq!(decoded(&Template::new(&plain, true)), expected);
        let root = Span {
            parent_span_id: Vec::new(),
            ..expected
        };
        assert_eq!(decoded(&Template::new(&plain, false)), root);
    }

    #[test]
    fn sized_templates_have_the_size_asked_for_within_a_fillers_overhead() {
        for role in [Role::Entry, Role::Step, Role::Query, Role::Call(2)] {
            for wanted in [200, 485, 1_000, 70_000] {
                let template = Template::sized(vocabulary::span(1, role, 3), true, wanted);
                assert!(template.len() <= wanted);
                assert!(
                    template.len() + 30 >= wanted || wanted == 200,
                    "{role:?} {wanted}"
                );
                assert_eq!(decoded(&template).trace_id, FILL.trace_id);
            }
        }
    }

    #[test]
    fn a_size_too_small_leaves_the_bare_span() {
        let template = Template::sized(vocabulary::span(0, Role::Entry, 0), false, 1);
        assert_eq!(decoded(&template).attributes, []);
    }
}
