//! The exact message of every mistake and of every warning.

use super::{environment, parse};

mod files;
mod nested;
mod plugins;
mod syntax;
mod types;

fn errors(text: &str) -> String {
    let errors = parse("p.yaml", text, &environment).unwrap_err();
    errors.to_string()
}

fn warnings(text: &str) -> Vec<String> {
    let checked = parse("p.yaml", text, &environment).unwrap();
    checked.warnings.iter().map(ToString::to_string).collect()
}

/// Each text has one mistake with this message.
fn check_errors(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(errors(text), format!("p.yaml:{message}"), "{text}");
    }
}

/// Each text is valid and has this one warning.
fn check_warnings(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(warnings(text), [format!("p.yaml:{message}")], "{text}");
    }
}

/// A file of one policy, which stands at 2:5.
fn policy(text: &str) -> String {
    format!("policies:\n  - {{name: a, {text}}}\n")
}

#[test]
fn mistakes_at_the_top_are_told() {
    check_errors(&[
        (
            "Decision_Wait: 1s\npolicies: [{name: a, type: always_sample}]",
            "1:1: Decision_Wait: unknown key; did you mean \"decision_wait\"?",
        ),
        ("- name: a", "1:1: expected a mapping, found a list"),
        (
            "policies: all",
            "1:11: policies: expected a list, found the string \"all\"",
        ),
        (
            "policies: {a: 1}",
            "1:11: policies: expected a list, found a mapping",
        ),
        (
            "policies: [x]",
            "1:12: policies[0]: expected a mapping, found the string \"x\"",
        ),
        (
            "decision_wait: '5'",
            "1:16: decision_wait: expected a duration, found the string \"5\" without unit; write it like 30s, 1m30s, 500ms or 1d",
        ),
        (
            "num_traces: '100'",
            "1:13: num_traces: expected a number, found the string \"100\"; remove the quotes: 100",
        ),
        ("num_traces: -1", "1:13: num_traces: must not be negative"),
        (
            "sample_on_first_match: 'yes'",
            "1:24: sample_on_first_match: expected true or false, found the string \"yes\"",
        ),
        (
            "sampling_strategy: fast",
            "1:20: sampling_strategy: unknown value \"fast\"; one of: trace-complete, span-ingest",
        ),
        (
            "sampling_strategy: trace_complete",
            "1:20: sampling_strategy: unknown value \"trace_complete\"; did you mean \"trace-complete\"?",
        ),
        (
            "maximum_trace_size_bytes: -5",
            "1:27: maximum_trace_size_bytes: must not be negative",
        ),
        (
            "block_on_overflow: 1",
            "1:20: block_on_overflow: expected true or false, found the number 1",
        ),
        (
            "num_traces_overflow: evict",
            "1:22: num_traces_overflow: unknown value \"evict\"; one of: decide, discard",
        ),
        (
            "strict: always",
            "1:9: strict: expected true or false, found the string \"always\"",
        ),
        (
            "compat: 0.156",
            "1:9: compat: expected a string, found the number 0.156; put it in quotes: \"0.156\"",
        ),
        (
            "compat: '0.140'",
            "1:9: compat: unknown value \"0.140\"; one of: latest, 0.156",
        ),
        (
            "tail_storage: pebble",
            "1:15: tail_storage: is not supported; remove it: traces are held in memory",
        ),
        (
            "decision_cache: {size: 1}",
            "1:18: decision_cache.size: unknown key; known here: sampled_cache_size, non_sampled_cache_size",
        ),
        (
            "decision_wait: ${env:NOPE}",
            "1:16: decision_wait: the environment variable NOPE is not set; set it, or write ${env:NOPE:-default}",
        ),
    ]);
}

#[test]
fn mistakes_about_where_the_settings_stand_are_told() {
    check_errors(&[
        (
            "tail_sampling: {}\npolicies: []",
            "2:1: policies: unknown key beside tail_sampling; move it below tail_sampling, or remove it",
        ),
        (
            "processors: {batch: {}}",
            "1:13: processors: tail_sampling is missing; name a configuration that has the processor",
        ),
        ("processors:", "1:1: processors: tail_sampling is missing"),
        (
            "processors: {tail_sampling/a: {}, tail_sampling/b: {}}",
            "1:35: processors.tail_sampling/b: is a second tail_sampling beside tail_sampling/a; keep one of them",
        ),
        (
            "processors: {tail_sampling: {num_trace: 5}}",
            "1:30: processors.tail_sampling.num_trace: unknown key; did you mean \"num_traces\"?",
        ),
    ]);
}

#[test]
fn mistakes_in_names_and_types_are_told() {
    check_errors(&[
        (
            "policies: [{type: always_sample}]",
            "1:12: policies[0]: a policy needs a name; metrics and messages refer to it",
        ),
        (
            "policies: [{name: '', type: always_sample}]",
            "1:19: policies[0].name: a policy needs a name; metrics and messages refer to it",
        ),
        (
            "policies:\n  -\n",
            "2:4: policies[0]: a policy needs a name; metrics and messages refer to it",
        ),
        (
            "policies: [{name: 5, type: always_sample}]",
            "1:19: policies[0].name: expected a string, found the number 5; put it in quotes: \"5\"",
        ),
        (
            "policies:\n  - {name: a, type: always_sample}\n  - {name: a, type: latency}",
            "3:12: policies[1].name: a policy named \"a\" stands above; give each policy a name of its own",
        ),
        (
            "policies: [{name: a}]",
            "1:12: policies[0]: type is missing; one of: always_sample, latency, numeric_attribute, probabilistic, status_code, string_attribute, rate_limiting, bytes_limiting, span_count, boolean_attribute, trace_state, trace_flags, ottl_condition, wasm, and, not, drop, composite",
        ),
        (
            "policies: [{name: a, type: latencey}]",
            "1:28: policies[0].type: unknown policy type \"latencey\"; did you mean \"latency\"?",
        ),
        (
            "policies: [{name: a, type: ALWAYS_SAMPLE}]",
            "1:28: policies[0].type: unknown policy type \"ALWAYS_SAMPLE\"; did you mean \"always_sample\"?",
        ),
        (
            "policies: [{name: a, type: string_attribut}]",
            "1:28: policies[0].type: unknown policy type \"string_attribut\"; did you mean \"string_attribute\"?",
        ),
        (
            "policies: [{name: a, type: magic}]",
            "1:28: policies[0].type: unknown policy type \"magic\"; one of: always_sample, latency, numeric_attribute, probabilistic, status_code, string_attribute, rate_limiting, bytes_limiting, span_count, boolean_attribute, trace_state, trace_flags, ottl_condition, wasm, and, not, drop, composite",
        ),
    ]);
}

#[test]
fn mistakes_in_the_settings_of_a_policy_are_told() {
    let cases = [
        (
            "type: latency, latency: {treshold_ms: 5}",
            "2:40: policies[0].latency.treshold_ms: unknown key; did you mean \"threshold_ms\"?",
        ),
        (
            "type: latency, treshold_ms: 5",
            "2:30: policies[0].treshold_ms: unknown key; did you mean \"threshold_ms\"?",
        ),
        (
            "type: latency, threshold_ms: 5, latency: {threshold_ms: 5}",
            "2:44: policies[0].threshold_ms: stands under latency as well; keep one of them",
        ),
        (
            "type: latency, latency: 5",
            "2:39: policies[0].latency: expected a mapping, found the number 5",
        ),
        (
            "type: latency, latency: {threshold_ms: 5s}",
            "2:54: policies[0].latency.threshold_ms: expected a number, found the string \"5s\"; write a number without the unit \"s\"",
        ),
        (
            "type: always_sample, sampling_percentage: 5",
            "2:36: policies[0].sampling_percentage: unknown key; known here: name, type, mode, expires_at, always_sample",
        ),
        (
            "type: probabilistic, probabilistic: {sampling_percentage: 10%}",
            "2:73: policies[0].probabilistic.sampling_percentage: expected a number, found the string \"10%\"; write 10 without the percent sign",
        ),
        (
            "type: status_code",
            "2:5: policies[0]: status_codes is missing; list OK, ERROR or UNSET",
        ),
        (
            "type: status_code, status_code: {status_codes: []}",
            "2:62: policies[0].status_code.status_codes: lists no status code; list OK, ERROR or UNSET",
        ),
        (
            "type: status_code, status_code: []",
            "2:47: policies[0].status_code: lists no status code; list OK, ERROR or UNSET",
        ),
        (
            "type: status_code, status_code: [ERROR, EROR]",
            "2:55: policies[0].status_code[1]: unknown status code \"EROR\"; did you mean \"ERROR\"?",
        ),
        (
            "type: status_code, status_code: [BAD]",
            "2:48: policies[0].status_code[0]: unknown status code \"BAD\"; one of: OK, ERROR, UNSET",
        ),
        (
            "type: and, and: {and_sub_policies: []}",
            "2:32: policies[0].and.and_sub_policies: unknown key; did you mean \"and_sub_policy\"?",
        ),
        (
            "type: and, and: {and_sub_policy: [{name: b}]}",
            "2:49: policies[0].and.and_sub_policy[0]: type is missing; one of: always_sample, latency, numeric_attribute, probabilistic, status_code, string_attribute, rate_limiting, bytes_limiting, span_count, boolean_attribute, trace_state, trace_flags, ottl_condition, wasm, and, not, drop, composite",
        ),
        (
            "type: and, and: {and_sub_policy: [{type: rate_limiting, rate_limiting: {spans_per_secnd: 1}}]}",
            "2:87: policies[0].and.and_sub_policy[0].rate_limiting.spans_per_secnd: unknown key; did you mean \"spans_per_second\"?",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(errors(&policy(text)), format!("p.yaml:{message}"), "{text}");
    }
}

#[test]
fn a_flood_of_mistakes_or_of_policies_is_cut_short() {
    let keys: String = (0..50_000).map(|n| format!("key{n}: 1\n")).collect();
    assert_eq!(
        errors(&keys).lines().count(),
        crate::config::finding::FINDINGS_MAX
    );
    let many = format!("policies: [{}]", "{},".repeat(10_001));
    assert_eq!(
        errors(&many),
        "p.yaml:1:11: policies: lists 10001 policies; at most 10000"
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "decision_wait: soon\npolicies:\n  - {name: a, type: latency, latency: {threshold_ms: x, y: 1}}\n  - {type: nothing}\nnum_trace: 5\n";
    let errors = errors(text);
    let places: Vec<&str> = errors
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        places,
        [
            "p.yaml:1:16:",
            "p.yaml:3:54:",
            "p.yaml:3:57:",
            "p.yaml:4:5:",
            "p.yaml:4:12:",
            "p.yaml:5:1:",
        ]
    );
}

#[test]
fn what_has_no_effect_is_warned_of_with_what_replaces_it() {
    let with = |key: &str| format!("{key}\npolicies: [{{name: a, type: always_sample}}]");
    check_warnings(&[
        (
            &with("expected_new_traces_per_sec: 10"),
            "1:30: expected_new_traces_per_sec: has no effect; memory grows and shrinks by itself",
        ),
        (
            &with("num_shards: 2"),
            "1:13: num_shards: has no effect; shards of the server file replaces it",
        ),
        (
            &with("decision_cache: {sampled_cache_size: 5}"),
            "1:17: decision_cache: has no effect; decision_cache.limit of the server file, in bytes, replaces it",
        ),
        (
            &with("num_traces: 0"),
            "1:13: num_traces: 0 is taken as no limit but that of the server file's memory.limit; remove it, or set the number of traces that may be held",
        ),
        (
            &with("decision_wait: 0s"),
            "1:16: decision_wait: is not above 0, so traces are decided 1ms after their first span; the collector's default is 30s",
        ),
        (
            &with("decision_wait: -5s"),
            "1:16: decision_wait: is not above 0, so traces are decided 1ms after their first span; the collector's default is 30s",
        ),
        (
            &with("decision_wait: 8d"),
            "1:16: decision_wait: is taken as 7d, the longest window there is",
        ),
        (
            &with("block_on_overflow: true"),
            "1:20: block_on_overflow: has no effect without num_traces; set num_traces as well",
        ),
        (
            &with("num_traces_overflow: discard"),
            "1:22: num_traces_overflow: has no effect without num_traces; set num_traces as well",
        ),
        (
            &with("num_traces: 5\nblock_on_overflow: true\nnum_traces_overflow: discard"),
            "3:22: num_traces_overflow: has no effect beside block_on_overflow; keep one of them",
        ),
        (
            &with("decision_wait: 30"),
            "1:16: decision_wait: the number 30 without unit is taken as nanoseconds; did you mean 30s or 30ms?",
        ),
    ]);
}

#[test]
fn what_can_only_be_a_mistake_is_warned_of() {
    check_warnings(&[
        ("", "1:1: there are no policies, so nothing is kept"),
        (
            "policies: []",
            "1:11: policies: there are no policies, so nothing is kept",
        ),
        (
            &policy("type: probabilistic, probabilistic: {sampling_percentage: 101}"),
            "2:73: policies[0].probabilistic.sampling_percentage: is above 100, so every trace is kept",
        ),
        (
            &policy("type: probabilistic, sampling_percentage: -1"),
            "2:57: policies[0].sampling_percentage: is negative, so no trace is kept",
        ),
        (
            &policy("type: latency, latency: {threshold_ms: -5}"),
            "2:39: policies[0].latency: threshold_ms is negative, so every trace is kept but one that ends before it starts",
        ),
        (
            &policy("type: latency, latency: {threshold_ms: 5, upper_threshold_ms: 5}"),
            "2:39: policies[0].latency: upper_threshold_ms is not above threshold_ms, so no trace is kept",
        ),
        (
            &policy("type: rate_limiting, rate_limiting: {spans_per_second: 0}"),
            "2:51: policies[0].rate_limiting: spans_per_second is 0, so no rate is granted; set the spans a second to keep",
        ),
        (
            &policy("type: and"),
            "2:5: policies[0]: and_sub_policy lists nothing, so every trace is kept",
        ),
        (
            &policy("type: always_sample, foo: {a: 1}"),
            "2:41: policies[0].foo: has no effect on a policy of type \"always_sample\"; remove it",
        ),
        (
            &policy("type: latency, latncy: {threshold_ms: 1}"),
            "2:38: policies[0].latncy: has no effect on a policy of type \"latency\"; did you mean \"latency\"?",
        ),
        (
            &policy("type: always_sample, latency: {whatever: [x]}"),
            "2:45: policies[0].latency: has no effect on a policy of type \"always_sample\"; remove it",
        ),
        (
            &policy(
                "type: and, and_sub_policy: [{name: b, type: latency}, {name: b, type: latency}]",
            ),
            "2:76: policies[0].and_sub_policy[1].name: a sub-policy named \"b\" stands above",
        ),
    ]);
}
