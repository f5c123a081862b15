//! Order, shadows, expiry, and limiters that outlive their set.

use super::*;
use crate::sampler::config::{LimitScope, StatusCode};
use crate::sampler::evaluation::Answer;
use crate::sampler::test_support::TraceFixture;

const KEEP: RuleConfig = RuleConfig::AlwaysSample;
const REFUSE: RuleConfig = RuleConfig::StatusCode {
    status_codes: Vec::new(),
};

fn decide(set: &PolicySet, unix_ns: u64) -> (Verdict, Vec<Answer>) {
    let trace = TraceFixture::with_times(&[(1, 2); 10]);
    let mut scratch = Scratch::default();
    let context = Context {
        unix_ns,
        ..Context::default()
    };
    let setting = Setting {
        context,
        stopwatch: None,
    };
    let verdict = set.decide(&trace.view(), &setting, &mut scratch);
    let answers = scratch.records().iter().map(|record| record.answer);
    (verdict, answers.collect())
}

fn set(policies: &[PolicyConfig]) -> PolicySet {
    PolicySet::compile(policies, EvaluationConfig::default())
}

#[test]
fn a_drop_policy_is_asked_first_wherever_it_stands() {
    let all = PolicyConfig::new("all", KEEP);
    let none = PolicyConfig::new("none", RuleConfig::Drop(Vec::new()));
    let (verdict, answers) = decide(&set(&[all, none]), 0);
    assert_eq!(verdict.decision, Decision::Dropped);
    assert_eq!(verdict.policy_index, Some(1));
    assert_eq!(answers, [Answer::NotAsked, Answer::Voted(Vote::Dropped)]);
}

#[test]
fn a_shadow_is_asked_and_counted_and_decides_nothing() {
    let shadow = |rule| PolicyConfig {
        mode: Mode::Shadow,
        ..PolicyConfig::new("shadow", rule)
    };
    let refuse = PolicyConfig::new("none", REFUSE);
    let (verdict, answers) = decide(&set(&[shadow(KEEP), refuse.clone()]), 0);
    assert_eq!(verdict.decision, Decision::NotSampled);
    assert_eq!(answers[0], Answer::Voted(Vote::Sampled));
    let drops = shadow(RuleConfig::Drop(Vec::new()));
    let (verdict, answers) = decide(&set(&[drops, PolicyConfig::new("all", KEEP)]), 0);
    assert_eq!(verdict.decision, Decision::Sampled);
    assert_eq!(answers[0], Answer::Voted(Vote::Dropped));
}

#[test]
fn under_span_ingest_a_shadow_that_drops_nothing_does_not_end_the_evaluation() {
    let ingest = EvaluationConfig {
        strategy: Strategy::SpanIngest,
        ..EvaluationConfig::default()
    };
    let spare = |mode| PolicyConfig {
        mode,
        ..PolicyConfig::new(
            "spare",
            RuleConfig::Drop(vec![PolicyConfig::new("none", REFUSE)]),
        )
    };
    let keep = PolicyConfig::new("all", KEEP);
    let decision = |mode| {
        let set = PolicySet::compile(&[spare(mode), keep.clone()], ingest);
        decide(&set, 0).0.decision
    };
    assert_eq!(decision(Mode::Active), Decision::NotSampled);
    assert_eq!(decision(Mode::Shadow), Decision::Sampled);
}

#[test]
fn an_expired_policy_is_not_asked() {
    let debugging = PolicyConfig {
        expires_at_unix_ns: Some(1_000),
        ..PolicyConfig::new("debugging", KEEP)
    };
    let set = set(&[debugging]);
    assert_eq!(decide(&set, 999).0.decision, Decision::Sampled);
    let (verdict, answers) = decide(&set, 1_000);
    assert_eq!(verdict.decision, Decision::NotSampled);
    assert_eq!(answers, [Answer::NotAsked]);
}

#[test]
fn nested_policies_stand_after_the_one_that_they_belong_to() {
    let errors = RuleConfig::StatusCode {
        status_codes: vec![StatusCode::Error],
    };
    let inner = [PolicyConfig::new("a", KEEP), PolicyConfig::new("b", errors)];
    let outer = PolicyConfig::new("outer", RuleConfig::And(inner.to_vec()));
    let set = set(&[outer, PolicyConfig::new("last", KEEP)]);
    let paths: Vec<&str> = set.infos().iter().map(|info| info.path.as_str()).collect();
    assert_eq!(paths, ["outer", "outer/a", "outer/b", "last"]);
    assert_eq!(set.names().collect::<Vec<_>>(), ["outer", "last"]);
    let (verdict, answers) = decide(&set, 0);
    assert_eq!(verdict.policy_index, Some(1));
    assert_eq!(answers[2], Answer::Voted(Vote::NotSampled));
}

#[test]
fn a_limiter_goes_on_in_the_next_set_unless_its_limits_change() {
    let limited = |spans_per_second| {
        let rule = RuleConfig::RateLimiting {
            spans_per_second,
            burst_capacity: 15,
            scope: LimitScope::Replica,
        };
        [PolicyConfig::new("limited", rule)]
    };
    let keeps = |set: &PolicySet| decide(set, 0).0.decision == Decision::Sampled;
    let after = |policies: &[PolicyConfig], previous: &PolicySet| {
        PolicySet::compile_after(policies, EvaluationConfig::default(), Some(previous))
    };
    let first = set(&limited(5));
    assert!(keeps(&first) && !keeps(&first));
    let same = after(&limited(5), &first);
    assert!(!keeps(&same), "the bucket is still empty");
    assert!(keeps(&after(&limited(6), &same)), "another bucket, full");
    let renamed = [PolicyConfig {
        name: "renamed".to_owned(),
        ..limited(5)[0].clone()
    }];
    assert!(keeps(&after(&renamed, &same)));
}

#[test]
fn a_limiter_does_not_go_on_in_one_of_another_type_or_place() {
    let spans = RuleConfig::RateLimiting {
        spans_per_second: 5,
        burst_capacity: 15,
        scope: LimitScope::Replica,
    };
    let bytes = RuleConfig::BytesLimiting {
        bytes_per_second: 5,
        burst_capacity: 15,
        scope: LimitScope::Replica,
    };
    let limited = |name: &str, rule: &RuleConfig| PolicyConfig::new(name, rule.clone());
    let within =
        |name: &str, inner: PolicyConfig| PolicyConfig::new(name, RuleConfig::And(vec![inner]));
    let keeps = |set: &PolicySet| decide(set, 0).0.decision == Decision::Sampled;
    let after = |policy: PolicyConfig, previous: &PolicySet| {
        PolicySet::compile_after(&[policy], EvaluationConfig::default(), Some(previous))
    };
    let used_up = |policy: PolicyConfig| {
        let set = set(&[policy]);
        assert!(keeps(&set));
        set
    };
    let first = used_up(limited("limited", &spans));
    let typed = after(limited("limited", &bytes), &first);
    let again = after(limited("limited", &spans), &typed);
    assert!(keeps(&again), "the set between had another limiter");
    let first = used_up(limited("a/b", &spans));
    assert!(keeps(&after(within("a", limited("b", &spans)), &first)));
    let first = used_up(within("a", limited("b/c", &spans)));
    assert!(keeps(&after(within("a/b", limited("c", &spans)), &first)));
}

#[test]
fn the_shares_of_a_composite_do_not_go_on_for_other_sub_policies() {
    let composite = |name: &str| {
        let config = crate::sampler::config::CompositeConfig {
            max_total_spans_per_second: 15,
            policy_order: Vec::new(),
            sub_policies: vec![PolicyConfig::new(name, KEEP)],
            rate_allocation: Vec::new(),
            scope: LimitScope::Replica,
        };
        [PolicyConfig::new("c", RuleConfig::Composite(config))]
    };
    let keeps = |set: &PolicySet| decide(set, 0).0.decision == Decision::Sampled;
    let evaluation = EvaluationConfig::default();
    let first = set(&composite("all"));
    assert!(keeps(&first) && !keeps(&first));
    let other = PolicySet::compile_after(&composite("other"), evaluation, Some(&first));
    assert!(keeps(&other));
}

#[test]
fn the_shares_of_a_composite_go_on_in_the_next_set() {
    let composite = |total| {
        let config = crate::sampler::config::CompositeConfig {
            max_total_spans_per_second: total,
            policy_order: Vec::new(),
            sub_policies: vec![PolicyConfig::new("all", KEEP)],
            rate_allocation: Vec::new(),
            scope: LimitScope::Replica,
        };
        [PolicyConfig::new("c", RuleConfig::Composite(config))]
    };
    let keeps = |set: &PolicySet| decide(set, 0).0.decision == Decision::Sampled;
    let first = set(&composite(15));
    assert!(keeps(&first) && !keeps(&first));
    let evaluation = EvaluationConfig::default();
    let next = PolicySet::compile_after(&composite(15), evaluation, Some(&first));
    assert!(!keeps(&next));
    let larger = PolicySet::compile_after(&composite(16), evaluation, Some(&next));
    assert!(keeps(&larger));
}
