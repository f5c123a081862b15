//! Limits: hostile texts are refused, and don't use up the stack.

use super::support::{asked, encoded, spans};
use crate::sampler::ottl::functions::{JSON_BYTES_MAX, PARTS_MAX, SPLIT_BYTES_MAX};
use crate::sampler::ottl::{Condition, NESTING_MAX, Subject, TEXT_BYTES_MAX};

fn refusal(text: &str) -> (usize, String) {
    let error = Condition::parse(text, Subject::Span).unwrap_err();
    (error.column, error.problem)
}

#[test]
fn a_condition_beyond_64_kib_is_refused() {
    let text = format!("name == \"{}\"", "x".repeat(TEXT_BYTES_MAX));
    let problem = "the condition is longer than 65536 bytes".to_owned();
    assert_eq!(refusal(&text), (1, problem));
}

#[test]
fn brackets_of_every_kind_nest_64_deep_and_no_deeper() {
    for (open, inner, close) in [
        ("(", "true", ")"),
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{\"a\":", "1", "}"),
        ("String(", "name", ")"),
        ("attributes[", "\"a\"", "]"),
        ("not (", "true", ")"),
    ] {
        let nested = |depth: usize| {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            if inner == "true" {
                text
            } else {
                format!("{text} == 1")
            }
        };
        // A list without content is as deep as its innermost brackets.
        assert!(
            Condition::parse(&nested(NESTING_MAX), Subject::Span).is_ok(),
            "{open}"
        );
        let (_, problem) = refusal(&nested(NESTING_MAX + 1));
        assert_eq!(problem, "more than 64 brackets within each other", "{open}");
        let (_, problem) = refusal(&open.repeat(TEXT_BYTES_MAX / open.len()));
        assert_eq!(problem, "more than 64 brackets within each other", "{open}");
    }
}

#[test]
fn long_chains_are_read_and_evaluated_without_depth() {
    let span = r#"{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"}"#;
    let request = encoded(&format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}"#
    ));
    let spans = spans(&request);
    let sum = format!("{}0 == 0", "kind+".repeat(10_000));
    let or = format!("{}kind == 0", "kind == 1 or ".repeat(5_000));
    let and = format!("{}kind == 0", "kind == 0 and ".repeat(4_600));
    let list = format!("[{}1] != nil", "1,".repeat(30_000));
    for condition in [sum, or, and, list] {
        let results = asked(&condition, Subject::Span).unwrap().results(&spans[0]);
        assert_eq!(results, [Ok(true)], "{}", &condition[..20]);
    }
}

#[test]
fn a_text_that_ends_anywhere_is_refused_or_read_and_never_panics() {
    let whole = r#"not (IsMatch(name, "^\\d+ä") and attributes["a"][0] + 1.5e3 >= {"k": [0x0a, nil]}["k"]) or x"#;
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let _ = Condition::parse(&whole[..end], Subject::Span);
    }
}

/// What a condition says of a span with this text as its attribute `a`.
fn with_text(condition: &str, text: &str) -> Result<bool, String> {
    let text = serde_json::to_string(text).unwrap();
    let span = format!(
        r#"{{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "attributes": [{{"key": "a", "value": {{"stringValue": {text}}}}}]}}"#
    );
    let request = encoded(&format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}"#
    ));
    let results = asked(condition, Subject::Span)
        .unwrap()
        .results(&spans(&request)[0]);
    let [result] = results.try_into().unwrap();
    result.map_err(|error| error.to_string())
}

#[test]
fn a_text_of_many_parts_is_not_split() {
    let split = |by: &str, parts: usize| {
        let condition = format!(r#"Len(Split(attributes["a"], "{by}")) == {parts}"#);
        let between = if by.is_empty() { "ä" } else { "," };
        let count = parts - usize::from(!by.is_empty());
        with_text(&condition, &between.repeat(count))
    };
    for by in ["", ","] {
        assert_eq!(split(by, PARTS_MAX), Ok(true));
        let error = "Split: more than 10000 parts".to_owned();
        assert_eq!(split(by, PARTS_MAX + 1), Err(error));
    }
    let long = "x".repeat(SPLIT_BYTES_MAX + 1);
    let error = "Split: the text is longer than 1048576 bytes".to_owned();
    let condition = r#"Len(Split(attributes["a"], ",")) == 1"#;
    assert_eq!(with_text(condition, &long), Err(error));
    assert_eq!(with_text(condition, &long[1..]), Ok(true));
}

#[test]
fn a_long_text_is_not_read_as_json() {
    let json = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes - 4));
    let condition = r#"Len(ParseJSON(attributes["a"])) == 1"#;
    assert_eq!(with_text(condition, &json(JSON_BYTES_MAX)), Ok(true));
    let error = "ParseJSON: the text is longer than 262144 bytes".to_owned();
    assert_eq!(with_text(condition, &json(JSON_BYTES_MAX + 1)), Err(error));
}

#[test]
fn a_pattern_from_a_span_may_be_small_alone() {
    let condition = r#"IsMatch(name, attributes["a"])"#;
    assert_eq!(with_text(condition, r"^\pL*$"), Ok(true));
    let error = Err("IsMatch: the pattern is no regular expression".to_owned());
    for _ in 0..2 {
        assert_eq!(with_text(condition, r"\pL{200}"), error);
    }
    assert!(Condition::parse(r#"IsMatch(name, "\\pL{200}")"#, Subject::Span).is_ok());
}

/// By the number of entries: maps that differ in their order, in a value, in a key.
#[test]
fn large_maps_are_equal_whatever_the_order_of_their_keys() {
    let map = |entries: usize, reversed: bool, first: &str| {
        let mut entries: Vec<String> = (0..entries)
            .map(|number| {
                format!(
                    "\"{}{number}\": {number}",
                    if number == 0 { first } else { "k" }
                )
            })
            .collect();
        if reversed {
            entries.reverse();
        }
        format!("{{{}}}", entries.join(","))
    };
    for entries in [3, 33, 5_000] {
        let equal = |other: &str| {
            let pair = format!("[{}, {other}]", map(entries, false, "k"));
            let condition = r#"ParseJSON(attributes["a"])[0] == ParseJSON(attributes["a"])[1]"#;
            with_text(condition, &pair)
        };
        assert_eq!(equal(&map(entries, true, "k")), Ok(true));
        assert_eq!(equal(&map(entries, true, "other")), Ok(false));
        assert_eq!(equal(&map(entries + 1, false, "k")), Ok(false));
        let changed = map(entries, false, "k").replacen(": 1", ": 7", 1);
        assert_eq!(equal(&changed), Ok(false));
    }
}
