//! Properties: no text makes the reader panic, and comparison agrees with a naive model.

use proptest::prelude::*;

use super::support::{asked, encoded, spans};
use crate::sampler::ottl::{Condition, Subject};

const TOKENS: &[&str] = &[
    "attributes",
    "name",
    "kind",
    "span",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "==",
    "!=",
    "<=",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    "and",
    "or",
    "not",
    "true",
    "nil",
    "1",
    "2.5",
    "0x01",
    "\"a\"",
    "\"(\"",
    "STATUS_CODE_OK",
    "IsMatch",
    "Len",
    "Split",
    "Duration",
    "=",
    "ä",
    " ",
    "\\",
    "\"",
];

/// A number, as the condition has it and as the naive model has it.
#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i32),
    Float(f64),
}

impl Number {
    fn text(self) -> String {
        match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
        }
    }

    fn naive(self) -> f64 {
        match self {
            Self::Int(value) => f64::from(value),
            Self::Float(value) => value,
        }
    }
}

fn number() -> impl Strategy<Value = Number> {
    let small = prop_oneof![
        (-3_i32..3).prop_map(Number::Int),
        any::<i32>().prop_map(Number::Int)
    ];
    let float = (-12_i32..12).prop_map(|quarters| Number::Float(f64::from(quarters) / 4.0));
    prop_oneof![small, float]
}

/// What a condition on a span named `name` gives.
fn evaluated(condition: &str, name: &str) -> bool {
    let span = serde_json::json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": name,
    });
    let request = serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    let request = encoded(&request.to_string());
    let results = asked(condition, Subject::Span)
        .unwrap()
        .results(&spans(&request)[0]);
    results[0].clone().unwrap()
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = Condition::parse(&text, Subject::Span);
    }

    #[test]
    fn no_sequence_of_tokens_makes_the_reader_panic_or_points_beyond_the_text(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..24)
    ) {
        let text = tokens.concat();
        if let Err(error) = Condition::parse(&text, Subject::SpanEvent) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}");
            prop_assert!(!error.problem.is_empty());
        }
    }

    #[test]
    fn numbers_compare_as_numbers_whatever_their_types(left in number(), right in number()) {
        let (l, r) = (left.naive(), right.naive());
        let naive = [("==", l == r), ("!=", l != r), ("<", l < r), ("<=", l <= r), (">", l > r), (">=", l >= r)];
        for (operator, expected) in naive {
            // The sum keeps the comparison from being folded when it is read.
            let condition = format!("{} + Len(name) {operator} {}", left.text(), right.text());
            prop_assert_eq!(evaluated(&condition, ""), expected, "{}", condition);
        }
    }

    #[test]
    fn texts_compare_byte_by_byte(left in "[a-cä\"\\\\]{0,3}", right in "[a-cä\"\\\\]{0,3}") {
        let (l, r) = (left.as_bytes(), right.as_bytes());
        let naive = [("==", l == r), ("!=", l != r), ("<", l < r), ("<=", l <= r), (">", l > r), (">=", l >= r)];
        for (operator, expected) in naive {
            let literal = right.replace('\\', "\\\\").replace('"', "\\\"");
            let condition = format!("name {operator} \"{literal}\"");
            prop_assert_eq!(evaluated(&condition, &left), expected, "{}", condition);
        }
    }

    #[test]
    fn and_or_and_not_bind_as_written(a in any::<bool>(), b in any::<bool>(), c in any::<bool>()) {
        let text = |value: bool| if value { "name == \"n\"" } else { "name != \"n\"" };
        let (ta, tb, tc) = (text(a), text(b), text(c));
        let cases = [
            (format!("{ta} or {tb} and {tc}"), a || (b && c)),
            (format!("({ta} or {tb}) and {tc}"), (a || b) && c),
            (format!("not {ta} and {tb} or {tc}"), (!a && b) || c),
            (format!("not ({ta} or {tb}) or not {tc}"), !(a || b) || !c),
        ];
        for (condition, expected) in cases {
            prop_assert_eq!(evaluated(&condition, "n"), expected, "{}", condition);
        }
    }
}
