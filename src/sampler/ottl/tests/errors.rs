//! Every kind of mistake: its column, what is said of it, and the advice.

use super::support::{asked, encoded, spans};
use crate::sampler::ottl::{Condition, Subject};

/// Text, and the column, problem and advice of its refusal as a condition on spans.
type Refusal = (&'static str, usize, &'static str, &'static str);

fn all_refused(refusals: &[Refusal]) {
    for (text, column, problem, advice) in refusals {
        let error = Condition::parse(text, Subject::Span).unwrap_err();
        let found = (error.column, error.problem.as_str(), error.advice.as_str());
        assert_eq!(found, (*column, *problem, *advice), "{text}");
    }
}

#[test]
fn syntax_errors_point_at_the_token_that_does_not_fit() {
    all_refused(&[
        ("", 1, "the condition is empty", ""),
        ("  ", 1, "the condition is empty", ""),
        (
            "attributes[\"a\" == 1",
            16,
            "expected `]` for the `[`, found `==`",
            "",
        ),
        (
            "name == \"ä\" name",
            13,
            "expected an operator or the end of the condition, found `name`",
            "",
        ),
        (
            "name = \"a\"",
            6,
            "expected an operator or the end of the condition, found `=`",
            "write == to compare",
        ),
        (
            "name == 'a'",
            9,
            "expected a value, found `'`",
            "texts stand in double quotes",
        ),
        (
            "name == \"a",
            9,
            "the text that starts here has no closing quote",
            "",
        ),
        (
            "name == \"\\d\"",
            10,
            "unknown escape in a text",
            "write \\\\ for a backslash",
        ),
        (
            "name == \"a\" && kind == 1",
            13,
            "expected an operator or the end of the condition, found `&&`",
            "write and",
        ),
        (
            "name =~ \"a\"",
            6,
            "expected an operator or the end of the condition, found `=~`",
            "write IsMatch(value, \"pattern\")",
        ),
        (
            "name == \"a\" and",
            16,
            "expected a value, found the end",
            "",
        ),
        ("or kind == 1", 1, "expected a value, found `or`", ""),
        (
            "(name == \"a\"",
            13,
            "expected `)` for the `(`, found the end",
            "",
        ),
        (
            "name == \"a\")",
            12,
            "expected an operator or the end of the condition, found `)`",
            "",
        ),
        (
            "attributes. == 1",
            13,
            "expected a name after the dot, found `==`",
            "",
        ),
        (
            "1 == not true",
            6,
            "`not` stands before a condition, not before a value",
            "write not (...), or not at the start of the comparison",
        ),
        (
            "{\"a\" 1} == nil",
            6,
            "expected `:` after the key, found `1`",
            "",
        ),
        (
            "0x123 == nil",
            1,
            "bytes need two hexadecimal digits each",
            "",
        ),
        ("kind == 09", 9, "a number that starts with 0 is octal", ""),
        (
            "kind == 9223372036854775808",
            9,
            "the number is too large: ints have 64 bits",
            "",
        ),
        ("\u{7}name == 1", 1, "expected a value, found `\\u{7}`", ""),
        (
            "IsMatch(name \"x\")",
            14,
            "expected `)` for the `(`, found `\"`",
            "",
        ),
        (
            "IsMatch",
            8,
            "expected `(` after the name of a converter, found the end",
            "",
        ),
        (
            "isMatch(name, \"x\")",
            1,
            "converters start with a capital letter: `isMatch` is none",
            "did you mean IsMatch?",
        ),
    ]);
}

#[test]
fn unknown_names_are_answered_with_the_nearest_one() {
    all_refused(&[
        (
            "Ismatch(name, \"x\")",
            1,
            "unknown converter `Ismatch`",
            "did you mean IsMatch?",
        ),
        (
            "kind == 1 or Frobnicate(name)",
            14,
            "unknown converter `Frobnicate`",
            "",
        ),
        (
            "ParseXML(name) == nil",
            1,
            "the converter `ParseXML` of OTTL is not supported",
            "",
        ),
        (
            "stats.code == 2",
            1,
            "unknown path `stats.code` of a span",
            "did you mean status.code?",
        ),
        (
            "resource.atributes[\"a\"] == 1",
            10,
            "unknown path `atributes` of a resource",
            "did you mean attributes?",
        ),
        (
            "attributes.foo == 1",
            12,
            "attributes have no field `foo`",
            "write attributes[\"key\"]; a dot belongs into the key",
        ),
        (
            "spanevent.name == \"x\"",
            1,
            "unknown path `spanevent.name` of a span",
            "conditions on events stand under spanevent",
        ),
        (
            "resource == nil",
            1,
            "unknown path `resource` of a span",
            "write resource.attributes[\"key\"]",
        ),
        (
            "kind == SPAN_KIND_SERVE",
            9,
            "unknown enum `SPAN_KIND_SERVE`",
            "did you mean SPAN_KIND_SERVER?",
        ),
        (
            "name[\"x\"] == 1",
            6,
            "`name` cannot be indexed",
            "attributes and trace_state can",
        ),
        (
            "trace_state[\"a\"][\"b\"] == nil",
            18,
            "trace_state takes exactly one key",
            "",
        ),
    ]);
    let error = Condition::parse("IsRootSpan()", Subject::SpanEvent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column 1: `IsRootSpan` is for conditions on spans, not on events"
    );
}

#[test]
fn conditions_and_values_are_told_apart() {
    all_refused(&[
        (
            "name",
            1,
            "a path alone is no condition",
            "compare it, for example with == true or != nil",
        ),
        (
            "true and \"a\"",
            10,
            "a value alone is no condition",
            "compare it with another value",
        ),
        (
            "name == (kind == 1)",
            10,
            "a condition cannot stand where a value is expected",
            "",
        ),
        (
            "name + \"a\" == \"b\"",
            8,
            "a text can be compared only: no arithmetic, parentheses or index",
            "",
        ),
        (
            "attributes[true] == 1",
            12,
            "a bool can be compared only: no arithmetic, parentheses or index",
            "",
        ),
    ]);
}

#[test]
fn arguments_that_a_converter_cannot_take_are_refused_at_their_place() {
    all_refused(&[
        (
            "HasPrefix(name)",
            1,
            "`HasPrefix` lacks its argument `prefix`",
            "it takes target, prefix",
        ),
        (
            "HasPrefix(name, \"a\", \"b\")",
            22,
            "`HasPrefix` takes target, prefix",
            "",
        ),
        (
            "HasPrefix(name, nil)",
            17,
            "the argument `prefix`: expected a string, found nil",
            "",
        ),
        (
            "IsMatch(target=name, target=name)",
            22,
            "the argument `target` is given twice",
            "",
        ),
        (
            "IsMatch(pattern=\"a\", name)",
            22,
            "an argument without a name cannot follow one with a name",
            "",
        ),
        (
            "IsMatch(name, patern=\"a\")",
            15,
            "`IsMatch` has no argument `patern`",
            "did you mean pattern?",
        ),
        (
            "ConvertCase(name, \"uper\") == name",
            19,
            "the argument `to_case` must be one of lower, upper, snake, camel",
            "did you mean upper?",
        ),
        (
            "Concat(name, \"-\") == name",
            8,
            "the argument `vals` must be a list, written out",
            "",
        ),
        (
            "Trim(name, name) == name",
            12,
            "the argument `replacement` must be a text, written out",
            "",
        ),
        (
            "Substring(name, 0, 1, 1) == name",
            23,
            "the argument `utf8_safe` must be true or false, written out",
            "",
        ),
        (
            "TraceID(\"01\") == trace_id",
            1,
            "TraceID: an identifier has 16 bytes or twice as many hexadecimal digits",
            "",
        ),
    ]);
}

#[test]
fn a_bad_regular_expression_is_refused_within_its_text() {
    let error = Condition::parse("IsMatch(name, \"a(\")", Subject::Span).unwrap_err();
    assert!((15..=19).contains(&error.column), "{error}");
    assert!(error.problem.starts_with("regular expression: "), "{error}");
}

#[test]
fn an_evaluation_that_fails_names_the_converter_and_the_types() {
    let span = r#"{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708"}"#;
    let request = encoded(&format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}"#
    ));
    for (condition, expected) in [
        (
            "HasPrefix(attributes[\"a\"], \"b\")",
            "HasPrefix: expected a string, found nil",
        ),
        (
            "Len(String(attributes[\"a\"])) == 1",
            "Len: expected something with a length, found nil",
        ),
        (
            "attributes[\"a\"] + 1 == 1",
            "nil and int cannot be calculated with each other that way",
        ),
        ("kind / 0 == 1", "division by zero"),
        (
            "Len(name)",
            "a value of type int is no condition: a bool is expected",
        ),
        ("Split(name, \",\")[1] == name", "index out of bounds"),
        (
            "name == Substring(name, 0, 1)",
            "Substring: start and length reach beyond the text, or are negative",
        ),
        ("Duration(name) == nil", "Duration: the text is no duration"),
        (
            "IsMatch(name, Concat([\"(\", name], \"\"))",
            "IsMatch: the pattern is no regular expression",
        ),
    ] {
        let results = asked(condition, Subject::Span)
            .unwrap()
            .results(&spans(&request)[0]);
        let error = results[0].clone().unwrap_err();
        assert_eq!(error.to_string(), expected, "{condition}");
    }
}
