//! Times and durations, and the numbers that they are in units.
//!
//! Hours, minutes and seconds are doubles, what is shorter ints, as in Go.

use super::super::convert;
use super::super::error::{EvaluationError, Reason};
use super::super::evaluate::Outcome;
use super::super::time_text;
use super::super::value::Value;
use super::ParameterKind::{Duration, Int, Text, Time};
use super::{Function, Invocation, Parameter, function, optional, required};

const DURATION: &[Parameter] = &[required("duration", Duration)];
const TIME: &[Parameter] = &[required("time", Time)];
const SECOND_NS: i64 = 1_000_000_000;

pub(super) const FUNCTIONS: &[Function] = &[
    function("Duration", &[required("duration", Text)], |call| {
        let text = call.text(0)?;
        let ns = convert::utf8(&text).and_then(time_text::parse_duration);
        Ok(Value::Duration(ns.ok_or(Reason::Malformed("duration"))?))
    }),
    function("Hours", DURATION, |call| in_units(call, 3_600 * SECOND_NS)),
    function("Minutes", DURATION, |call| in_units(call, 60 * SECOND_NS)),
    function("Seconds", DURATION, |call| in_units(call, SECOND_NS)),
    function("Milliseconds", DURATION, |call| {
        Ok(Value::Int(duration_ns(call)? / 1_000_000))
    }),
    function("Microseconds", DURATION, |call| {
        Ok(Value::Int(duration_ns(call)? / 1_000))
    }),
    function("Nanoseconds", DURATION, |call| {
        Ok(Value::Int(duration_ns(call)?))
    }),
    function(
        "Unix",
        &[required("seconds", Int), optional("nanoseconds", Int)],
        unix,
    ),
    function("UnixMicro", TIME, |call| {
        Ok(Value::Int(time_ns(call)?.div_euclid(1_000)))
    }),
    function("UnixMilli", TIME, |call| {
        Ok(Value::Int(time_ns(call)?.div_euclid(1_000_000)))
    }),
    function("UnixNano", TIME, |call| Ok(Value::Int(time_ns(call)?))),
    function("UnixSeconds", TIME, |call| {
        Ok(Value::Int(time_ns(call)?.div_euclid(SECOND_NS)))
    }),
];

fn duration_ns(call: Invocation<'_>) -> Result<i64, EvaluationError> {
    Ok(convert::duration(&call.value(0)?)?)
}

fn time_ns(call: Invocation<'_>) -> Result<i64, EvaluationError> {
    Ok(convert::time(&call.value(0)?)?)
}

fn in_units(call: Invocation<'_>, unit_ns: i64) -> Outcome<'_> {
    let ns = duration_ns(call)?;
    Ok(Value::Float(
        (ns / unit_ns) as f64 + (ns % unit_ns) as f64 / unit_ns as f64,
    ))
}

/// A time from seconds, and nanoseconds in addition, since 1970.
fn unix(call: Invocation<'_>) -> Outcome<'_> {
    let seconds = call.int(0)?;
    let ns = if call.is_absent(1) { 0 } else { call.int(1)? };
    Ok(Value::Time(
        seconds.saturating_mul(SECOND_NS).saturating_add(ns),
    ))
}
