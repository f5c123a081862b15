//! What a value is, and how long.

use super::super::Subject;
use super::super::error::Reason;
use super::super::evaluate::Outcome;
use super::super::value::Value;
use super::ParameterKind::{Anything, Bool, Float, Int, Map, SomeOfAnything, Text};
use super::{Function, Invocation, function, required};

pub(super) const FUNCTIONS: &[Function] = &[
    function("Coalesce", &[required("values", SomeOfAnything)], coalesce),
    function("IsBool", &[required("target", Bool)], |call| {
        is(call, |value| matches!(value, Value::Bool(_)))
    }),
    function("IsDouble", &[required("target", Float)], |call| {
        is(call, |value| matches!(value, Value::Float(_)))
    }),
    function("IsInt", &[required("target", Int)], |call| {
        is(call, |value| matches!(value, Value::Int(_)))
    }),
    function("IsList", &[required("target", Anything)], |call| {
        is(call, |value| {
            matches!(value, Value::List(_) | Value::Opaque(_, Some(_)))
        })
    }),
    function("IsMap", &[required("target", Map)], |call| {
        is(call, |value| matches!(value, Value::Map(_)))
    }),
    Function {
        only_of: Some(Subject::Span),
        ..function("IsRootSpan", &[], |call| {
            Ok(Value::Bool(call.frame.span.fields.is_root()))
        })
    },
    function("IsString", &[required("target", Text)], |call| {
        is(call, |value| matches!(value, Value::Text(_)))
    }),
    function("Len", &[required("target", Anything)], length),
];

fn is<'e>(call: Invocation<'e>, judge: fn(&Value<'e>) -> bool) -> Outcome<'e> {
    Ok(Value::Bool(judge(&call.value(0)?)))
}

/// The first that is not nil.
fn coalesce(call: Invocation<'_>) -> Outcome<'_> {
    for formula in call.formulas(0) {
        match formula.value(call.frame)? {
            Value::Nil => {}
            found => return Ok(found),
        }
    }
    Ok(Value::Nil)
}

/// Bytes of a text, items of a list, entries of a map.
fn length(call: Invocation<'_>) -> Outcome<'_> {
    let length = match call.value(0)? {
        Value::Text(bytes) | Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Opaque(_, Some(length)) => length,
        other => {
            return Err(Reason::WrongType {
                expected: "something with a length",
                found: other.type_name(),
            }
            .into());
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}
