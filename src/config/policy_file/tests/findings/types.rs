//! The exact message of every mistake, and of every warning, about the settings of each type.

use super::{check_errors, check_warnings, policy};

#[test]
fn mistakes_in_attribute_policies_are_told() {
    check_errors(&[
        (
            &policy(
                "type: numeric_attribute, numeric_attribute: {key: k, min_value: 0, max_value: 0}",
            ),
            "2:59: policies[0].numeric_attribute: min_value and max_value are both 0, which stands for no bound; set one of them; for exactly 0 write an ottl_condition",
        ),
        (
            &policy("type: numeric_attribute, key: k"),
            "2:5: policies[0]: min_value and max_value are both 0, which stands for no bound; set one of them; for exactly 0 write an ottl_condition",
        ),
        (
            &policy("type: numeric_attribute, numeric_attribute: {key: k, min_value: '5'}"),
            r#"2:79: policies[0].numeric_attribute.min_value: expected a number, found the string "5"; remove the quotes: 5"#,
        ),
        (
            &policy(
                "type: numeric_attribute, numeric_attribute: {key: k, minvalue: 5, max_value: 9}",
            ),
            r#"2:68: policies[0].numeric_attribute.minvalue: unknown key; did you mean "min_value"?"#,
        ),
        (
            &policy("type: numeric_attribute, numeric_attribute: {key: 5, min_value: 5}"),
            r#"2:65: policies[0].numeric_attribute.key: expected a string, found the number 5; put it in quotes: "5""#,
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k, values: [1]}"),
            r#"2:75: policies[0].string_attribute.values[0]: expected a string, found the number 1; put it in quotes: "1""#,
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k, values: {a: b}}"),
            "2:74: policies[0].string_attribute.values: expected a list, found a mapping",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [x], invert_match: 'true'}",
            ),
            r#"2:93: policies[0].string_attribute.invert_match: expected true or false, found the string "true""#,
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [x], enabled_regex: true}",
            ),
            "2:79: policies[0].string_attribute.enabled_regex: unknown key; known here: key, invert_match, scope, values, enabled_regex_matching, cache_max_size",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [x], scope: everywhere}",
            ),
            r#"2:86: policies[0].string_attribute.scope: unknown value "everywhere"; one of: any, root, resource, all"#,
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k, values: [x], scope: rot}"),
            r#"2:86: policies[0].string_attribute.scope: unknown value "rot"; did you mean "root"?"#,
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [x], cache_max_size: big}",
            ),
            r#"2:95: policies[0].string_attribute.cache_max_size: expected a number, found the string "big""#,
        ),
        (
            &policy("type: boolean_attribute, boolean_attribute: {key: k, value: 1}"),
            "2:75: policies[0].boolean_attribute.value: expected true or false, found the number 1",
        ),
        (
            &policy("type: boolean_attribute, boolean_attribute: {key: k, value: yes}"),
            r#"2:75: policies[0].boolean_attribute.value: expected true or false, found the string "yes""#,
        ),
    ]);
}

#[test]
fn mistakes_in_other_types_are_told() {
    check_errors(&[
        (
            &policy("type: bytes_limiting, bytes_limiting: {bytes_per_secnd: 5}"),
            r#"2:54: policies[0].bytes_limiting.bytes_per_secnd: unknown key; did you mean "bytes_per_second"?"#,
        ),
        (
            &policy("type: bytes_limiting, bytes_limiting: {bytes_per_second: 5MB}"),
            r#"2:72: policies[0].bytes_limiting.bytes_per_second: expected a number, found the string "5MB"; write a number without the unit "MB""#,
        ),
        (
            &policy("type: span_count, span_count: {min_spans: many}"),
            r#"2:57: policies[0].span_count.min_spans: expected a number, found the string "many""#,
        ),
        (
            &policy("type: trace_state, trace_state: {key: k, values: [5]}"),
            r#"2:65: policies[0].trace_state.values[0]: expected a string, found the number 5; put it in quotes: "5""#,
        ),
        (
            &policy("type: trace_flags, trace_flags: {flags: 1}"),
            "2:48: policies[0].trace_flags.flags: unknown key; there are no keys here",
        ),
        (
            &policy("type: ottl_condition"),
            "2:5: policies[0]: there is no condition; list conditions under span or spanevent",
        ),
        (
            &policy("type: ottl_condition, ottl_condition: {error_mode: ignore}"),
            "2:53: policies[0].ottl_condition: there is no condition; list conditions under span or spanevent",
        ),
        (
            &policy("type: ottl_condition, ottl_condition: {error_mode: ignored, span: ['true']}"),
            r#"2:66: policies[0].ottl_condition.error_mode: unknown value "ignored"; did you mean "ignore"?"#,
        ),
        (
            &policy("type: ottl_condition, ottl_condition: {error_mode: loud, span: ['true']}"),
            r#"2:66: policies[0].ottl_condition.error_mode: unknown value "loud"; one of: ignore, silent, propagate"#,
        ),
        (
            &policy("type: ottl_condition, ottl_condition: {span: [5]}"),
            r#"2:61: policies[0].ottl_condition.span[0]: expected a string, found the number 5; put it in quotes: "5""#,
        ),
        (
            &policy("type: ottl_condition, ottl_condition: {spanevents: ['true'], span: ['true']}"),
            r#"2:54: policies[0].ottl_condition.spanevents: unknown key; did you mean "spanevent"?"#,
        ),
    ]);
}

#[test]
fn attribute_policies_that_can_only_be_a_mistake_are_warned_of() {
    check_warnings(&[
        (
            &policy(
                "type: numeric_attribute, numeric_attribute: {key: k, min_value: 10, max_value: 5}",
            ),
            "2:59: policies[0].numeric_attribute: min_value is above max_value, so no value is within them",
        ),
        (
            &policy(
                "type: numeric_attribute, numeric_attribute: {key: k, min_value: -5, max_value: 0}",
            ),
            "2:94: policies[0].numeric_attribute.max_value: 0 stands for no bound, so every value from min_value on matches; remove it, or write an ottl_condition",
        ),
        (
            &policy(
                "type: numeric_attribute, numeric_attribute: {key: k, max_value: 9223372036854775808}",
            ),
            "2:79: policies[0].numeric_attribute.max_value: the number 9223372036854775808 is taken as -9223372036854775808, as the collector does; write a whole number",
        ),
        (
            &policy("type: numeric_attribute, numeric_attribute: {key: k, min_value: 2.5}"),
            "2:79: policies[0].numeric_attribute.min_value: the number 2.5 is taken as 2, as the collector does; write a whole number",
        ),
        (
            &policy("type: numeric_attribute, numeric_attribute: {min_value: 1}"),
            "2:59: policies[0].numeric_attribute: key is missing, so an attribute without a name is looked for; name the attribute",
        ),
        (
            &policy("type: string_attribute, string_attribute: {values: [x]}"),
            "2:57: policies[0].string_attribute: key is missing, so an attribute without a name is looked for; name the attribute",
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k}"),
            "2:57: policies[0].string_attribute: values lists nothing that could match, so no trace is kept",
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k, values: ['']}"),
            "2:74: policies[0].string_attribute.values: values lists nothing that could match, so no trace is kept",
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: [], invert_match: true}",
            ),
            "2:74: policies[0].string_attribute.values: values lists nothing that could match, so every trace is kept",
        ),
        (
            &policy("type: string_attribute, string_attribute: {key: k, values: ['/api/.*']}"),
            r#"2:75: policies[0].string_attribute.values[0]: "/api/.*" is compared as it is, since it is no expression; set enabled_regex_matching: true"#,
        ),
        (
            &policy(
                "type: string_attribute, string_attribute: {key: k, values: 'a{1,2}', enabled_regex_matching: true}",
            ),
            "2:74: policies[0].string_attribute.values: is split at its commas, as the collector does; write a list of expressions",
        ),
    ]);
}

#[test]
fn other_policies_that_can_only_be_a_mistake_are_warned_of() {
    check_warnings(&[
        (
            &policy("type: bytes_limiting, bytes_limiting: {bytes_per_second: -1}"),
            "2:53: policies[0].bytes_limiting: bytes_per_second is -1, so no rate is granted; set the bytes a second to keep",
        ),
        (
            &policy("type: span_count, span_count: {min_spans: 3000000000}"),
            "2:57: policies[0].span_count.min_spans: 3000000000 is taken as -1294967296, as the collector does; at most 2147483647",
        ),
        (
            &policy("type: span_count, span_count: {min_spans: 5, max_spans: 3}"),
            "2:45: policies[0].span_count: max_spans is below min_spans, so no trace is kept",
        ),
        (
            &policy("type: trace_state, trace_state: {key: 'A B', values: [x]}"),
            r#"2:53: policies[0].trace_state.key: no trace state has the key "A B", so no trace is kept; keys are of a-z, 0-9, _, -, * and /, with at most one @"#,
        ),
        (
            &policy("type: trace_state, trace_state: {values: [x]}"),
            r#"2:47: policies[0].trace_state: no trace state has the key "", so no trace is kept; keys are of a-z, 0-9, _, -, * and /, with at most one @"#,
        ),
        (
            &policy("type: trace_state, trace_state: {key: k, values: []}"),
            "2:64: policies[0].trace_state.values: values lists nothing, so no trace is kept",
        ),
        (
            &policy("type: trace_state, trace_state: {key: k, values: ['a,b']}"),
            r#"2:65: policies[0].trace_state.values[0]: no trace state has the value "a,b"; values are of printable ASCII without comma, equals sign and blank at the end"#,
        ),
        (
            &policy("type: drop, drop: {drop_sub_policy: []}"),
            "2:33: policies[0].drop: drop_sub_policy lists nothing, so every trace is dropped",
        ),
        (
            &policy("type: composite"),
            "2:5: policies[0]: composite_sub_policy lists nothing, so no trace is kept",
        ),
        (
            &policy(
                "type: composite, composite: {composite_sub_policy: [{name: b, type: always_sample}]}",
            ),
            "2:43: policies[0].composite: max_total_spans_per_second is 0, so no trace is kept; set the spans a second to keep",
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, policy_order: [bb], composite_sub_policy: [{name: b, type: always_sample}]}",
            ),
            r#"2:90: policies[0].composite.policy_order[0]: names no sub-policy: "bb"; sub-policies here: b"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, policy_order: [b, b], composite_sub_policy: [{name: b, type: always_sample}]}",
            ),
            r#"2:93: policies[0].composite.policy_order[1]: "b" stands above; remove it"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, policy_order: [errors], composite_sub_policy: [{name: error, type: always_sample}]}",
            ),
            r#"2:90: policies[0].composite.policy_order[0]: names no sub-policy: "errors"; did you mean "error"?"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, composite_sub_policy: [{name: b, type: always_sample}], rate_allocation: [{policy: zz, percent: 50}]}",
            ),
            r#"2:158: policies[0].composite.rate_allocation[0].policy: names no sub-policy: "zz"; sub-policies here: b"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, composite_sub_policy: [{name: b, type: always_sample}], rate_allocation: [{policy: b, percent: 50}, {policy: b, percent: 60}]}",
            ),
            r#"2:184: policies[0].composite.rate_allocation[1].policy: "b" stands above; this one counts"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, composite_sub_policy: [{name: b, type: always_sample}], rate_allocation: [{policy: b, percent: -10}]}",
            ),
            "2:170: policies[0].composite.rate_allocation[0].percent: percent is -10, so the policy gets an equal share",
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 9, composite_sub_policy: [{name: b, type: always_sample}], rate_allocation: [{policy: b, percent: 110}]}",
            ),
            "2:170: policies[0].composite.rate_allocation[0].percent: is above 100, so this policy alone may use up the total",
        ),
    ]);
}
