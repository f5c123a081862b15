//! Mistakes in expressions and conditions are told with the column in them, and in the file where that is possible.

use super::{check_errors, errors, policy};
use crate::sampler::ottl::{Condition, Subject};

#[test]
fn a_bad_expression_is_told_with_its_column() {
    check_errors(&[
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: ['x', 'a(b'], enabled_regex_matching: true}",
            ),
            r"2:82: policies[0].string_attribute.values[1]: column 2 of the expression: missing ) for this (; write \( for a parenthesis",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: ['a(?=b)'], enabled_regex_matching: true}",
            ),
            "2:77: policies[0].string_attribute.values[0]: column 2 of the expression: (?= begins look-ahead, which RE2 does not have; see https://github.com/google/re2/wiki/Syntax",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: ['it''s a(b'], enabled_regex_matching: true}",
            ),
            r"2:75: policies[0].string_attribute.values[0]: column 7 of the expression: missing ) for this (; write \( for a parenthesis",
        ),
        (
            &policy(
                r#"type: string_attribute, string_attribute: {key: k, values: ["a\\Z"], enabled_regex_matching: true}"#,
            ),
            r"2:75: policies[0].string_attribute.values[0]: column 2 of the expression: unknown escape \Z; for the end of the text write \z or $",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [a(b], enabled_regex_matching: true}",
            ),
            r"2:76: policies[0].string_attribute.values[0]: column 2 of the expression: missing ) for this (; write \( for a parenthesis",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: ['ä{1001}'], enabled_regex_matching: true}",
            ),
            "2:77: policies[0].string_attribute.values[0]: column 2 of the expression: the repeat count {1001} is not valid; counts go up to 1000, the lower first",
        ),
    ]);
}

#[test]
fn a_bad_condition_is_told_with_its_column() {
    if Condition::parse("(", Subject::Span).is_ok() {
        // Conditions are not parsed yet.
        return;
    }
    let error = errors(&policy(
        "type: ottl_condition, ottl_condition: {span: ['true', 'attributes[\"a\" == 1']}",
    ));
    let start = error.find("column ").unwrap();
    let column: usize = error[start + 7..]
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let place = format!(
        "p.yaml:2:{}: policies[0].ottl_condition.span[1]: column {column} of the condition: ",
        69 + column
    );
    assert!(error.starts_with(&place), "{error}");
}
