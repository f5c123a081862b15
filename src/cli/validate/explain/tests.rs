//! The words of every type.

use super::explain;
use crate::config::policy_file::parse;

fn lines(text: &str) -> Vec<String> {
    explain(&parse("p.yaml", text, &|_| None).unwrap().config)
}

/// The words of a single policy, written as a flow mapping without its name.
fn words(policy: &str) -> Vec<String> {
    let lines = lines(&format!("policies: [{{name: a, {policy}}}]"));
    let start = lines
        .iter()
        .position(|line| line.starts_with("  a"))
        .unwrap();
    let end = lines
        .iter()
        .rposition(|line| line.starts_with("  "))
        .unwrap();
    lines[start..=end].to_vec()
}

fn check(cases: &[(&str, &[&str])]) {
    for (policy, expected) in cases {
        assert_eq!(words(policy), *expected, "{policy}");
    }
}

#[test]
fn every_type_has_its_words() {
    check(&[
        ("type: always_sample", &["  a: always"]),
        (
            "type: latency, threshold_ms: 5",
            &["  a: it took longer than 5 ms"],
        ),
        (
            "type: latency, threshold_ms: 5, upper_threshold_ms: 9",
            &["  a: it took longer than 5 ms and up to 9 ms, as far as its spans have arrived"],
        ),
        (
            "type: numeric_attribute, key: k, min_value: 1, max_value: 9",
            &[r#"  a: "k" is from 1 to 9 in a span or its resource"#],
        ),
        (
            "type: numeric_attribute, key: k, min_value: 1, scope: root",
            &[r#"  a: "k" is 1 or more in its root span or the resource of it"#],
        ),
        (
            "type: string_attribute, key: k, values: [x, y, z], scope: all",
            &[r#"  a: "k" is "x", "y" or "z" in every span or its resource"#],
        ),
        (
            "type: string_attribute, key: k, values: ['^x'], enabled_regex_matching: true, invert_match: true",
            &[r#"  a: it is not so that "k" matches /^x/ in a span or its resource"#],
        ),
        (
            "type: string_attribute, key: k, values: 'a,b,c,d,e,f,g,h,i,j'",
            &[
                r#"  a: "k" is "a", "b", "c", "d", "e", "f", "g", "h" or 2 more in a span or its resource"#,
            ],
        ),
        (
            "type: boolean_attribute, key: k, scope: resource",
            &[r#"  a: "k" is false in a resource"#],
        ),
        (
            "type: status_code, status_codes: [OK, ERROR]",
            &["  a: a span has the status OK or ERROR"],
        ),
        (
            "type: probabilistic, sampling_percentage: 150",
            &["  a: its ID is among 100 % of all"],
        ),
        (
            "type: rate_limiting, spans_per_second: 5",
            &["  a: it fits into 5 spans a second, 10 at once"],
        ),
        (
            "type: bytes_limiting, bytes_per_second: 5, burst_capacity: 7",
            &["  a: it fits into 5 bytes a second, 7 at once"],
        ),
        (
            "type: span_count, min_spans: 2",
            &["  a: it has 2 spans or more"],
        ),
        (
            "type: span_count, max_spans: 2",
            &["  a: it has 2 spans or fewer"],
        ),
        (
            "type: span_count, min_spans: 2, max_spans: 5",
            &["  a: it has 2 to 5 spans"],
        ),
        (
            "type: trace_state, key: k, values: [x]",
            &[r#"  a: a span's trace state has "k" as "x""#],
        ),
        (
            "type: trace_flags",
            &["  a: a span was sampled at its head"],
        ),
        (
            r#"type: ottl_condition, span: ['true'], spanevent: ['name == "x"']"#,
            &[r#"  a: on a span: true; or on an event: name == "x""#],
        ),
    ]);
}

#[test]
fn policies_within_others_stand_below_them() {
    check(&[
        (
            "type: and, and_sub_policy: [{type: not, not_sub_policy: {name: n, type: trace_flags}}]",
            &[
                "  a: all of these say so:",
                "    #0: this does not say so:",
                "      n: a span was sampled at its head",
            ],
        ),
        (
            "type: drop, drop_sub_policy: [{name: d, type: trace_flags}]",
            &[
                "  a: all of these would keep it:",
                "    d: a span was sampled at its head",
            ],
        ),
        (
            "type: composite, max_total_spans_per_second: 9, composite_sub_policy: [{name: b, type: trace_flags}, {name: c, type: always_sample}], rate_allocation: [{policy: b, percent: 60}]",
            &[
                "  a: the first of these that says so has room in its part of 9 spans a second:",
                "    b (60 %): a span was sampled at its head",
                "    c (an equal part): always",
            ],
        ),
    ]);
}

#[test]
fn the_settings_around_the_policies_are_told() {
    assert_eq!(
        lines(
            "decision_wait: 90s\ndecision_wait_after_root_received: 500ms\nnum_traces: 9\nnum_traces_overflow: discard\nmaximum_trace_size_bytes: 5\nsample_on_first_match: true\ncompat: '0.156'\npolicies: [{name: a, type: latency, threshold_ms: 5, mode: shadow, expires_at: 2026-08-01T12:00:00Z}]"
        ),
        [
            "A trace is decided 90s after its first span, or 500ms after its root if that is earlier.",
            "At 9 traces the oldest is discarded.",
            "A trace of more than 5 bytes is not kept.",
            "It is kept if one of these says so, asked in this order until one does:",
            "  a (shadow: counted, not acted upon; until 2026-08-01T12:00:00.000Z): it took 5 ms or longer",
            "Otherwise it is not kept.",
        ]
    );
    assert_eq!(
        lines("policies: []"),
        [
            "A trace is decided 30s after its first span.",
            "No policy keeps it."
        ]
    );
    assert_eq!(
        lines("sampling_strategy: span-ingest")[0],
        "Each part of a trace is judged as it arrives; what no part decided is not kept, 30s after the first span."
    );
}

#[test]
fn strict_rules_are_told_as_such() {
    let strict = lines(
        "strict: true\npolicies: [{name: a, type: latency, threshold_ms: 5, upper_threshold_ms: 9}, {name: c, type: composite, max_total_spans_per_second: 9, policy_order: [y, x], composite_sub_policy: [{name: x, type: trace_flags}, {name: y, type: always_sample}]}]",
    );
    assert_eq!(strict[2], "  a: it took longer than 5 ms and up to 9 ms");
    assert_eq!(strict[4], "    y (an equal part): always");
}
