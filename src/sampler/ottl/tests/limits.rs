//! Limits: hostile texts are refused, and don't use up the stack.

use super::support::{asked, encoded, spans};
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
