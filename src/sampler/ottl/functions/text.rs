//! Texts: beginnings, ends and parts. Lengths and positions count bytes, as in Go.
//!
//! `Split` makes much of little, of what whoever sends spans wrote: [`PARTS_MAX`] of [`SPLIT_BYTES_MAX`] are taken, more
//! is an error where the collector has none.

use std::borrow::Cow;

use super::super::convert;
use super::super::error::Reason;
use super::super::evaluate::Outcome;
use super::super::value::{List, Origin, Value};
use super::ParameterKind::{Int, ListOfTextLike, LiteralBool, LiteralText, Text};
use super::{Argument, Function, Invocation, Parameter, function, optional, required};

/// Longest text that `Split` takes.
pub(in super::super) const SPLIT_BYTES_MAX: usize = 1 << 20;
/// Most parts that it makes.
pub(in super::super) const PARTS_MAX: usize = 10_000;

const TARGET_AND_PREFIX: &[Parameter] = &[required("target", Text), required("prefix", Text)];
const TARGET_AND_SUFFIX: &[Parameter] = &[required("target", Text), required("suffix", Text)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "Concat",
        &[
            required("vals", ListOfTextLike),
            required("delimiter", Text),
        ],
        concat,
    ),
    function("HasPrefix", TARGET_AND_PREFIX, |call| {
        let (target, prefix) = (call.text(0)?, call.text(1)?);
        Ok(Value::Bool(target.starts_with(&prefix)))
    }),
    function("HasSuffix", TARGET_AND_SUFFIX, |call| {
        let (target, suffix) = (call.text(0)?, call.text(1)?);
        Ok(Value::Bool(target.ends_with(&suffix)))
    }),
    function(
        "Split",
        &[required("target", Text), required("delimiter", Text)],
        split,
    ),
    function(
        "Substring",
        &[
            required("target", Text),
            required("start", Int),
            required("length", Int),
            optional("utf8_safe", LiteralBool),
        ],
        substring,
    ),
    function(
        "Trim",
        &[
            required("target", Text),
            optional("replacement", LiteralText),
        ],
        trim,
    ),
    function("TrimPrefix", TARGET_AND_PREFIX, |call| {
        let (target, prefix) = (call.text(0)?, call.text(1)?);
        let start = if target.starts_with(&prefix) {
            prefix.len()
        } else {
            0
        };
        Ok(part(target, start, usize::MAX))
    }),
    function("TrimSuffix", TARGET_AND_SUFFIX, |call| {
        let (target, suffix) = (call.text(0)?, call.text(1)?);
        let cut = if target.ends_with(&suffix) {
            suffix.len()
        } else {
            0
        };
        let end = target.len() - cut;
        Ok(part(target, 0, end))
    }),
];

/// Bytes `start..end` of a text, as far as there are any.
fn part(text: Cow<'_, [u8]>, start: usize, end: usize) -> Value<'_> {
    let range = start..end.min(text.len());
    Value::Text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_vec()),
    })
}

/// Nil is written as Go writes it.
fn concat(call: Invocation<'_>) -> Outcome<'_> {
    let delimiter = call.text(1)?;
    let mut joined = Vec::new();
    for (index, formula) in call.formulas(0).iter().enumerate() {
        if index > 0 {
            joined.extend_from_slice(&delimiter);
        }
        let text = convert::text_like(formula.value(call.frame)?)?;
        joined.extend_from_slice(text.as_deref().unwrap_or(b"<nil>"));
    }
    Ok(Value::Text(joined.into()))
}

/// Without a delimiter, into characters.
fn split(call: Invocation<'_>) -> Outcome<'_> {
    let (target, delimiter) = (call.text(0)?, call.text(1)?);
    if target.len() > SPLIT_BYTES_MAX {
        return Err(Reason::TooLong(SPLIT_BYTES_MAX).into());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    if delimiter.is_empty() {
        let characters = target.utf8_chunks().flat_map(|chunk| {
            let valid = chunk.valid().split_inclusive(|_: char| true);
            valid.map(str::as_bytes).chain(chunk.invalid().chunks(1))
        });
        parts.extend(characters.take(PARTS_MAX + 1));
    } else {
        let mut rest = 0;
        let found = memchr::memmem::find_iter(&target, &*delimiter);
        for at in found.take(PARTS_MAX) {
            parts.push(target.get(rest..at).unwrap_or_default());
            rest = at + delimiter.len();
        }
        parts.push(target.get(rest..).unwrap_or_default());
    }
    if parts.len() > PARTS_MAX {
        return Err(Reason::TooManyParts(PARTS_MAX).into());
    }
    let texts = parts.into_iter();
    let texts = texts.map(|part| Value::Text(Cow::Owned(part.to_vec())));
    Ok(Value::List(List::new(Origin::Texts, texts.collect())))
}

/// With `utf8_safe`, characters that the bounds would cut are left out.
fn substring(call: Invocation<'_>) -> Outcome<'_> {
    let start = usize::try_from(call.int(1)?).map_err(|_| Reason::OutOfRange)?;
    let length = usize::try_from(call.int(2)?).map_err(|_| Reason::OutOfRange)?;
    let target = call.text(0)?;
    let end = start.saturating_add(length);
    if length == 0 || end > target.len() {
        return Err(Reason::OutOfRange.into());
    }
    if !matches!(call.argument(3), Argument::Bool(true)) {
        return Ok(part(target, start, end));
    }
    let continues = |at: usize| target.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let (mut safe_start, mut safe_end) = (start, end);
    while continues(safe_start) {
        safe_start += 1;
    }
    while safe_start < safe_end && continues(safe_end) {
        safe_end -= 1;
    }
    let safe_end = safe_end.max(safe_start);
    Ok(part(target, safe_start, safe_end))
}

/// Cuts the characters of the second text, blanks if there is none, from both ends.
fn trim(call: Invocation<'_>) -> Outcome<'_> {
    let target = call.text(0)?;
    let cut = call.literal_text(1).unwrap_or(" ");
    let Some(text) = convert::utf8(&target) else {
        return Ok(Value::Text(target));
    };
    let start = text.len() - text.trim_start_matches(|c| cut.contains(c)).len();
    let end = text.trim_end_matches(|c| cut.contains(c)).len();
    Ok(part(target, start, end))
}
