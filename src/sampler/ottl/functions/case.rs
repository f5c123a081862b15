//! Upper and lower case, and the cases of identifiers.
//!
//! A character whose other case would be several characters (`ß`) stays as it is, as in Go.

use super::super::evaluate::Outcome;
use super::super::value::Value;
use super::ParameterKind::{Choice, Text};
use super::{Function, Invocation, Parameter, function, required};

const TARGET: &[Parameter] = &[required("target", Text)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "ConvertCase",
        &[
            required("target", Text),
            required("to_case", Choice(&["lower", "upper", "snake", "camel"])),
        ],
        convert_case,
    ),
    function("ToCamelCase", TARGET, |call| converted(call, camel)),
    function("ToLowerCase", TARGET, |call| converted(call, lower)),
    function("ToSnakeCase", TARGET, |call| converted(call, snake)),
    function("ToUpperCase", TARGET, |call| converted(call, upper)),
];

fn convert_case(call: Invocation<'_>) -> Outcome<'_> {
    let convert = match call.literal_text(1) {
        Some("upper") => upper,
        Some("snake") => snake,
        Some("camel") => camel,
        _ => lower,
    };
    converted(call, convert)
}

fn converted(call: Invocation<'_>, convert: fn(&[u8]) -> Vec<u8>) -> Outcome<'_> {
    let target = call.text(0)?;
    Ok(Value::Text(convert(&target).into()))
}

fn lower(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let lowered = text.chars().map(|character| match character {
        'İ' => 'i',
        other => only(other.to_lowercase(), other),
    });
    lowered.collect::<String>().into_bytes()
}

fn upper(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let raised = text
        .chars()
        .map(|character| only(character.to_uppercase(), character));
    raised.collect::<String>().into_bytes()
}

fn only(mut characters: impl Iterator<Item = char>, otherwise: char) -> char {
    match (characters.next(), characters.next()) {
        (Some(only), None) => only,
        _ => otherwise,
    }
}

/// `someJSONValue2` as `some_json_value_2`. Letters of ASCII count, blanks, dots and hyphens part words too.
fn snake(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii();
    let mut snake = Vec::with_capacity(text.len() + 2);
    let mut previous = b'_';
    for (index, &byte) in text.iter().enumerate() {
        let next = text.get(index + 1).copied().unwrap_or(b'_');
        let begins_word =
            byte.is_ascii_uppercase() && next.is_ascii_lowercase() && previous.is_ascii_uppercase();
        if begins_word {
            snake.push(b'_');
        }
        snake.push(match byte {
            b' ' | b'-' | b'.' => b'_',
            other => other.to_ascii_lowercase(),
        });
        let ends_word = match byte {
            b'a'..=b'z' => next.is_ascii_uppercase() || next.is_ascii_digit(),
            b'A'..=b'Z' => next.is_ascii_digit(),
            b'0'..=b'9' => next.is_ascii_alphabetic(),
            _ => false,
        };
        if ends_word {
            snake.push(b'_');
        }
        previous = byte;
    }
    snake
}

/// `some_name` as `SomeName`, `ID` as `Id`. What is neither letter nor digit of ASCII goes.
fn camel(text: &[u8]) -> Vec<u8> {
    let text = match text.trim_ascii() {
        b"ID" => b"Id",
        other => other,
    };
    let mut camel = Vec::with_capacity(text.len());
    let (mut raise_next, mut previous_is_upper) = (true, false);
    for &byte in text {
        let is_upper = byte.is_ascii_uppercase();
        if byte.is_ascii_alphabetic() {
            camel.push(match (raise_next, previous_is_upper && is_upper) {
                (true, _) => byte.to_ascii_uppercase(),
                (false, true) => byte.to_ascii_lowercase(),
                (false, false) => byte,
            });
            raise_next = false;
        } else if byte.is_ascii_digit() {
            camel.push(byte);
            raise_next = true;
        } else {
            raise_next = matches!(byte, b'_' | b' ' | b'-' | b'.');
        }
        previous_is_upper = is_upper;
    }
    camel
}
