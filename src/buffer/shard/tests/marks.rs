//! Kept spans carry the policy that decided, late ones too, whatever is in force by then; what they carry is charged.

use opentelemetry_proto::tonic::common::v1::any_value;

use super::*;
use crate::buffer::config::{MarkPlace, PolicyMark};
use crate::sampler::config::Strategy;

const NAME: &str = "a.policy";

fn marked(evaluation: EvaluationConfig) -> World {
    World::with(1 << 30, windows(100), evaluation, marking())
}

/// Marks on spans.
pub(super) fn marking() -> BufferConfig {
    BufferConfig {
        policy_mark: Some(PolicyMark {
            attribute: NAME.to_owned(),
            place: MarkPlace::Span,
        }),
        ..BufferConfig::default()
    }
}

/// The policies `other` and `all`, of which the second keeps all.
fn others() -> Arc<ActivePolicies> {
    let never = RuleConfig::StatusCode {
        status_codes: vec![StatusCode::Ok],
    };
    let policies = [
        PolicyConfig::new("other", never),
        PolicyConfig::new("all", RuleConfig::AlwaysSample),
    ];
    let set = PolicySet::compile(&policies, EvaluationConfig::default());
    Arc::new(ActivePolicies::new(2, set, windows(100), &Registry::new()))
}

/// The marks that arrived, by trace and span number.
pub(super) fn marks(world: &World) -> BTreeMap<(u8, u64), String> {
    let mut marks = BTreeMap::new();
    for body in &world.backend.0.lock().requests {
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            let mark = span.attributes.iter().find(|a| a.key == NAME).unwrap();
            let value = mark.value.as_ref().unwrap().value.clone();
            let Some(any_value::Value::StringValue(policy)) = value else {
                panic!("{value:?}");
            };
            let number = u64::from_be_bytes(span.span_id.try_into().unwrap());
            marks.insert((span.trace_id[0], number), policy);
        }
    }
    marks
}

#[test]
fn late_spans_have_the_mark_of_the_policy_that_kept_their_trace_after_a_reload_too() {
    let mut world = marked(EvaluationConfig::default());
    world.send(&[failed(span(1, 1, ROOT))]);
    world.pass(500);
    assert!(world.inbox.control(Control::Policies(others())));
    world.send(&[span(1, 2, !ROOT), span(2, 1, ROOT)]);
    world.pass(500);
    world.send(&[span(2, 2, !ROOT)]);
    world.pass(500);
    let expected = [
        ((1, 1), "errors"),
        ((1, 2), "errors"),
        ((2, 1), "all"),
        ((2, 2), "all"),
    ];
    let expected = expected.map(|(span, policy)| (span, policy.to_owned()));
    assert_eq!(marks(&world), BTreeMap::from(expected));
}

#[test]
fn a_trace_that_its_first_policies_keep_after_a_reload_has_their_mark() {
    let mut world = marked(EvaluationConfig {
        strategy: Strategy::SpanIngest,
        ..EvaluationConfig::default()
    });
    world.send(&[span(1, 1, ROOT)]);
    world.pass(10);
    assert!(world.inbox.control(Control::Policies(others())));
    world.send(&[failed(span(1, 2, !ROOT))]);
    world.pass(500);
    let errors = || "errors".to_owned();
    let expected = BTreeMap::from([((1, 1), errors()), ((1, 2), errors())]);
    assert_eq!(marks(&world), expected);
}

#[test]
fn marks_are_charged_while_their_spans_wait() {
    /// Field key, length, name, value: `a.policy`, `errors`.
    const MARK_BYTES: u64 = 2 + (2 + 8) + (2 + 2 + 6);
    let mut with_marks = marked(EvaluationConfig::default());
    let mut without = World::new(1 << 30, windows(100));
    for world in [&mut with_marks, &mut without] {
        for number in 1..=5_000 {
            world.send(&[failed(span(1, number, number == 1))]);
            world.pass(0);
        }
        // Decided, and not yet sent.
        world.pass(150);
        assert_eq!(world.accounting.snapshot().kept, 5_000);
    }
    let used_bytes = |world: &World| world.budget.used_bytes();
    let more_bytes = used_bytes(&with_marks) - used_bytes(&without);
    assert_eq!(more_bytes, 5_000 * MARK_BYTES);
    with_marks.pass(500);
    assert_eq!(marks(&with_marks).len(), 5_000);
    assert_eq!(used_bytes(&with_marks), 0);
}
