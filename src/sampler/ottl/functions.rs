//! Converters: their names, parameters and what they do, as tables, one file per family.

mod case;
mod identifier;
mod inspect;
mod list;
mod number;
mod parse_json;
mod pattern;
mod text;
mod time;
mod unsupported;

use std::borrow::Cow;

use super::Subject;
use super::convert;
use super::error::{EvaluationError, Reason};
use super::evaluate::{Frame, Outcome};
use super::program::Formula;
use super::value::{List, Value};

#[cfg(test)]
pub(super) use parse_json::JSON_BYTES_MAX;
pub(super) use pattern::PatternCache;
#[cfg(test)]
pub(super) use text::{PARTS_MAX, SPLIT_BYTES_MAX};
pub(super) use unsupported::is_unsupported;

use crate::sampler::pattern::Pattern;

/// A converter.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// Where it is not known of all subjects.
    pub(super) only_of: Option<Subject>,
    /// Whether OTTL calls it with literals when it reads the condition, and refuses the condition if that fails.
    pub(super) refuses_bad_literals: bool,
    pub(super) evaluate: for<'e> fn(Invocation<'e>) -> Outcome<'e>,
}

/// What a converter takes. Its name, for `name = value`, is compared without regard to case and underscores.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: ParameterKind,
    pub(super) is_required: bool,
}

/// A literal that does not fit is refused when the condition is read, another value fails when it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    Anything,
    Text,
    Int,
    Float,
    Bool,
    Time,
    Duration,
    List,
    Map,
    TextLike,
    IntLike,
    FloatLike,
    BoolLike,
    BytesLike,
    /// A regular expression.
    Pattern,
    /// A list, written out.
    ListOfTextLike,
    /// A list, written out, that is not empty.
    SomeOfAnything,
    /// A text, written out.
    LiteralText,
    /// One of these texts, written out.
    Choice(&'static [&'static str]),
    /// `true` or `false`, written out.
    LiteralBool,
}

/// An argument as checked against its parameter.
#[derive(Debug)]
pub(super) enum Argument {
    Absent,
    Formula(Formula),
    Formulas(Box<[Formula]>),
    Text(Box<str>),
    Bool(bool),
    Pattern(Pattern),
    /// A regular expression that is known only at evaluation.
    ChangingPattern(Formula, PatternCache),
}

/// One call of a converter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invocation<'e> {
    pub(super) arguments: &'e [Argument],
    pub(super) frame: Frame<'e>,
}

const FAMILIES: [&[Function]; 9] = [
    case::FUNCTIONS,
    identifier::FUNCTIONS,
    inspect::FUNCTIONS,
    list::FUNCTIONS,
    number::FUNCTIONS,
    parse_json::FUNCTIONS,
    pattern::FUNCTIONS,
    text::FUNCTIONS,
    time::FUNCTIONS,
];

/// All converters that conditions on `subject` know.
pub(super) fn known(subject: Subject) -> impl Iterator<Item = &'static Function> {
    let all = FAMILIES.iter().copied().flatten();
    all.filter(move |function| function.only_of.is_none_or(|only| only == subject))
}

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    evaluate: for<'e> fn(Invocation<'e>) -> Outcome<'e>,
) -> Function {
    Function {
        name,
        parameters,
        only_of: None,
        refuses_bad_literals: false,
        evaluate,
    }
}

const fn required(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter {
        name,
        kind,
        is_required: true,
    }
}

const fn optional(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter {
        name,
        kind,
        is_required: false,
    }
}

impl ParameterKind {
    /// Whether `literal` can be passed.
    ///
    /// # Errors
    /// [`Reason`] if not.
    pub(super) fn admits(self, literal: &Value<'static>) -> Result<(), Reason> {
        let literal = literal.shared();
        match self {
            Self::Text => convert::text(literal).map(drop),
            Self::Int => convert::int(&literal).map(drop),
            Self::Float => convert::float(&literal).map(drop),
            Self::Bool => convert::bool(&literal).map(drop),
            Self::Time => convert::time(&literal).map(drop),
            Self::Duration => convert::duration(&literal).map(drop),
            Self::List => convert::list(literal).map(drop),
            Self::Map => convert::map(literal).map(drop),
            Self::TextLike => convert::text_like(literal).map(drop),
            Self::IntLike => convert::int_like(&literal).map(drop),
            Self::FloatLike => convert::float_like(&literal).map(drop),
            Self::BoolLike => convert::bool_like(&literal).map(drop),
            Self::BytesLike => convert::bytes_like(literal).map(drop),
            _ => Ok(()),
        }
    }
}

impl<'e> Invocation<'e> {
    fn argument(self, index: usize) -> &'e Argument {
        self.arguments.get(index).unwrap_or(&Argument::Absent)
    }

    fn is_absent(self, index: usize) -> bool {
        matches!(self.argument(index), Argument::Absent)
    }

    /// Of an argument that is absent, nil.
    fn value(self, index: usize) -> Outcome<'e> {
        match self.argument(index) {
            Argument::Formula(formula) => formula.value(self.frame),
            _ => Ok(Value::Nil),
        }
    }

    fn text(self, index: usize) -> Result<Cow<'e, [u8]>, EvaluationError> {
        Ok(convert::text(self.value(index)?)?)
    }

    fn int(self, index: usize) -> Result<i64, EvaluationError> {
        Ok(convert::int(&self.value(index)?)?)
    }

    fn list(self, index: usize) -> Result<List<'e>, EvaluationError> {
        Ok(convert::list(self.value(index)?)?)
    }

    fn formulas(self, index: usize) -> &'e [Formula] {
        match self.argument(index) {
            Argument::Formulas(formulas) => formulas,
            _ => &[],
        }
    }

    fn literal_text(self, index: usize) -> Option<&'e str> {
        match self.argument(index) {
            Argument::Text(text) => Some(text),
            _ => None,
        }
    }
}
