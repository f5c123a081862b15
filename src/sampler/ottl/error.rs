//! What can go wrong: with a text when it is read, and with a condition when it is evaluated.

use std::fmt;

use super::ParseError;

/// A mistake in a text, at a byte offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: String,
    pub(super) advice: String,
}

/// A condition could not be evaluated on a span. Cheap to make: an error is the usual outcome of many conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvaluationError {
    /// The converter whose argument or work it was.
    converter: Option<&'static str>,
    reason: Reason,
}

/// Why an evaluation failed. Types are named as [`super::value::Value::type_name`] does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("expected {expected}, found {found}")]
    WrongType {
        expected: &'static str,
        found: &'static str,
    },
    #[error("a value of type {0} is no condition: a bool is expected")]
    NotABool(&'static str),
    #[error("{left} and {right} cannot be calculated with each other that way")]
    NotCalculable {
        left: &'static str,
        right: &'static str,
    },
    #[error("division by zero")]
    DivisionByZero,
    #[error("{container} cannot be indexed by {key}")]
    NotIndexable {
        container: &'static str,
        key: &'static str,
    },
    #[error("index out of bounds")]
    IndexOutOfBounds,
    #[error("key not found")]
    KeyNotFound,
    #[error("a {0} cannot stand within a map or list that is built by the condition")]
    NotNestable(&'static str),
    #[error("two lists of texts cannot be compared with each other")]
    NotComparable,
    #[error("the text is no {0}")]
    Malformed(&'static str),
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    #[error("more than {0} parts")]
    TooManyParts(usize),
    #[error("start and length reach beyond the text, or are negative")]
    OutOfRange,
    #[error("the pattern is no regular expression")]
    BadPattern,
    #[error("an identifier has {expected} bytes or twice as many hexadecimal digits")]
    BadIdentifier { expected: usize },
    #[error("the collector does not tell events their index")]
    NoEventIndex,
}

impl Fault {
    pub(super) fn new(at: usize, problem: impl Into<String>) -> Self {
        Self {
            at,
            problem: problem.into(),
            advice: String::new(),
        }
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// As a mistake at a column of `text`.
    pub(super) fn in_text(self, text: &str) -> ParseError {
        let characters = text.char_indices();
        ParseError {
            column: 1 + characters.take_while(|(at, _)| *at < self.at).count(),
            problem: self.problem,
            advice: self.advice,
        }
    }
}

impl EvaluationError {
    /// Names the converter in which it happened, the innermost one.
    pub(super) fn within(mut self, converter: &'static str) -> Self {
        self.converter.get_or_insert(converter);
        self
    }
}

impl From<Reason> for EvaluationError {
    fn from(reason: Reason) -> Self {
        Self {
            converter: None,
            reason,
        }
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.converter {
            Some(converter) => write!(f, "{converter}: {}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl std::error::Error for EvaluationError {}
