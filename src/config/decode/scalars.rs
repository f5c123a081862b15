//! Scalars of the server file: strict, so that nothing is guessed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use super::size::{format_bytes, parse_bytes};
use super::{Place, nearest};
use crate::config::yaml::{Resolved, Style, Value};

const SIZE_ADVICE: &str = "write it like 512MiB, 64KB or a number of bytes";

impl<'a> Place<'a> {
    /// A string. Numbers and booleans are not taken for strings unless they come from the environment.
    pub(crate) fn text(&self) -> Option<&'a str> {
        let text = self.as_text();
        if text.is_none() {
            let advice = match &self.node.value {
                Value::Scalar(scalar) if !self.is_null() => {
                    format!("put it in quotes: {:?}", scalar.text)
                }
                _ => String::new(),
            };
            self.mismatch("a string", advice);
        }
        text
    }

    /// A string, or a number as it is written: of digits alone, an identifier looks like one.
    pub(crate) fn identifier(&self) -> Option<&'a str> {
        match (&self.node.value, self.resolved()) {
            (Value::Scalar(scalar), Some(Resolved::Int(_) | Resolved::Float(_))) => {
                Some(&scalar.text)
            }
            _ => self.non_empty_text(),
        }
    }

    /// As [`Place::text`], for secrets: no message shows them.
    pub(crate) fn secret_text(&self) -> Option<&'a str> {
        let text = self.as_text();
        if text.is_none() {
            self.error("expected a string", "numbers need quotes");
        }
        text
    }

    fn as_text(&self) -> Option<&'a str> {
        let Value::Scalar(scalar) = &self.node.value else {
            return None;
        };
        match scalar.resolve() {
            Resolved::Text(text) => Some(text),
            _ if scalar.style == Style::Expanded => Some(&scalar.text),
            _ => None,
        }
    }

    /// A string that is not empty.
    pub(crate) fn non_empty_text(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.is_empty() {
            self.error("must not be empty", "");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.resolved() {
            Some(Resolved::Bool(value)) => Some(value),
            _ => {
                self.mismatch("true or false", "");
                None
            }
        }
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let Some(Resolved::Int(value)) = self.resolved() else {
            self.mismatch("a whole number", "");
            return None;
        };
        let in_range = u64::try_from(value).ok().filter(|v| range.contains(v));
        if in_range.is_none() {
            let (low, high) = (range.start(), range.end());
            self.error(format!("{value} is not within {low} and {high}"), "");
        }
        in_range
    }

    /// As [`Place::integer`], for counts of things in memory.
    pub(crate) fn count(&self, range: RangeInclusive<usize>) -> Option<usize> {
        let range = *range.start() as u64..=*range.end() as u64;
        self.integer(range)
            .and_then(|value| usize::try_from(value).ok())
    }

    /// A size in bytes within `range`.
    pub(crate) fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let bytes = match self.resolved() {
            Some(Resolved::Int(value)) => u64::try_from(value).ok(),
            Some(Resolved::Text(text)) => parse_bytes(text),
            _ => None,
        };
        let Some(bytes) = bytes else {
            self.mismatch("a size", SIZE_ADVICE);
            return None;
        };
        if bytes < *range.start() {
            let low = format_bytes(*range.start());
            self.error(
                format!("{} is too small", format_bytes(bytes)),
                format!("at least {low}"),
            );
            return None;
        }
        if bytes > *range.end() {
            let high = format_bytes(*range.end());
            self.error(
                format!("{} is too large", format_bytes(bytes)),
                format!("at most {high}"),
            );
            return None;
        }
        Some(bytes)
    }

    /// As [`Place::size`], for what is held in one piece.
    pub(crate) fn size_in_memory(&self, range: RangeInclusive<u64>) -> Option<usize> {
        self.size(range)
            .and_then(|bytes| usize::try_from(bytes).ok())
    }

    /// One of some names.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let advice = match nearest(text, &names) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("one of: {}", names.join(", ")),
        };
        self.error(format!("unknown value {text:?}"), advice);
        None
    }

    /// An IP address, or `localhost`, and a port.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let text = self.text()?;
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        let address = numeric.parse().ok();
        if address.is_none() {
            let advice = match text.strip_prefix(':') {
                Some(port) => format!("for all interfaces write 0.0.0.0:{port}"),
                None => "write it like 127.0.0.1:4317, 0.0.0.0:4317 or [::1]:4317".to_owned(),
            };
            self.error(
                format!("expected an IP address and a port, found {text:?}"),
                advice,
            );
        }
        address
    }

    pub(super) fn resolved(&self) -> Option<Resolved<'a>> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar.resolve()),
            _ => None,
        }
    }
}
