//! Mistakes in expressions and conditions are told with the column in them, and in the file where that is possible.

use super::super::{environment, parse};
use super::{check_errors, errors, policy};

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
fn expressions_that_are_too_large_together_are_told_at_the_one_that_is_beyond() {
    let large = r"'\pL{250}', '\pL{250}', '\pL{250}', '\pL{250}'";
    let texts = |key: &str, values: &str| {
        format!(
            "  - {{name: {key}, type: string_attribute, string_attribute: {{key: {key}, values: [{values}], enabled_regex_matching: true}}}}\n"
        )
    };
    let policies: String = ["a", "b", "c", "d"].map(|key| texts(key, large)).concat();
    let told = errors(&format!("policies:\n{policies}"));
    assert_eq!(told.lines().count(), 1, "{told}");
    let problem = "column 1 of the expression: with this one, the expressions take more than 67108864 bytes when compiled; repeat less, or smaller classes";
    assert!(told.ends_with(problem), "{told}");
    assert!(told.contains(".values["), "{told}");
    // Those of conditions are counted with them.
    let condition = r#"  - {name: c, type: ottl_condition, ottl_condition: {span: ['IsMatch(name, "\\pL{250}")', 'IsMatch(name, "\\pL{251}")', 'IsMatch(name, "\\pL{252}")', 'IsMatch(name, "\\pL{253}")']}}"#;
    let conditions = [condition; 4].join("\n");
    let told = errors(&format!("policies:\n{conditions}\n"));
    assert!(told.contains("take more than 67108864 bytes"), "{told}");
}

/// The words after the column are those of the parser of conditions.
#[test]
fn a_bad_condition_is_told_with_its_column() {
    let cases = [
        (
            r#"{span: ['true', 'attributes["a" == 1']}"#,
            "2:85: policies[0].ottl_condition.span[1]: column 16 of the condition: ",
        ),
        (
            "{span: [Frobnicate(name)]}",
            "2:61: policies[0].ottl_condition.span[0]: column 1 of the condition: ",
        ),
        (
            r#"{span: 'spanevent.name == "x"'}"#,
            "2:61: policies[0].ottl_condition.span: column 1 of the condition: ",
        ),
        (
            "{span: ['']}",
            "2:62: policies[0].ottl_condition.span[0]: column 1 of the condition: ",
        ),
        (
            r#"{spanevent: ["name = \"x\""]}"#,
            "2:66: policies[0].ottl_condition.spanevent[0]: column 6 of the condition: ",
        ),
        (
            r#"{span: 'IsMatch(name, "a(b")'}"#,
            "2:77: policies[0].ottl_condition.span: column 17 of the condition: ",
        ),
    ];
    for (settings, place) in cases {
        let text = policy(&format!("type: ottl_condition, ottl_condition: {settings}"));
        let errors = errors(&text);
        assert!(errors.starts_with(&format!("p.yaml:{place}")), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_condition_with_commas_may_stand_as_one_string() {
    let text = policy(r#"type: ottl_condition, ottl_condition: {span: 'IsMatch(name, "a,b")'}"#);
    assert!(parse("p.yaml", &text, &environment).is_ok());
}
