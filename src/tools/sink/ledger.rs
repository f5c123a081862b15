//! The backend's own books: for each trace which spans came, whether its root did, and whether any failed.
//!
//! Memory: about 30 bytes a span. At the limit of spans (20 million by default) further ones are counted as untracked
//! and say nothing about traces or duplicates.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::otlp::ids::{SpanId, TraceId};
use crate::tools::fields::{Fields, Malformed, Value, each_span};

/// Spans by trace.
#[derive(Debug)]
pub struct Ledger {
    traces: HashMap<TraceId, TraceBook>,
    spans: u64,
    spans_max: u64,
    untracked: u64,
    nameless: u64,
}

/// What came of one trace.
#[derive(Debug, Default)]
pub struct TraceBook {
    span_ids: HashSet<SpanId>,
    duplicates: u64,
    has_root: bool,
    has_error: bool,
    start_ns: Option<u64>,
    end_ns: u64,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The trace's identifier, in hexadecimal digits.
    pub trace_id: String,
    /// Different spans that came.
    pub spans: u64,
    /// Spans that came again.
    pub duplicates: u64,
    /// Whether a span without parent came.
    pub root: bool,
    /// Whether a span with an error status came.
    pub error: bool,
    /// From the earliest start to the latest end, in whole milliseconds.
    pub latency_ms: u64,
}

#[derive(Debug, Default)]
struct SpanHead {
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
    has_parent: bool,
    start_ns: u64,
    end_ns: u64,
    is_error: bool,
}

impl Ledger {
    /// Empty books for at most `spans_max` spans.
    #[must_use]
    pub fn new(spans_max: u64) -> Self {
        Self {
            traces: HashMap::new(),
            spans: 0,
            spans_max,
            untracked: 0,
            nameless: 0,
        }
    }

    /// Enters all spans of a request.
    ///
    /// # Errors
    /// [`Malformed`] for a request that is no protobuf; what came before the fault is entered.
    pub fn enter(&mut self, request: &[u8]) -> Result<(), Malformed> {
        each_span(request, |span| {
            self.enter_span(&SpanHead::read(span)?);
            Ok(())
        })
    }

    /// The traces, in no order.
    pub fn traces(&self) -> impl Iterator<Item = (&TraceId, &TraceBook)> {
        self.traces.iter()
    }

    /// Spans beyond the limit.
    #[must_use]
    pub fn untracked(&self) -> u64 {
        self.untracked
    }

    /// Spans without a valid trace or span ID.
    #[must_use]
    pub fn nameless(&self) -> u64 {
        self.nameless
    }

    /// Writes a line for each trace, in order of the identifiers.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut traces: Vec<_> = self.traces().collect();
        traces.sort_unstable_by_key(|(trace_id, _)| **trace_id);
        for (trace_id, book) in traces {
            serde_json::to_writer(&mut *out, &book.entry(trace_id))?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    fn enter_span(&mut self, span: &SpanHead) {
        let (Some(trace_id), Some(span_id)) = (span.trace_id, span.span_id) else {
            self.nameless += 1;
            return;
        };
        if self.spans >= self.spans_max {
            self.untracked += 1;
            return;
        }
        let book = self.traces.entry(trace_id).or_default();
        if !book.span_ids.insert(span_id) {
            book.duplicates += 1;
            return;
        }
        self.spans += 1;
        book.has_root |= !span.has_parent;
        book.has_error |= span.is_error;
        book.start_ns = Some(
            book.start_ns
                .map_or(span.start_ns, |at| at.min(span.start_ns)),
        );
        book.end_ns = book.end_ns.max(span.end_ns);
    }
}

impl TraceBook {
    /// Different spans that came.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.span_ids.len() as u64
    }

    /// Spans that came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Whether a span without parent came.
    #[must_use]
    pub fn has_root(&self) -> bool {
        self.has_root
    }

    /// Whether a span with an error status came.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.has_error
    }

    fn entry(&self, trace_id: &TraceId) -> Entry {
        let length_ns = self.end_ns.saturating_sub(self.start_ns.unwrap_or(0));
        Entry {
            trace_id: trace_id.to_string(),
            spans: self.spans(),
            duplicates: self.duplicates,
            root: self.has_root,
            error: self.has_error,
            latency_ms: length_ns / 1_000_000,
        }
    }
}

impl SpanHead {
    fn read(span: Fields<'_>) -> Result<Self, Malformed> {
        let mut head = Self::default();
        for field in span {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Bytes(id)) => head.trace_id = TraceId::from_wire(id),
                (2, Value::Bytes(id)) => head.span_id = SpanId::from_wire(id),
                (4, Value::Bytes(id)) => head.has_parent = SpanId::from_wire(id).is_some(),
                (7, Value::Fixed64(at)) => head.start_ns = at,
                (8, Value::Fixed64(at)) => head.end_ns = at,
                (15, Value::Bytes(_)) => head.is_error |= is_error(field.message())?,
                _ => {}
            }
        }
        Ok(head)
    }
}

/// Whether a `Status` has the code ERROR (2).
fn is_error(status: Option<Fields<'_>>) -> Result<bool, Malformed> {
    let mut error = false;
    for field in status.into_iter().flatten() {
        let field = field?;
        if field.number == 3 {
            error = field.value == Value::Varint(2);
        }
    }
    Ok(error)
}
