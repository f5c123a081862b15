//! What a scalar means: the YAML 1.2 core schema as the collector's library reads it.
//!
//! Source of the rules: `resolve.go` of go-yaml v3. Besides the core schema it takes `_` within numbers, `0b` integers
//! and integers with a leading 0 as octal; `yes` and `on` are strings.

use super::{Scalar, Style};

/// Longest piece of a value shown in a message, in characters.
const SHOWN_MAX: usize = 60;

/// A scalar's meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Resolved<'a> {
    Null,
    Bool(bool),
    /// Within the range of `i64` and `u64` together.
    Int(i128),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    /// What it means by itself.
    pub(crate) fn resolve(&self) -> Resolved<'_> {
        if self.style == Style::Quoted {
            return Resolved::Text(&self.text);
        }
        let text = self.text.as_str();
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
            "true" | "True" | "TRUE" => Resolved::Bool(true),
            "false" | "False" | "FALSE" => Resolved::Bool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
                Resolved::Float(f64::INFINITY)
            }
            "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
            _ => number(text).unwrap_or(Resolved::Text(text)),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self.resolve() {
            Resolved::Null => "nothing".to_owned(),
            Resolved::Bool(_) => shortened(&self.text),
            Resolved::Int(_) | Resolved::Float(_) => {
                format!("the number {}", shortened(&self.text))
            }
            Resolved::Text(text) => format!("the string {:?}", shortened(text)),
        }
    }
}

/// The beginning of a text, so that messages stay short.
pub(crate) fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHOWN_MAX).collect();
    format!("{start}…")
}

fn number(text: &str) -> Option<Resolved<'static>> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    if let Some(integer) = integer(&plain) {
        return Some(Resolved::Int(integer));
    }
    if !is_decimal(&plain) {
        return None;
    }
    plain.parse().ok().map(Resolved::Float)
}

fn integer(plain: &str) -> Option<i128> {
    let (is_negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(plain)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // `from_str_radix` would take a second sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    let value = if is_negative { -magnitude } else { magnitude };
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&value)
        .then_some(value)
}

/// Digits with at most one point and an exponent: what `parse::<f64>` takes, less its names for infinity and NaN.
fn is_decimal(plain: &str) -> bool {
    plain.contains(|c: char| c.is_ascii_digit())
        && plain
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'))
}
