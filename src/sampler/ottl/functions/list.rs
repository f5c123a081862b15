//! Search in lists.

use super::super::convert;
use super::super::error::{EvaluationError, Reason};
use super::super::evaluate::Outcome;
use super::super::syntax::Comparison;
use super::super::value::{List, Value};
use super::ParameterKind::{Anything, List as AList};
use super::{Function, Invocation, function, required};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "ContainsValue",
        &[required("target", AList), required("item", Anything)],
        contains_value,
    ),
    function(
        "Index",
        &[required("target", Anything), required("value", Anything)],
        index,
    ),
];

fn contains_value(call: Invocation<'_>) -> Outcome<'_> {
    let list = call.list(0)?;
    let position = position(&list, &call.value(1)?)?;
    Ok(Value::Bool(position.is_some()))
}

/// Where in a text or list a value first stands; -1 if it does not.
fn index(call: Invocation<'_>) -> Outcome<'_> {
    let target = call.value(0)?;
    let value = call.value(1)?;
    let position = match target {
        Value::Text(text) => memchr::memmem::find(&text, &convert::text(value)?),
        other => position(&convert::list(other)?, &value)?,
    };
    let position = position.and_then(|position| i64::try_from(position).ok());
    Ok(Value::Int(position.unwrap_or(-1)))
}

fn position(list: &List<'_>, wanted: &Value<'_>) -> Result<Option<usize>, EvaluationError> {
    for (position, item) in list.iter().enumerate() {
        match Comparison::Equal.holds(&item, wanted) {
            Ok(true) => return Ok(Some(position)),
            // A list of texts equals nothing here, itself neither.
            Ok(false) | Err(Reason::NotComparable) => {}
            Err(reason) => return Err(reason.into()),
        }
    }
    Ok(None)
}
