//! A trace of a test: where its spans come from, when it is decided, what must become of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::ResourceSpans;

use super::expected::{Expected, expected};
use super::short_span;
use crate::config::Position;
use crate::config::decode::Place;

/// Most times that a trace is decided anew.
const COPIES_MAX: usize = 10_000;

/// A trace, or all traces of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct TestTrace {
    /// Where it stands.
    pub position: Position,
    /// `spans`, `otlp` or `jaeger`.
    pub source: Source,
    /// `trace_id`: of a trace in short form its ID, of a file the only trace of it that is taken.
    pub trace_id: Option<[u8; 16]>,
    /// `at`: when it is decided, from the start of the test. Default 0, or that of the trace before.
    pub at: Duration,
    /// `copies`: how many traces like this arrive, each with an ID of its own. Default 1.
    pub copies: usize,
    /// `decision`, `policy` and `votes`.
    pub expected: Expected,
}

/// Where spans come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `spans`: without trace ID, times relative to the start of the trace.
    Spans(Vec<ResourceSpans>),
    /// `otlp`: files of OTLP/JSON, a request a line, plain or gzipped.
    Otlp(Vec<PathBuf>),
    /// `jaeger`: what Jaeger's UI downloads.
    Jaeger(PathBuf),
}

pub(super) fn traces(place: &Place<'_>, folder: &Path) -> Vec<TestTrace> {
    let items = place.strict_items();
    if items.is_empty() {
        place.error("there are no traces", "");
    }
    let mut at = Duration::ZERO;
    let traces = items.iter().filter_map(|item| {
        let trace = trace(item, folder, at)?;
        at = trace.at;
        Some(trace)
    });
    traces.collect()
}

fn trace(place: &Place<'_>, folder: &Path, not_before: Duration) -> Option<TestTrace> {
    let mut fields = place.fields();
    let mut at = not_before;
    if let Some(time) = fields.take("at") {
        at = time.duration_or_zero().unwrap_or(not_before);
        if at < not_before {
            let advice = "traces stand in order of time";
            time.error("is before the trace above", advice);
        }
    }
    let trace_id = fields.take("trace_id").and_then(|place| trace_id(&place));
    let spans = fields.take("spans");
    let otlp = fields.take("otlp");
    let jaeger = fields.take("jaeger");
    let source = match (&spans, &otlp, &jaeger) {
        (Some(spans), None, None) => Some(Source::Spans(short_span::spans(spans))),
        (None, Some(otlp), None) => Some(Source::Otlp(paths(otlp, folder))),
        (None, None, Some(jaeger)) => path(jaeger, folder).map(Source::Jaeger),
        _ => {
            let advice = "give one of spans, otlp and jaeger";
            let number = [&spans, &otlp, &jaeger].into_iter().flatten().count();
            place.error(format!("has {number} sources of spans"), advice);
            None
        }
    };
    let mut copies = 1;
    if let Some(place) = fields.take("copies") {
        copies = place.count(1..=COPIES_MAX).unwrap_or(1);
        if copies > 1 && spans.is_none() {
            place.error("only traces in short form have copies", "");
        }
    }
    let expected = expected(&mut fields);
    fields.finish();
    Some(TestTrace {
        position: place.position(),
        source: source?,
        trace_id,
        at,
        copies,
        expected,
    })
}

fn trace_id(place: &Place<'_>) -> Option<[u8; 16]> {
    let text = place.identifier()?;
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok();
    let id = number.filter(|number| is_hex && *number != 0);
    if id.is_none() {
        let problem = format!("expected a trace ID, found {text:?}");
        place.error(problem, "32 hexadecimal digits, not all 0");
    }
    id.map(u128::to_be_bytes)
}

fn paths(place: &Place<'_>, folder: &Path) -> Vec<PathBuf> {
    let items = place.items();
    if items.is_empty() {
        place.error("names no file", "");
    }
    items.iter().filter_map(|item| path(item, folder)).collect()
}

fn path(place: &Place<'_>, folder: &Path) -> Option<PathBuf> {
    place.non_empty_text().map(|text| folder.join(text))
}
