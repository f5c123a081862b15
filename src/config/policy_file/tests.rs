//! The policy file: its three forms, the windows, the types; what is taken.

use std::time::Duration;

use super::{DEFAULT_POLICIES, PolicyFile, parse};
use crate::sampler::config::{LimitScope, PolicyConfig, RuleConfig, StatusCode};

mod findings;
mod reference;
mod types;

fn environment(name: &str) -> Option<String> {
    (name == "WAIT").then(|| "45s".to_owned())
}

/// A file without any finding.
fn file(text: &str) -> PolicyFile {
    let checked = parse("p.yaml", text, &environment).unwrap();
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

/// The rule of the only policy, written as a flow mapping without its name.
fn rule(policy: &str) -> RuleConfig {
    let mut file = file(&format!("policies: [{{name: a, {policy}}}]"));
    assert_eq!(file.policies.len(), 1);
    file.policies.remove(0).rule
}

fn named(name: &str, rule: RuleConfig) -> PolicyConfig {
    PolicyConfig::new(name, rule)
}

const BODY: &str = "decision_wait: 1s\npolicies: [{name: a, type: always_sample}]\n";

fn indented(text: &str, by: usize) -> String {
    let indent = " ".repeat(by);
    text.lines().map(|l| format!("{indent}{l}\n")).collect()
}

#[test]
fn the_settings_may_stand_at_the_top_under_their_name_or_in_a_collector_configuration() {
    let expected = file(BODY);
    assert_eq!(expected.windows.decision_wait, Duration::from_secs(1));
    assert_eq!(expected.policies, [named("a", RuleConfig::AlwaysSample)]);
    assert_eq!(
        file(&format!("tail_sampling:\n{}", indented(BODY, 2))),
        expected
    );
    assert_eq!(
        file(&format!("tail_sampling/errors:\n{}", indented(BODY, 2))),
        expected
    );
    let collector = format!(
        "receivers: {{otlp: {{}}}}\nprocessors:\n  batch:\n  tail_sampling/x:\n{}exporters: {{otlp: {{endpoint: '${{env:NOT_SET}}'}}}}\nservice: {{}}\n",
        indented(BODY, 4)
    );
    assert_eq!(file(&collector), expected);
}

#[test]
fn every_setting_beside_the_policies_is_read() {
    let file = file(
        "decision_wait: ${env:WAIT}\ndecision_wait_after_root_received: 250ms\nnum_traces: 50_000\nsample_on_first_match: true\ndrop_pending_traces_on_shutdown: true\nsampling_strategy: trace-complete\nmaximum_trace_size_bytes: 0\nblock_on_overflow: false\ntail_storage: null\npolicies: [{name: a, type: always_sample}]\n",
    );
    assert_eq!(file.windows.decision_wait, Duration::from_secs(45));
    assert_eq!(
        file.windows.decision_wait_after_root,
        Some(Duration::from_millis(250))
    );
    assert_eq!(file.windows.num_traces, Some(50_000));
    assert!(file.evaluation.sample_on_first_match);
    assert!(file.evaluation.drop_pending_traces_on_shutdown);
}

#[test]
fn nulls_and_zeros_leave_the_defaults() {
    let file = file(
        "decision_wait:\ndecision_wait_after_root_received: 0\nnum_traces: ~\npolicies: [{name: a, type: always_sample}]\n",
    );
    assert_eq!(file.windows, PolicyFile::default().windows);
}

#[test]
fn latency_is_read() {
    let expected = RuleConfig::Latency {
        threshold_ms: 5,
        upper_threshold_ms: 10,
    };
    assert_eq!(
        rule("type: latency, latency: {threshold_ms: 5, upper_threshold_ms: 10}"),
        expected
    );
    assert_eq!(
        rule("type: latency, threshold_ms: 5.0, upper_threshold_ms: 0xA"),
        expected
    );
    let nothing = RuleConfig::Latency {
        threshold_ms: 0,
        upper_threshold_ms: 0,
    };
    assert_eq!(rule("type: latency, latency: "), nothing);
    assert_eq!(rule("type: latency"), nothing);
}

#[test]
fn status_codes_are_read_in_every_form_and_case() {
    let expected = RuleConfig::StatusCode {
        status_codes: vec![StatusCode::Error, StatusCode::Unset],
    };
    let forms = [
        "type: status_code, status_code: {status_codes: [ERROR, UNSET]}",
        "type: status_code, status_code: {status_codes: [error, Unset]}",
        "type: status_code, status_code: {status_codes: 'ERROR,UNSET'}",
        "type: status_code, status_code: [ERROR, UNSET]",
        "type: status_code, status_code: 'ERROR,UNSET'",
        "type: status_code, status_codes: [ERROR, UNSET]",
    ];
    for form in forms {
        assert_eq!(rule(form), expected, "{form}");
    }
    let ok = RuleConfig::StatusCode {
        status_codes: vec![StatusCode::Ok],
    };
    assert_eq!(rule("type: status_code, status_code: OK"), ok);
}

#[test]
fn probabilistic_is_read() {
    assert_eq!(
        rule("type: probabilistic, probabilistic: {sampling_percentage: 12.5, hash_salt: x}"),
        RuleConfig::Probabilistic {
            sampling_percentage: 12.5,
            hash_salt: "x".to_owned()
        }
    );
    assert_eq!(
        rule("type: probabilistic, sampling_percentage: 10"),
        RuleConfig::Probabilistic {
            sampling_percentage: 10.0,
            hash_salt: String::new()
        }
    );
}

#[test]
fn rate_limiting_is_read() {
    assert_eq!(
        rule("type: rate_limiting, rate_limiting: {spans_per_second: 5, burst_capacity: 3}"),
        RuleConfig::RateLimiting {
            spans_per_second: 5,
            burst_capacity: 3,
            scope: LimitScope::Replica,
        }
    );
}

#[test]
fn and_nests_and_its_sub_policies_need_no_names() {
    let nested = "type: and, and: {and_sub_policy: [{type: always_sample}, {name: b, type: and, and_sub_policy: [{name: b, type: always_sample}]}]}";
    let inner = named("b", RuleConfig::AlwaysSample);
    assert_eq!(
        rule(nested),
        RuleConfig::And(vec![
            named("#0", RuleConfig::AlwaysSample),
            named("b", RuleConfig::And(vec![inner])),
        ])
    );
}

#[test]
fn anchors_and_merge_keys_work_within_policies() {
    let file = file(
        "policies:\n  - &slow {name: a, type: latency, latency: {threshold_ms: 5}}\n  - {<<: *slow, name: b}\n",
    );
    assert_eq!(file.policies[0].rule, file.policies[1].rule);
    assert_eq!(file.policies[1].name, "b");
}

#[test]
fn the_policies_that_come_with_tailsieve_are_valid() {
    let default = file(DEFAULT_POLICIES);
    let names: Vec<&str> = default.policies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["errors", "slow", "a-tenth"]);
}

#[test]
fn every_example_is_valid_and_warns_of_nothing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut examples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let checked = super::read(&path).unwrap_or_else(|errors| panic!("{errors}"));
            assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
            examples += 1;
        }
    }
    assert!(examples >= 6, "{examples}");
}

#[test]
fn the_reference_example_shows_every_type() {
    fn types(policies: &[PolicyConfig], seen: &mut std::collections::BTreeSet<&'static str>) {
        for policy in policies {
            seen.insert(policy.rule.type_name());
            types(policy.rule.sub_policies(), seen);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    let reference = file(include_str!("../../../policies/reference.yaml"));
    types(&reference.policies, &mut seen);
    // A plugin is a file of its own.
    seen.insert("wasm");
    assert_eq!(seen, crate::config::policies::TYPES.into_iter().collect());
}
