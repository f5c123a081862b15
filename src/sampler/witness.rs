//! The value that a policy looked at, kept small: it is noted for every decision, for those who ask why.

use std::fmt;

use crate::otlp::wire::value::AnyValue;

/// Longest text kept; of a longer one the beginning.
pub const TEXT_BYTES_MAX: usize = 29;

/// A value of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Witness {
    /// The policy looked at none, or found none.
    #[default]
    Nothing,
    /// Text, perhaps only its beginning.
    Text(ShortText),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// A boolean.
    Bool(bool),
    /// An array, a map or bytes.
    Composed,
    /// A duration.
    Milliseconds(i64),
    /// A number of spans.
    Spans(u64),
    /// A number of bytes.
    Bytes(u64),
    /// Whether a span has status UNSET, OK, ERROR.
    Statuses([bool; 3]),
}

/// The first bytes of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortText {
    bytes: [u8; TEXT_BYTES_MAX],
    length: u8,
    is_cut: bool,
}

impl Witness {
    /// The beginning of `text`, which is UTF-8.
    #[must_use]
    pub fn text(text: &[u8]) -> Self {
        let mut length = text.len().min(TEXT_BYTES_MAX);
        // Not within a character.
        while length > 0 && text.get(length).is_some_and(|byte| byte & 0xc0 == 0x80) {
            length -= 1;
        }
        let mut bytes = [0; TEXT_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(text).take(length) {
            *to = *from;
        }
        Self::Text(ShortText {
            bytes,
            length: length as u8,
            is_cut: length < text.len(),
        })
    }

    /// An attribute's value.
    pub(crate) fn of_value(value: AnyValue<'_>) -> Self {
        match value {
            AnyValue::Empty => Self::Nothing,
            AnyValue::Text(text) => Self::text(text),
            AnyValue::Bool(value) => Self::Bool(value),
            AnyValue::Int(value) => Self::Int(value),
            AnyValue::Double(value) => Self::Double(value),
            AnyValue::Array(_) | AnyValue::Map(_) | AnyValue::Bytes(_) => Self::Composed,
        }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Text(text) => write!(f, "{text}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Composed => f.write_str("(array, map or bytes)"),
            Self::Milliseconds(value) => write!(f, "{value} ms"),
            Self::Spans(1) => f.write_str("1 span"),
            Self::Spans(count) => write!(f, "{count} spans"),
            Self::Bytes(count) => write!(f, "{count} bytes"),
            Self::Statuses(has) => {
                let names = ["UNSET", "OK", "ERROR"];
                let present = names.iter().zip(has).filter(|(_, has)| **has);
                let present: Vec<&str> = present.map(|(name, _)| *name).collect();
                f.write_str(&present.join(", "))
            }
        }
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.bytes.get(..usize::from(self.length));
        let text = String::from_utf8_lossy(kept.unwrap_or_default());
        let more = if self.is_cut { "..." } else { "" };
        write!(f, "{:?}", format!("{text}{more}"))
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Witness::text(b"short").to_string(), "\"short\"");
        let long = format!("{}\u{e9}xyz", "a".repeat(TEXT_BYTES_MAX - 1));
        let shown = Witness::text(long.as_bytes()).to_string();
        assert_eq!(shown, format!("\"{}...\"", "a".repeat(TEXT_BYTES_MAX - 1)));
    }
}
