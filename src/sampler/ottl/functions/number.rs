//! Conversion between types. Nil stays nil.

use super::super::convert;
use super::super::value::Value;
use super::ParameterKind::{BoolLike, FloatLike, IntLike, TextLike};
use super::{Function, function, required};

pub(super) const FUNCTIONS: &[Function] = &[
    function("Bool", &[required("target", BoolLike)], |call| {
        let value = convert::bool_like(&call.value(0)?)?;
        Ok(value.map_or(Value::Nil, Value::Bool))
    }),
    function("Double", &[required("target", FloatLike)], |call| {
        let value = convert::float_like(&call.value(0)?)?;
        Ok(value.map_or(Value::Nil, Value::Float))
    }),
    function("Int", &[required("target", IntLike)], |call| {
        let value = convert::int_like(&call.value(0)?)?;
        Ok(value.map_or(Value::Nil, Value::Int))
    }),
    function("String", &[required("target", TextLike)], |call| {
        let value = convert::text_like(call.value(0)?)?;
        Ok(value.map_or(Value::Nil, Value::Text))
    }),
];
