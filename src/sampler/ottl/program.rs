//! A checked condition: every name is looked up, every literal judged, constants folded.
//!
//! Folding follows OTTL, where it shows: `x and false` is false even if `x` would fail.

use super::field::{Field, MapSource};
use super::functions::{Argument, Function};
use super::syntax::{Arithmetic, Comparison};
use super::value::Value;
use crate::sampler::span_context::AttributeSource;

/// What a condition compiles to, but for the slots of its attributes.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) predicate: Predicate,
    /// Attributes named by constant keys, each once.
    pub(super) attributes: Vec<NamedAttribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedAttribute {
    pub(super) source: AttributeSource,
    pub(super) key: String,
}

/// Something that is true or false.
#[derive(Debug)]
pub(super) enum Predicate {
    Constant(bool),
    Comparison {
        left: Formula,
        operator: Comparison,
        right: Formula,
    },
    /// A converter that stands alone; anything but a bool is an error.
    Converter(Formula),
    Not(Box<Predicate>),
    All(Box<[Predicate]>),
    Any(Box<[Predicate]>),
}

/// Something that has a value.
#[derive(Debug)]
pub(super) enum Formula {
    /// Written in the condition.
    Literal(Value<'static>),
    /// Calculated when the condition was read. OTTL calculates it each time, and does not take it for a literal.
    Constant(Value<'static>),
    /// An attribute by its index in [`Program::attributes`].
    Attribute(usize),
    Field(Field),
    WholeMap(MapSource),
    TraceStateMember(TraceStateKey),
    /// What a path leads to below an attribute or a map of attributes; a missing key gives nil.
    Path {
        base: PathBase,
        keys: Box<[Formula]>,
    },
    /// A part of a converter's result; a missing key is an error.
    Part {
        whole: Box<Formula>,
        keys: Box<[Formula]>,
    },
    Call(Box<Call>),
    List(Box<[Formula]>),
    Map(Box<[(Box<str>, Formula)]>),
    Negated(Box<Formula>),
    Arithmetic {
        first: Box<Formula>,
        rest: Box<[(Arithmetic, Formula)]>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum PathBase {
    Attribute(usize),
    Map(MapSource),
}

/// The key in `trace_state[...]`.
#[derive(Debug)]
pub(super) enum TraceStateKey {
    Text(Box<str>),
    /// OTTL takes it and fails at every evaluation.
    NotText,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) arguments: Box<[Argument]>,
}

impl Formula {
    /// The literal that it is.
    pub(super) fn literal(&self) -> Option<&Value<'static>> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}

impl Predicate {
    /// Negated.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            other => Self::Not(Box::new(other)),
        }
    }

    /// All of `terms`, in order.
    pub(super) fn all(terms: Vec<Self>) -> Self {
        match Self::folded(terms, false) {
            Ok(terms) => Self::All(terms.into()),
            Err(folded) => folded,
        }
    }

    /// Any of `terms`, in order.
    pub(super) fn any(terms: Vec<Self>) -> Self {
        match Self::folded(terms, true) {
            Ok(terms) => Self::Any(terms.into()),
            Err(folded) => folded,
        }
    }

    /// `terms` without the constants among them, or what is known of the whole because of one that `decides`.
    fn folded(terms: Vec<Self>, decides: bool) -> Result<Vec<Self>, Self> {
        let mut left = Vec::with_capacity(terms.len());
        for term in terms {
            match term {
                Self::Constant(value) if value == decides => return Err(Self::Constant(decides)),
                Self::Constant(_) => {}
                other => left.push(other),
            }
        }
        match left.pop() {
            None => Err(Self::Constant(!decides)),
            Some(only) if left.is_empty() => Err(only),
            Some(last) => {
                left.push(last);
                Ok(left)
            }
        }
    }
}
