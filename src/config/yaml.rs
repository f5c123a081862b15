//! YAML as a tree in which every value knows its line and column.
//!
//! Bounded: [`FILE_BYTES_MAX`] of text, and, once aliases are expanded, [`NODES_MAX`] values, [`TEXT_BYTES_MAX`] of
//! scalars and [`DEPTH_MAX`] levels, so that an alias bomb is an error and not an outage. One document a file. Anchors,
//! aliases and merge keys (`<<`) are resolved here; a key that stands twice in a mapping is an error.

mod loader;
mod merge;
mod scalar;
mod tag;
mod weight;

pub(crate) use loader::parse;
pub(crate) use scalar::Resolved;
pub(crate) use weight::weigh;

use super::finding::Position;

/// Longest file read.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Most values in a file after aliases are expanded.
pub const NODES_MAX: usize = 200_000;
/// Most bytes of keys and scalars in a file after aliases are expanded.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 64;

/// A value and where it stands. A value that an alias stands for has the place of the original.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) position: Position,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In the order of the file, keys unique.
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) position: Position,
    /// Not quoted: only then is `<<` a merge key.
    pub(crate) is_plain: bool,
}

/// A scalar as written; [`Scalar::resolve`] says what it means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// Columns between the value's place and its first character, when it stands in the file as it is: on one line and
    /// without escapes.
    pub(crate) inset: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: may be a number, a boolean or nothing.
    Plain,
    /// In quotes or a block: always a string.
    Quoted,
    /// Came from the environment: a string where a string is wanted, else what it would be without quotes.
    Expanded,
}

impl Node {
    pub(crate) fn null(position: Position) -> Self {
        let scalar = Scalar {
            text: String::new(),
            style: Style::Plain,
            inset: None,
        };
        Self {
            value: Value::Scalar(scalar),
            position,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.resolve() == Resolved::Null)
    }

    /// What a reader of an error message calls this value.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) => scalar.describe(),
        }
    }
}

#[cfg(test)]
mod tests;
