//! `ottl_condition`: conditions in the OpenTelemetry Transformation Language, parsed once and evaluated per span.
//!
//! ```text
//! text --grammar--> Expression --check--> Program --compile--> CompiledCondition --holds--> true, false, error
//! ```
//!
//! The language and its results are those of the collector's `pkg/ottl` v0.156.0 as `tail_sampling` uses it: paths with
//! or without context prefix, its comparison across types, its order of evaluation, and an error where it has one, since
//! `error_mode: propagate` counts them. What is refused is refused when the text is read, at its column.
//!
//! Otherwise than in OTTL, on purpose:
//! - arithmetic within an index is taken (`attributes["list"][1 + 1]`);
//! - lists without the comma that was meant (`["a" -1]`, `[attributes ["a"]]` as two items) are refused or read as one;
//! - an argument given twice by name is refused (the collector crashes), two results of `Split` are not compared (likewise);
//! - bytes within a converter's result cannot be indexed;
//! - `otelcol` paths, lambdas (off in the collector too), and converters that no sampling condition needs are refused.
//!
//! Limits: [`TEXT_BYTES_MAX`] of text, [`NESTING_MAX`] brackets within each other. Attributes named by a constant key
//! are read from their slot; event attributes, whole maps and all else are read from the span's bytes when asked for. A
//! comparison of fields, attributes and literals allocates nothing.

mod arithmetic;
mod check;
mod comparison;
mod convert;
mod error;
mod evaluate;
mod field;
mod functions;
mod grammar;
mod index;
mod json;
mod program;
mod syntax;
mod time_text;
mod value;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::pattern::PatternBudget;
use super::span_context::{SlotAllocator, SlotId, SpanContext};

pub(crate) use error::EvaluationError;
pub use grammar::{NESTING_MAX, TEXT_BYTES_MAX};
pub(super) use json::number_text;

use evaluate::Frame;
use program::Program;

/// A condition, parsed and checked; equal to another of the same text on the same subject.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    subject: Subject,
    program: Arc<Program>,
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
pub(crate) struct CompiledCondition {
    program: Arc<Program>,
    /// By the index of the attribute in the program.
    slots: Box<[SlotId]>,
}

impl Condition {
    /// Parses `text` as a condition on `subject`; its regular expressions have a budget of their own.
    ///
    /// # Errors
    /// [`ParseError`] with the column of the first mistake.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, ParseError> {
        Self::parse_within(text, subject, &PatternBudget::default())
    }

    /// The same, with what its regular expressions take taken from `patterns`.
    ///
    /// # Errors
    /// [`ParseError`] with the column of the first mistake.
    pub fn parse_within(
        text: &str,
        subject: Subject,
        patterns: &PatternBudget,
    ) -> Result<Self, ParseError> {
        let program = grammar::parse(text)
            .and_then(|expression| check::check(text, subject, patterns, &expression))
            .map_err(|fault| fault.in_text(text))?;
        Ok(Self {
            text: text.to_owned(),
            subject,
            program: Arc::new(program),
        })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reserves slots for the attributes that it names.
    pub(crate) fn compile(&self, slots: &mut dyn SlotAllocator) -> CompiledCondition {
        let attributes = self.program.attributes.iter();
        CompiledCondition {
            slots: attributes
                .map(|attribute| slots.slot(attribute.source, &attribute.key))
                .collect(),
            program: Arc::clone(&self.program),
        }
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject && self.text == other.text
    }
}

impl CompiledCondition {
    /// Whether it holds for the span, or for its event at hand.
    ///
    /// # Errors
    /// [`EvaluationError`] where OTTL's evaluation fails.
    #[inline]
    pub(crate) fn holds(&self, span: &SpanContext<'_>) -> Result<bool, EvaluationError> {
        let frame = Frame {
            span,
            slots: &self.slots,
        };
        self.program.predicate.holds(frame)
    }
}
