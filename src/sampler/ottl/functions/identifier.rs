//! Identifiers to compare `trace_id` and `span_id` with, and bytes as hexadecimal digits.

use super::super::convert;
use super::super::error::{EvaluationError, Reason};
use super::super::evaluate::Outcome;
use super::super::value::Value;
use super::ParameterKind::BytesLike;
use super::{Function, Invocation, Parameter, function, required};

const TARGET: &[Parameter] = &[required("target", BytesLike)];

pub(super) const FUNCTIONS: &[Function] = &[
    function("Hex", TARGET, |call| {
        let bytes = convert::bytes_like(call.value(0)?)?;
        Ok(Value::Text(convert::hex(&bytes).into_bytes().into()))
    }),
    Function {
        refuses_bad_literals: true,
        ..function("SpanID", TARGET, span_id)
    },
    Function {
        refuses_bad_literals: true,
        ..function("TraceID", TARGET, trace_id)
    },
];

fn span_id(call: Invocation<'_>) -> Outcome<'_> {
    identifier(call).map(Value::SpanId)
}

fn trace_id(call: Invocation<'_>) -> Outcome<'_> {
    identifier(call).map(Value::TraceId)
}

/// From as many bytes, or twice as many digits.
fn identifier<const LENGTH: usize>(call: Invocation<'_>) -> Result<[u8; LENGTH], EvaluationError> {
    let bytes = convert::bytes_like(call.value(0)?)?;
    if let Ok(id) = <[u8; LENGTH]>::try_from(bytes.as_ref()) {
        return Ok(id);
    }
    let from_hex = || {
        let mut id = [0; LENGTH];
        for (byte, pair) in id.iter_mut().zip(bytes.chunks(2)) {
            let digits = convert::utf8(pair).filter(|pair| !pair.starts_with('+'))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        (bytes.len() == 2 * LENGTH).then_some(id)
    };
    from_hex().ok_or_else(|| Reason::BadIdentifier { expected: LENGTH }.into())
}
