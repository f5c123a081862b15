//! The exact message of every mistake about policies within others, and about what a policy has besides its type.

use super::super::{environment, parse};
use super::{check_errors, policy};

#[test]
fn mistakes_in_policies_of_policies_are_told() {
    check_errors(&[
        (
            &policy("type: not"),
            "2:5: policies[0]: there is nothing to negate; name one policy under not_sub_policy",
        ),
        (
            &policy("type: not, not: {not_sub_policy: [{name: b, type: always_sample}]}"),
            "2:48: policies[0].not.not_sub_policy: expected one policy, found a list; write it without the list; to negate several, put them into one of type and",
        ),
        (
            &policy("type: not, not: {not_sub_policy: all}"),
            r#"2:48: policies[0].not.not_sub_policy: expected a mapping, found the string "all""#,
        ),
        (
            &policy("type: not, not: {not_sub_policy: {name: b}}"),
            "2:48: policies[0].not.not_sub_policy: type is missing; one of: always_sample, latency, numeric_attribute, probabilistic, status_code, string_attribute, rate_limiting, bytes_limiting, span_count, boolean_attribute, trace_state, trace_flags, ottl_condition, wasm, and, not, drop, composite",
        ),
        (
            &policy("type: and, and: {and_sub_policy: [null]}"),
            "2:49: policies[0].and.and_sub_policy[0]: type is missing; one of: always_sample, latency, numeric_attribute, probabilistic, status_code, string_attribute, rate_limiting, bytes_limiting, span_count, boolean_attribute, trace_state, trace_flags, ottl_condition, wasm, and, not, drop, composite",
        ),
        (
            &policy("type: drop, drop: {drop_sub_policy: {name: b, type: always_sample}}"),
            "2:51: policies[0].drop.drop_sub_policy: expected a list, found a mapping",
        ),
        (
            &policy("type: drop, drop: {sub_policies: []}"),
            "2:34: policies[0].drop.sub_policies: unknown key; known here: drop_sub_policy",
        ),
        (
            &policy(
                "type: and, and: {and_sub_policy: [{name: b, type: always_sample, mode: shadow}]}",
            ),
            "2:80: policies[0].and.and_sub_policy[0].mode: has no place in a sub-policy; move it to the policy of the list that holds this one",
        ),
        (
            &policy(
                "type: and, and: {and_sub_policy: [{name: b, type: always_sample, expires_at: 2026-08-01T12:00:00Z}]}",
            ),
            "2:80: policies[0].and.and_sub_policy[0].expires_at: has no place in a sub-policy; move it to the policy of the list that holds this one",
        ),
        (
            &policy("type: composite, composite: {max_total_spans: 5}"),
            "2:44: policies[0].composite.max_total_spans: unknown key; known here: max_total_spans_per_second, policy_order, composite_sub_policy, rate_allocation, scope",
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 5, rate_allocation: [b]}",
            ),
            r#"2:93: policies[0].composite.rate_allocation[0]: expected a mapping, found the string "b""#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 5, rate_allocation: {b: 50}}",
            ),
            "2:92: policies[0].composite.rate_allocation: expected a list, found a mapping",
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 5, rate_allocation: [{policy: b, percents: 5}]}",
            ),
            r#"2:105: policies[0].composite.rate_allocation[0].percents: unknown key; did you mean "percent"?"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 5, rate_allocation: [{policy: b, percent: 5%}]}",
            ),
            r#"2:114: policies[0].composite.rate_allocation[0].percent: expected a number, found the string "5%"; write 5 without the percent sign"#,
        ),
        (
            &policy(
                "type: composite, composite: {max_total_spans_per_second: 5, policy_order: [5]}",
            ),
            r#"2:90: policies[0].composite.policy_order[0]: expected a string, found the number 5; put it in quotes: "5""#,
        ),
    ]);
}

#[test]
fn mistakes_in_mode_and_expiry_are_told() {
    check_errors(&[
        (
            &policy("type: always_sample, mode: shaddow"),
            r#"2:42: policies[0].mode: unknown value "shaddow"; did you mean "shadow"?"#,
        ),
        (
            &policy("type: always_sample, mode: off"),
            r#"2:42: policies[0].mode: unknown value "off"; one of: active, shadow"#,
        ),
        (
            &policy("type: always_sample, expires_at: tomorrow"),
            r#"2:48: policies[0].expires_at: expected a point in time, found the string "tomorrow"; write it like 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00"#,
        ),
        (
            &policy("type: always_sample, expires_at: 2026-08-01"),
            r#"2:48: policies[0].expires_at: expected a point in time, found the string "2026-08-01"; write it like 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00"#,
        ),
        (
            &policy("type: always_sample, expires_at: 1785585600"),
            "2:48: policies[0].expires_at: expected a point in time, found the number 1785585600; write it like 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00",
        ),
        (
            &policy("type: always_sample, expires_at: 2026-02-30T00:00:00Z"),
            r#"2:48: policies[0].expires_at: expected a point in time, found the string "2026-02-30T00:00:00Z"; write it like 2026-08-01T12:00:00Z or 2026-08-01T14:00:00+02:00"#,
        ),
    ]);
}

#[test]
fn what_cannot_judge_spans_as_they_arrive_is_told() {
    let policy = |text: &str| format!("sampling_strategy: span-ingest\n{}", policy(text));
    check_errors(&[
        (
            &policy("type: rate_limiting, rate_limiting: {spans_per_second: 5}"),
            "3:21: policies[0].type: cannot judge spans as they arrive: rate_limiting counts whole traces; remove sampling_strategy: span-ingest, or this policy",
        ),
        (
            &policy("type: bytes_limiting, bytes_limiting: {bytes_per_second: 5}"),
            "3:21: policies[0].type: cannot judge spans as they arrive: bytes_limiting counts whole traces; remove sampling_strategy: span-ingest, or this policy",
        ),
        (
            &policy("type: latency, latency: {threshold_ms: 5, upper_threshold_ms: 10}"),
            "3:21: policies[0].type: cannot judge spans as they arrive: upper_threshold_ms needs the whole trace; remove sampling_strategy: span-ingest, or this policy",
        ),
        (
            &policy("type: span_count, span_count: {min_spans: 5, max_spans: 10}"),
            "3:21: policies[0].type: cannot judge spans as they arrive: max_spans needs the whole trace; remove sampling_strategy: span-ingest, or this policy",
        ),
        (
            &policy(
                "type: and, and: {and_sub_policy: [{type: not, not: {not_sub_policy: {type: rate_limiting, rate_limiting: {spans_per_second: 5}}}}]}",
            ),
            "3:21: policies[0].type: cannot judge spans as they arrive: rate_limiting counts whole traces; remove sampling_strategy: span-ingest, or this policy",
        ),
    ]);
}

#[test]
fn a_wrong_policy_is_told_and_not_taken_for_a_missing_one() {
    let wrong = [
        ("type: latncy", "2:21: policies[0].type"),
        (
            "type: and, and: {and_sub_policy: [{type: latncy}]}",
            "2:56: policies[0].and.and_sub_policy[0].type",
        ),
        (
            "type: composite, composite: {max_total_spans_per_second: 5, policy_order: [b], composite_sub_policy: [{name: b, type: latncy}], rate_allocation: [{policy: b, percent: 5}]}",
            "2:133: policies[0].composite.composite_sub_policy[0].type",
        ),
    ];
    for (text, place) in wrong {
        let result = parse("p.yaml", &policy(text), &environment);
        let errors = result.unwrap_err();
        assert_eq!(
            errors.to_string(),
            format!("p.yaml:{place}: unknown policy type \"latncy\"; did you mean \"latency\"?")
        );
        assert!(errors.warnings.is_empty(), "{:?}", errors.warnings);
    }
}
