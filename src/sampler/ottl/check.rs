//! The check: an [`Expression`] becomes a [`Program`], or a fault at the place where it makes no sense.
//!
//! Here conditions and values part: where a condition is expected, a comparison, `true`, `false`, a converter or a group
//! of these may stand; where a value is expected, anything else.

mod call;
mod path;
mod suggest;

use std::borrow::Cow;

use super::Subject;
use super::error::{Fault, Reason};
use super::program::{Formula, NamedAttribute, Predicate, Program};
use super::syntax::{Expression, ExpressionKind};
use super::value::{List, Map, Origin, Value};
use crate::sampler::pattern::PatternBudget;
use crate::sampler::span_context::AttributeSource;

/// Names of numbers that conditions may use.
const ENUMS: &[(&str, i64)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
    ("STATUS_CODE_UNSET", 0),
    ("STATUS_CODE_OK", 1),
    ("STATUS_CODE_ERROR", 2),
];

/// Checks what was read from `text` as a condition on `subject`; its regular expressions are compiled within `patterns`.
///
/// # Errors
/// [`Fault`] for names that do not exist, for values where conditions belong and the other way round, and for literals
/// that a converter cannot take.
pub(super) fn check(
    text: &str,
    subject: Subject,
    patterns: &PatternBudget,
    condition: &Expression,
) -> Result<Program, Fault> {
    let mut checker = Checker {
        text,
        subject,
        patterns,
        attributes: Vec::new(),
    };
    let predicate = checker.predicate(condition)?;
    Ok(Program {
        predicate,
        attributes: checker.attributes,
    })
}

struct Checker<'t> {
    text: &'t str,
    subject: Subject,
    patterns: &'t PatternBudget,
    attributes: Vec<NamedAttribute>,
}

impl Checker<'_> {
    fn predicate(&mut self, condition: &Expression) -> Result<Predicate, Fault> {
        match &condition.kind {
            ExpressionKind::Bool(value) => Ok(Predicate::Constant(*value)),
            ExpressionKind::Comparison {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                if let (Some(left), Some(right)) = (left.literal(), right.literal())
                    && let Ok(holds) = operator.holds(left, right)
                {
                    return Ok(Predicate::Constant(holds));
                }
                Ok(Predicate::Comparison {
                    left,
                    operator: *operator,
                    right,
                })
            }
            ExpressionKind::Call(call) => {
                let formula = self.call(condition.at, call)?;
                Ok(Predicate::Converter(formula))
            }
            ExpressionKind::Group(inner) => self.predicate(inner),
            ExpressionKind::Not(inner) => Ok(self.predicate(inner)?.not()),
            ExpressionKind::All(terms) => Ok(Predicate::all(self.predicates(terms)?)),
            ExpressionKind::Any(terms) => Ok(Predicate::any(self.predicates(terms)?)),
            ExpressionKind::Path(_) => {
                let fault = Fault::new(condition.at, "a path alone is no condition");
                Err(fault.advice("compare it, for example with == true or != nil"))
            }
            _ => {
                let fault = Fault::new(condition.at, "a value alone is no condition");
                Err(fault.advice("compare it with another value"))
            }
        }
    }

    fn predicates(&mut self, terms: &[Expression]) -> Result<Vec<Predicate>, Fault> {
        terms.iter().map(|term| self.predicate(term)).collect()
    }

    fn values(&mut self, values: &[Expression]) -> Result<Vec<Formula>, Fault> {
        values.iter().map(|value| self.value(value)).collect()
    }

    fn value(&mut self, value: &Expression) -> Result<Formula, Fault> {
        let literal = match &value.kind {
            ExpressionKind::Nil => Value::Nil,
            ExpressionKind::Bool(value) => Value::Bool(*value),
            ExpressionKind::Int(value) => Value::Int(*value),
            ExpressionKind::Float(value) => Value::Float(*value),
            ExpressionKind::Text(text) => Value::Text(Cow::Owned(text.clone().into_bytes())),
            ExpressionKind::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.clone())),
            ExpressionKind::Enum(name) => Value::Int(self.enumerated(value.at, name)?),
            ExpressionKind::List(items) => return self.list(items),
            ExpressionKind::Map(entries) => return self.map(value.at, entries),
            ExpressionKind::Path(segments) => return self.path(segments),
            ExpressionKind::Call(call) => return self.call(value.at, call),
            ExpressionKind::Group(inner) => return self.operand(inner),
            ExpressionKind::Signed {
                is_negative,
                operand,
            } => return self.signed(*is_negative, operand),
            ExpressionKind::Arithmetic { first, rest } => {
                let first = Box::new(self.operand(first)?);
                let rest: Result<Box<[_]>, Fault> = rest
                    .iter()
                    .map(|(operator, operand)| Ok((*operator, self.operand(operand)?)))
                    .collect();
                return Ok(Formula::Arithmetic { first, rest: rest? });
            }
            ExpressionKind::Comparison { .. }
            | ExpressionKind::Not(_)
            | ExpressionKind::All(_)
            | ExpressionKind::Any(_) => {
                let problem = "a condition cannot stand where a value is expected";
                return Err(Fault::new(value.at, problem));
            }
        };
        Ok(Formula::Literal(literal))
    }

    /// A value in parentheses, or next to an operator of arithmetic: numbers, paths and converters may stand there.
    fn operand(&mut self, operand: &Expression) -> Result<Formula, Fault> {
        let what = match &operand.kind {
            ExpressionKind::Nil => "nil",
            ExpressionKind::Bool(_) => "a bool",
            ExpressionKind::Text(_) => "a text",
            ExpressionKind::Bytes(_) => "bytes",
            ExpressionKind::Enum(_) => "an enum",
            ExpressionKind::List(_) => "a list",
            ExpressionKind::Map(_) => "a map",
            _ => return self.value(operand),
        };
        let problem = format!("{what} can be compared only: no arithmetic, parentheses or index");
        Err(Fault::new(operand.at, problem))
    }

    /// Indices: texts, and what can be calculated.
    fn keys(&mut self, keys: &[Expression]) -> Result<Box<[Formula]>, Fault> {
        let keys = keys.iter().map(|key| match &key.kind {
            ExpressionKind::Text(_) => self.value(key),
            _ => self.operand(key),
        });
        keys.collect()
    }

    fn signed(&mut self, is_negative: bool, operand: &Expression) -> Result<Formula, Fault> {
        let formula = self.operand(operand)?;
        if !is_negative {
            return Ok(formula);
        }
        match operand.kind {
            ExpressionKind::Int(value) => Ok(Formula::Literal(Value::Int(-value))),
            ExpressionKind::Float(value) => Ok(Formula::Literal(Value::Float(-value))),
            _ => Ok(Formula::Negated(Box::new(formula))),
        }
    }

    fn enumerated(&self, at: usize, name: &str) -> Result<i64, Fault> {
        if let Some((_, number)) = ENUMS.iter().find(|(known, _)| *known == name) {
            return Ok(*number);
        }
        let fault = Fault::new(at, format!("unknown enum `{name}`"));
        Err(fault.advice(suggest::nearest(
            name,
            ENUMS.iter().map(|(known, _)| *known),
        )))
    }

    fn list(&mut self, items: &[Expression]) -> Result<Formula, Fault> {
        let items = self.values(items)?;
        let literals: Option<Vec<_>> = items.iter().map(|item| item.literal().cloned()).collect();
        Ok(match literals {
            Some(literals) => Formula::Literal(Value::List(List::new(Origin::Literal, literals))),
            None => Formula::List(items.into()),
        })
    }

    /// Of a key that stands twice the last counts.
    fn map(&mut self, at: usize, entries: &[(String, Expression)]) -> Result<Formula, Fault> {
        let mut formulas: Vec<(Box<str>, Formula)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let value = self.value(value)?;
            formulas.retain(|(known, _)| **known != **key);
            formulas.push((key.as_str().into(), value));
        }
        let literals: Option<Vec<_>> = formulas
            .iter()
            .map(|(key, value)| value.literal().map(|value| (key, value.clone())))
            .collect();
        let Some(literals) = literals else {
            return Ok(Formula::Map(formulas.into()));
        };
        let entries: Result<Vec<_>, Reason> = literals
            .into_iter()
            .map(|(key, value)| Ok((Cow::Owned(key.as_bytes().to_vec()), value.into_entry()?)))
            .collect();
        let entries = entries.map_err(|reason| Fault::new(at, reason.to_string()))?;
        Ok(Formula::Literal(Value::Map(Map::Entries(entries.into()))))
    }

    /// The index of an attribute that is named by a constant key.
    fn attribute(&mut self, source: AttributeSource, key: &str) -> usize {
        let mut known = self.attributes.iter();
        let known = known.position(|known| known.source == source && known.key == key);
        known.unwrap_or_else(|| {
            let key = key.to_owned();
            self.attributes.push(NamedAttribute { source, key });
            self.attributes.len() - 1
        })
    }
}
