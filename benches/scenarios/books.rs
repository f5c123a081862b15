//! The backend's books: how many spans of each trace came. Closed until they are asked for, because they cost memory.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tailsieve::otlp::ids::TraceId;
use tailsieve::otlp::wire::SpanHeader;

/// Spans by trace.
#[derive(Debug, Default)]
pub(crate) struct Books {
    are_open: AtomicBool,
    spans: Mutex<HashMap<TraceId, u64>>,
}

impl Books {
    pub(crate) fn are_open(&self) -> bool {
        self.are_open.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, spans: &[SpanHeader]) {
        let mut books = self.spans.lock();
        for span in spans {
            *books.entry(span.trace_id).or_default() += 1;
        }
    }

    /// Writes a line for each trace; from now on traces are noted.
    pub(crate) fn show_and_open(&self, out: &mut impl Write) -> io::Result<()> {
        self.are_open.store(true, Ordering::Relaxed);
        let mut out = BufWriter::new(out);
        for (trace_id, spans) in self.spans.lock().iter() {
            writeln!(out, "{trace_id} {spans}")?;
        }
        out.flush()
    }
}
