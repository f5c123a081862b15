//! What becomes of a plugin's verdict: alone, within other policies, with a probability, and when there is none.

use std::path::PathBuf;

use super::*;
use crate::clock::Moment;
use crate::sampler::config::{EvaluationConfig, Mode, PolicyConfig, RuleConfig};
use crate::sampler::evaluation::{Answer, Scratch};
use crate::sampler::policy::Context;
use crate::sampler::policy_set::{PolicySet, Setting};
use crate::sampler::precedence::Decision;
use crate::sampler::test_support::guest::{evaluates, guest};
use crate::sampler::test_support::{TraceFixture, votes};
use crate::sampler::trace_view::TraceView;
use crate::sampler::wasm::{Limits, Plugin};

const ABSTAIN: u32 = 0;
const SAMPLE: u32 = 1;
const NOT_SAMPLE: u32 = 2;
const DROP: u32 = 3;

fn plugin(bytes: &[u8], on_error: OnError) -> RuleConfig {
    let loaded = Plugin::load(bytes, "null".to_owned(), Limits::default(), &|| Moment(0));
    RuleConfig::Wasm(WasmConfig {
        module: PathBuf::from("p.wasm"),
        plugin: Arc::new(loaded.unwrap()),
        on_error,
        stateful: false,
        rebuild_after: 0,
    })
}

fn says(case: u32) -> RuleConfig {
    plugin(&evaluates("", case), OnError::Abstain)
}

fn named(rule: RuleConfig) -> PolicyConfig {
    PolicyConfig::new("p", rule)
}

fn vote(rule: &RuleConfig) -> Result<Vote, PolicyError> {
    let trace = TraceFixture::with_times(&[(1, 2)]);
    votes(rule, &[&trace])[0].clone()
}

fn setting() -> Setting<'static> {
    Setting {
        context: Context::default(),
        stopwatch: None,
    }
}

#[test]
fn a_verdict_is_a_vote() {
    assert_eq!(vote(&says(ABSTAIN)), Ok(Vote::Abstained));
    assert_eq!(vote(&says(SAMPLE)), Ok(Vote::Sampled));
    assert_eq!(vote(&says(NOT_SAMPLE)), Ok(Vote::NotSampled));
    assert_eq!(vote(&says(DROP)), Ok(Vote::Dropped));
}

#[test]
fn within_others_it_votes_as_any_policy() {
    let not = |case| vote(&RuleConfig::Not(Box::new(named(says(case)))));
    assert_eq!(not(SAMPLE), Ok(Vote::NotSampled));
    assert_eq!(not(NOT_SAMPLE), Ok(Vote::Sampled));
    assert_eq!(not(ABSTAIN), Ok(Vote::Abstained));
    assert_eq!(not(DROP), Ok(Vote::Dropped));
    let both = |one, other| vote(&RuleConfig::And(vec![named(says(one)), named(says(other))]));
    assert_eq!(both(SAMPLE, SAMPLE), Ok(Vote::Sampled));
    assert_eq!(both(SAMPLE, ABSTAIN), Ok(Vote::Abstained));
    assert_eq!(both(DROP, SAMPLE), Ok(Vote::Dropped));
    let dropping = |case| vote(&RuleConfig::Drop(vec![named(says(case))]));
    assert_eq!(dropping(SAMPLE), Ok(Vote::Dropped));
    assert_eq!(dropping(ABSTAIN), Ok(Vote::Abstained));
}

#[test]
fn a_share_of_traces_is_that_of_probabilistic() {
    let share = "(f64.store (i32.const 24) (f64.const 0.3))";
    let config = [
        named(plugin(&evaluates(share, 4), OnError::Abstain)),
        PolicyConfig::new(
            "native",
            RuleConfig::Probabilistic {
                sampling_percentage: 30.0,
                hash_salt: String::new(),
            },
        ),
    ];
    let set = PolicySet::compile(&config, EvaluationConfig::default());
    let trace = TraceFixture::with_times(&[(1, 2)]);
    let mut scratch = Scratch::default();
    let mut kept = 0;
    for number in 0..500_u128 {
        let view = TraceView {
            trace_id: TraceId(
                number
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060)
                    .to_be_bytes(),
            ),
            ..trace.view()
        };
        set.decide(&view, &setting(), &mut scratch);
        let answers = [0, 1].map(|index| scratch.records()[index].answer);
        assert_eq!(answers[0], answers[1], "{}", view.trace_id);
        kept += usize::from(answers[0] == Answer::Voted(Vote::Sampled));
    }
    assert!((100..200).contains(&kept), "kept {kept} of 500 at 30 %");
    assert_eq!(
        scratch.records()[0].witness.to_string(),
        "\"probability 0.3\""
    );
}

#[test]
fn a_failure_says_what_on_error_says() {
    let failing = evaluates("unreachable", SAMPLE);
    let vote = |on_error| vote(&plugin(&failing, on_error));
    assert!(
        vote(OnError::Abstain)
            .unwrap_err()
            .reason
            .starts_with("trapped")
    );
    assert_eq!(vote(OnError::Sample), Ok(Vote::Sampled));
    assert_eq!(vote(OnError::NotSample), Ok(Vote::NotSampled));
    assert_eq!(vote(OnError::Drop), Ok(Vote::Dropped));
}

#[test]
fn others_decide_where_a_plugin_fails_and_a_shadow_decides_nothing() {
    let failing = named(plugin(
        &evaluates("(loop $on (br $on))", SAMPLE),
        OnError::Abstain,
    ));
    let mut shadow = PolicyConfig::new("shadow", says(DROP));
    shadow.mode = Mode::Shadow;
    let all = PolicyConfig::new("all", RuleConfig::AlwaysSample);
    let set = PolicySet::compile(&[failing, shadow, all], EvaluationConfig::default());
    let trace = TraceFixture::with_times(&[(1, 2)]);
    let mut scratch = Scratch::default();
    let verdict = set.decide(&trace.view(), &setting(), &mut scratch);
    assert_eq!(
        (verdict.decision, verdict.policy_index),
        (Decision::Sampled, Some(2))
    );
    let answers: Vec<Answer> = scratch.records().iter().map(|it| it.answer).collect();
    assert_eq!(
        answers,
        [
            Answer::Failed,
            Answer::Voted(Vote::Dropped),
            Answer::Voted(Vote::Sampled)
        ]
    );
}

#[test]
fn the_last_lines_of_each_plugin_are_kept_with_its_vote() {
    let logs = guest(
        "(data (i32.const 64) \"12345\")
         (func (export \"evaluate\") (param $trace i32) (result i32) (local $at i32)
           (loop $on
             (call $log (i32.const 2) (i32.add (local.get $at) (i32.const 64)) (i32.const 1))
             (br_if $on (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 5))))
           (call $answer (local.get $trace) (i32.const 0)))",
    );
    let silent = PolicyConfig::new("silent", says(ABSTAIN));
    let within = RuleConfig::Not(Box::new(named(plugin(&logs, OnError::Abstain))));
    let policies = [silent, PolicyConfig::new("outer", within)];
    let set = PolicySet::compile(&policies, EvaluationConfig::default());
    let trace = TraceFixture::with_times(&[(1, 2)]);
    let mut scratch = Scratch::default();
    for _ in 0..2 {
        set.decide(&trace.view(), &setting(), &mut scratch);
        let [note] = scratch.notes() else {
            panic!("{:?}", scratch.notes());
        };
        let texts: Vec<&str> = note.lines.iter().map(|line| &*line.text).collect();
        assert_eq!((note.policy, texts), (2, vec!["2", "3", "4", "5"]));
        assert_eq!(set.infos()[note.policy].path, "outer/p");
    }
    scratch.clear();
    assert!(scratch.notes().is_empty());
}
