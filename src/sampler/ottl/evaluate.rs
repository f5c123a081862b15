//! Evaluation: a checked condition against one span.

use std::borrow::Cow;

use super::arithmetic;
use super::error::{EvaluationError, Reason};
use super::functions::Invocation;
use super::index::lookup;
use super::program::{Formula, PathBase, Predicate, TraceStateKey};
use super::value::{List, Map, Origin, Value};
use crate::otlp::trace_state;
use crate::otlp::wire::value::{AnyValue, RawValue};
use crate::sampler::span_context::{SlotId, SpanContext};

pub(super) type Outcome<'e> = Result<Value<'e>, EvaluationError>;

/// The span at hand, and where its attributes are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'e> {
    pub(super) span: &'e SpanContext<'e>,
    pub(super) slots: &'e [SlotId],
}

impl<'e> Frame<'e> {
    /// The attribute of this index in the program, if the span has it.
    #[inline]
    fn attribute(self, index: usize) -> Option<Value<'e>> {
        self.raw_attribute(index).map(Value::of)
    }

    #[inline]
    fn raw_attribute(self, index: usize) -> Option<RawValue<'e>> {
        self.span.slot(*self.slots.get(index)?)
    }
}

impl Predicate {
    /// Whether it holds; evaluation ends at the first term that decides, or that fails.
    pub(super) fn holds<'e>(&'e self, frame: Frame<'e>) -> Result<bool, EvaluationError> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Comparison {
                left,
                operator,
                right,
            } => {
                if let (Some(left), Some(right)) = (left.text(frame), right.text(frame)) {
                    return Ok(operator.of_texts(left, right));
                }
                let left = left.value(frame)?;
                let right = right.value(frame)?;
                Ok(operator.holds(&left, &right)?)
            }
            Self::Converter(formula) => match formula.value(frame)? {
                Value::Bool(value) => Ok(value),
                other => Err(Reason::NotABool(other.type_name()).into()),
            },
            Self::Not(predicate) => Ok(!predicate.holds(frame)?),
            Self::All(terms) => {
                for term in terms {
                    if !term.holds(frame)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(terms) => {
                for term in terms {
                    if term.holds(frame)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Formula {
    /// The text that it is, where that takes no evaluation: most comparisons are of an attribute with a literal.
    #[inline]
    fn text<'e>(&'e self, frame: Frame<'e>) -> Option<&'e [u8]> {
        match self {
            Self::Literal(Value::Text(text)) => Some(text),
            Self::Attribute(index) => match frame.raw_attribute(*index)?.read() {
                AnyValue::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn value<'e>(&'e self, frame: Frame<'e>) -> Outcome<'e> {
        match self {
            Self::Literal(value) | Self::Constant(value) => Ok(value.shared()),
            Self::Attribute(index) => Ok(frame.attribute(*index).unwrap_or(Value::Nil)),
            Self::Field(field) => Ok(field.read(frame.span)?),
            Self::WholeMap(source) => Ok(Value::Map(source.map(frame.span))),
            Self::TraceStateMember(key) => trace_state_member(frame, key),
            Self::Path { base, keys } => path(frame, *base, keys),
            Self::Part { whole, keys } => part(frame, whole, keys),
            Self::Call(call) => {
                let invocation = Invocation {
                    arguments: &call.arguments,
                    frame,
                };
                let result = (call.function.evaluate)(invocation);
                result.map_err(|error| error.within(call.function.name))
            }
            Self::List(items) => {
                let items: Result<_, _> = items.iter().map(|item| item.value(frame)).collect();
                Ok(Value::List(List::new(Origin::Literal, items?)))
            }
            Self::Map(entries) => map(frame, entries),
            Self::Negated(operand) => Ok(arithmetic::negated(&operand.value(frame)?)?),
            Self::Arithmetic { first, rest } => {
                let mut result = first.value(frame)?;
                for (operator, operand) in rest {
                    result = operator.apply(&result, &operand.value(frame)?)?;
                }
                Ok(result)
            }
        }
    }
}

fn trace_state_member<'e>(frame: Frame<'e>, key: &TraceStateKey) -> Outcome<'e> {
    let Ok(members) = trace_state::Members::parse(frame.span.fields.trace_state) else {
        return Ok(Value::Nil);
    };
    match key {
        TraceStateKey::Text(key) => Ok(Value::text(members.get(key.as_bytes()).unwrap_or(b""))),
        TraceStateKey::NotText => Err(Reason::WrongType {
            expected: "a string",
            found: "another key of trace_state",
        }
        .into()),
    }
}

fn path<'e>(frame: Frame<'e>, base: PathBase, keys: &'e [Formula]) -> Outcome<'e> {
    let base = match base {
        PathBase::Attribute(index) => frame.attribute(index),
        PathBase::Map(source) => Some(Value::Map(source.map(frame.span))),
    };
    let Some(mut value) = base else {
        return Ok(Value::Nil);
    };
    for key in keys {
        match lookup(&value, &key.value(frame)?)? {
            Some(found) => value = found,
            None => return Ok(Value::Nil),
        }
    }
    Ok(value)
}

fn part<'e>(frame: Frame<'e>, whole: &'e Formula, keys: &'e [Formula]) -> Outcome<'e> {
    let mut value = whole.value(frame)?;
    for key in keys {
        let found = lookup(&value, &key.value(frame)?)?;
        value = found.ok_or(Reason::KeyNotFound)?;
    }
    Ok(value)
}

fn map<'e>(frame: Frame<'e>, entries: &'e [(Box<str>, Formula)]) -> Outcome<'e> {
    let entries: Result<Vec<_>, EvaluationError> = entries
        .iter()
        .map(|(key, formula)| {
            let value = formula.value(frame)?.into_entry()?;
            Ok((Cow::Borrowed(key.as_bytes()), value))
        })
        .collect();
    Ok(Value::Map(Map::Entries(entries?.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::wire::span_fields::SpanFields;
    use crate::sampler::ottl::{Condition, Subject};

    #[test]
    fn texts_of_fields_attributes_and_literals_are_compared_where_they_stand() {
        let fields = SpanFields {
            name: b"GET /",
            ..SpanFields::default()
        };
        // An `AnyValue` with the text "gold".
        let attribute = Some(RawValue(b"\x0a\x04gold"));
        let span = SpanContext {
            fields: &fields,
            slots: &[attribute],
            span: &[],
            resource: &[],
            scope: &[],
            event: None,
        };
        let slots = [SlotId(0)];
        for text in [
            "name == \"GET /\"",
            "status.message < trace_state",
            "attributes[\"tier\"] != kind.string",
            "resource.attributes[\"tier\"] == scope.name",
        ] {
            let condition = Condition::parse(text, Subject::Span).unwrap();
            let Predicate::Comparison { left, right, .. } = &condition.program.predicate else {
                panic!("{text} is no comparison");
            };
            for formula in [left, right] {
                let frame = Frame {
                    span: &span,
                    slots: &slots,
                };
                let value = formula.value(frame).unwrap();
                assert!(
                    matches!(value, Value::Text(Cow::Borrowed(_))),
                    "{text}: {value:?}"
                );
            }
        }
    }
}
