//! Why a JSON request could not be read, and where.

use std::fmt;

use serde_path_to_error::{Path, Segment};

/// The longest path or reason that an error shows. Both can hold parts of the request, which has no such limit.
const SHOWN_BYTES_MAX: usize = 300;

/// The request is no OTLP/JSON. The client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct JsonError {
    /// How many bytes were read when the fault was found: it begins or ends there.
    pub byte_offset: usize,
    /// The field, as in `resourceSpans[0].scopeSpans[1].spans[2].startTimeUnixNano`, in the names that the request uses.
    /// Empty for the request itself.
    pub path: String,
    /// What is wrong there, showing the value that was found.
    pub reason: String,
}

impl JsonError {
    /// Places `error`, which came of reading `json` at `path`.
    pub(super) fn new(json: &[u8], path: &Path, error: &serde_json::Error) -> Self {
        let mut text = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        if let Some(reason) = text.strip_suffix(&position) {
            text.truncate(reason.len());
        }
        Self {
            byte_offset: byte_offset(json, error.line(), error.column()),
            path: shorten(field_path(path)),
            reason: shorten(text),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} at byte {}", self.reason, self.byte_offset)
    }
}

/// Joins the names of `path`. The last is unknown where the fault lies between two fields.
fn field_path(path: &Path) -> String {
    let text = path.to_string();
    match path.iter().next_back() {
        None => String::new(),
        Some(Segment::Unknown) => text.trim_end_matches(['?', '.']).to_owned(),
        Some(_) => text,
    }
}

/// Turns a line, counted from 1, and a column in bytes into an offset.
fn byte_offset(json: &[u8], line: usize, column: usize) -> usize {
    let lines_before = line.saturating_sub(1);
    let line_start: usize = json
        .split_inclusive(|byte| *byte == b'\n')
        .take(lines_before)
        .map(<[u8]>::len)
        .sum();
    line_start + column
}

fn shorten(mut text: String) -> String {
    if text.len() > SHOWN_BYTES_MAX {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES_MAX));
        text.push('…');
    }
    text
}
