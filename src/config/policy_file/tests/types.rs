//! What each type's settings are read as, and what every policy may have besides.

use super::{environment, file, named, parse, rule};
use crate::buffer::config::Overflow;
use crate::sampler::config::{
    AttributeConfig, Compat, CompositeConfig, ErrorMode, LimitScope, Mode, NumericRange,
    RuleConfig, Scope, Strategy, StringValues,
};
use crate::sampler::ottl::{Condition, Subject};
use crate::sampler::pattern::Pattern;

fn attribute<T>(wanted: T) -> AttributeConfig<T> {
    AttributeConfig {
        key: "k".to_owned(),
        wanted,
        invert_match: false,
        scope: Scope::Any,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn numeric_attribute_is_read_and_0_is_no_bound() {
    let range = |min, max| RuleConfig::NumericAttribute(attribute(NumericRange { min, max }));
    let forms = [
        (
            "{key: k, min_value: 1, max_value: 9}",
            range(Some(1), Some(9)),
        ),
        ("{key: k, min_value: 2.0}", range(Some(2), None)),
        (
            "{key: k, min_value: 0, max_value: -3}",
            range(None, Some(-3)),
        ),
        ("{key: k, min_value: 7, max_value: ~}", range(Some(7), None)),
    ];
    for (settings, expected) in forms {
        let policy = format!("type: numeric_attribute, numeric_attribute: {settings}");
        assert_eq!(rule(&policy), expected, "{settings}");
    }
    assert_eq!(
        rule("type: numeric_attribute, key: k, min_value: 1"),
        range(Some(1), None)
    );
}

#[test]
fn string_attribute_is_read() {
    let exact = |values: &[&str]| {
        RuleConfig::StringAttribute(attribute(StringValues::Exact(texts(values))))
    };
    let forms = [
        ("{key: k, values: [a, '']}", exact(&["a", ""])),
        ("{key: k, values: a}", exact(&["a"])),
        ("{key: k, values: 'a,b'}", exact(&["a", "b"])),
        ("{key: k, values: [a], cache_max_size: 10}", exact(&["a"])),
    ];
    for (settings, expected) in forms {
        let policy = format!("type: string_attribute, string_attribute: {settings}");
        assert_eq!(rule(&policy), expected, "{settings}");
    }
    let expressions = vec![Pattern::parse("^a+$").unwrap(), Pattern::parse("").unwrap()];
    assert_eq!(
        rule(
            "type: string_attribute, string_attribute: {key: k, values: ['^a+$', ''], enabled_regex_matching: true}"
        ),
        RuleConfig::StringAttribute(attribute(StringValues::Regex(expressions)))
    );
}

#[test]
fn boolean_attribute_is_read_and_wants_false_by_default() {
    for (settings, wanted) in [("{key: k}", false), ("{key: k, value: true}", true)] {
        let policy = format!("type: boolean_attribute, boolean_attribute: {settings}");
        assert_eq!(
            rule(&policy),
            RuleConfig::BooleanAttribute(attribute(wanted))
        );
    }
}

#[test]
fn attribute_policies_may_be_inverted_and_have_a_scope() {
    let scopes = [
        ("any", Scope::Any),
        ("root", Scope::Root),
        ("resource", Scope::Resource),
        ("all", Scope::All),
    ];
    for (name, scope) in scopes {
        let policy = format!(
            "type: boolean_attribute, boolean_attribute: {{key: k, invert_match: true, scope: {name}}}"
        );
        let expected = AttributeConfig {
            invert_match: true,
            scope,
            ..attribute(false)
        };
        assert_eq!(rule(&policy), RuleConfig::BooleanAttribute(expected));
    }
}

#[test]
fn limits_and_counts_are_read() {
    assert_eq!(
        rule("type: bytes_limiting, bytes_limiting: {bytes_per_second: 500, burst_capacity: 10}"),
        RuleConfig::BytesLimiting {
            bytes_per_second: 500,
            burst_capacity: 10,
            scope: LimitScope::Replica,
        }
    );
    let of_the_cluster = RuleConfig::RateLimiting {
        spans_per_second: 5,
        burst_capacity: 0,
        scope: LimitScope::Cluster,
    };
    assert_eq!(
        rule("type: rate_limiting, rate_limiting: {spans_per_second: 5, scope: cluster}"),
        of_the_cluster
    );
    assert_eq!(
        rule("type: span_count, span_count: {min_spans: 2, max_spans: 20}"),
        RuleConfig::SpanCount {
            min_spans: 2,
            max_spans: 20
        }
    );
    let unbounded = RuleConfig::SpanCount {
        min_spans: 0,
        max_spans: 0,
    };
    assert_eq!(rule("type: span_count"), unbounded);
}

#[test]
fn what_the_trace_carries_is_read() {
    assert_eq!(
        rule("type: trace_state, trace_state: {key: t@v, values: [a b, '1']}"),
        RuleConfig::TraceState {
            key: "t@v".to_owned(),
            values: texts(&["a b", "1"])
        }
    );
    assert_eq!(rule("type: trace_flags"), RuleConfig::TraceFlags);
}

#[test]
fn conditions_are_read_from_lists_and_from_one_string() {
    let conditions = |error_mode, span: &[&str], events: &[&str]| {
        let parse = |texts: &[&str], subject| {
            let texts = texts.iter();
            texts
                .map(|text| Condition::parse(text, subject).unwrap())
                .collect()
        };
        RuleConfig::OttlCondition {
            error_mode,
            span: parse(span, Subject::Span),
            span_event: parse(events, Subject::SpanEvent),
        }
    };
    let (first, second) = (r#"name == "a""#, "true");
    let forms = [
        (
            format!("{{error_mode: propagate, span: ['{first}', '{second}']}}"),
            conditions(ErrorMode::Propagate, &[first, second], &[]),
        ),
        (
            format!("{{error_mode: IGNORE, spanevent: ['{first}']}}"),
            conditions(ErrorMode::Ignore, &[], &[first]),
        ),
        (
            format!("{{span: '{second}'}}"),
            conditions(ErrorMode::default(), &[second], &[]),
        ),
        (
            format!("{{span: '{second},{second}'}}"),
            conditions(ErrorMode::default(), &[second, second], &[]),
        ),
    ];
    for (settings, expected) in forms {
        let policy = format!("type: ottl_condition, ottl_condition: {settings}");
        assert_eq!(rule(&policy), expected, "{settings}");
    }
}

#[test]
fn policies_nest_in_any_way() {
    let always = || named("#0", RuleConfig::AlwaysSample);
    let not = |policy| named("#0", RuleConfig::Not(Box::new(policy)));
    assert_eq!(
        rule(
            "type: drop, drop: {drop_sub_policy: [{type: not, not: {not_sub_policy: {type: and, and: {and_sub_policy: [{type: always_sample}]}}}}]}"
        ),
        RuleConfig::Drop(vec![not(named("#0", RuleConfig::And(vec![always()])))])
    );
}

#[test]
fn composite_is_read_and_policies_of_one_name_share_its_percent() {
    let policy = "{max_total_spans_per_second: 100, policy_order: [b, a], composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: trace_flags}], rate_allocation: [{policy: a, percent: 60}]}";
    let composite = |sub_policies, rate_allocation| CompositeConfig {
        max_total_spans_per_second: 100,
        policy_order: texts(&["b", "a"]),
        sub_policies,
        rate_allocation,
        scope: LimitScope::Replica,
    };
    let a = named("a", RuleConfig::AlwaysSample);
    let b = named("b", RuleConfig::TraceFlags);
    assert_eq!(
        rule(&format!("type: composite, composite: {policy}")),
        RuleConfig::Composite(composite(
            vec![a.clone(), b.clone()],
            vec![("a".to_owned(), 60)]
        ))
    );
    let doubled = policy.replace("{name: b,", "{name: a, type: trace_flags}, {name: b,");
    let doubled = format!("policies: [{{name: c, type: composite, composite: {doubled}}}]");
    let checked = super::parse("p.yaml", &doubled, &super::environment).unwrap();
    assert_eq!(checked.warnings.len(), 1, "{:?}", checked.warnings);
    let second = named("a#1", RuleConfig::TraceFlags);
    let shares = vec![("a".to_owned(), 60), ("a#1".to_owned(), 60)];
    let expected = composite(vec![a, second, b], shares);
    assert_eq!(
        checked.config.policies[0].rule,
        RuleConfig::Composite(expected)
    );
}

#[test]
fn names_given_to_sub_policies_are_unique_whatever_others_are_called() {
    let named = |names: &[&str]| {
        let policies: Vec<String> = names
            .iter()
            .map(|name| format!("{{name: '{name}', type: always_sample}}"))
            .collect();
        let policies = policies.join(", ");
        let text =
            format!("policies: [{{name: p, type: and, and: {{and_sub_policy: [{policies}]}}}}]");
        let file = parse("p.yaml", &text, &environment).unwrap().config;
        let rule = &file.policies[0].rule;
        let names = rule.sub_policies().iter().map(|policy| policy.name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(named(&["", ""]), ["#0", "#1"]);
    assert_eq!(named(&["#1", ""]), ["#1", "#1#1"]);
    assert_eq!(named(&["", "#0"]), ["#0", "#0#1"]);
    assert_eq!(named(&["a", "a", "a#1"]), ["a", "a#1", "a#1#2"]);
}

#[test]
fn any_policy_may_be_a_shadow_and_may_end() {
    let file = file(
        "policies:\n  - {name: a, type: trace_flags, mode: shadow, expires_at: 2026-08-01T12:00:00Z}\n  - {name: b, type: trace_flags, mode: active}\n",
    );
    assert_eq!(file.policies[0].mode, Mode::Shadow);
    let expiry = Some(1_785_585_600_000_000_000);
    assert_eq!(file.policies[0].expires_at_unix_ns, expiry);
    assert_eq!(file.policies[1], named("b", RuleConfig::TraceFlags));
}

#[test]
fn the_rules_to_go_by_are_read() {
    let file = file(
        "strict: true\ncompat: '0.156'\nsampling_strategy: span-ingest\nnum_traces: 10\nnum_traces_overflow: discard\nmaximum_trace_size_bytes: 5000\npolicies: [{name: a, type: latency, latency: {threshold_ms: 5}}]\n",
    );
    assert!(file.evaluation.strict);
    assert_eq!(file.evaluation.compat, Compat::V0_156);
    assert_eq!(file.evaluation.strategy, Strategy::SpanIngest);
    assert_eq!(file.windows.num_traces_overflow, Overflow::Discard);
    assert_eq!(file.windows.maximum_trace_size_bytes, Some(5_000));
    assert!(!file.windows.block_on_overflow);
}

#[test]
fn policies_nest_up_to_a_limit() {
    let nested = |levels: usize| {
        let open = "type: not, not_sub_policy: {".repeat(levels);
        let close = "}".repeat(levels);
        format!("policies: [{{name: a, {open}type: always_sample{close}}}]")
    };
    assert!(super::parse("p.yaml", &nested(16), &super::environment).is_ok());
    let errors = super::parse("p.yaml", &nested(17), &super::environment).unwrap_err();
    assert!(
        errors
            .to_string()
            .ends_with(": more than 16 policies within each other"),
        "{errors}"
    );
}
