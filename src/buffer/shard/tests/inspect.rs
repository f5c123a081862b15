//! What a shard tells of a trace that is held.

use super::*;
use crate::otlp::ids::TraceId;
use crate::sampler::config::Strategy;
use crate::sampler::precedence::Decision;

/// What is known of a trace.
fn known(world: &mut World, trace: u8) -> Vec<Known> {
    let (answers, received) = crossbeam_channel::bounded(100);
    let inspect = Inspect {
        trace_id: TraceId([trace; 16]),
        answers,
    };
    assert!(world.inbox.control(Control::Inspect(inspect)));
    world.pass(0);
    received.try_iter().collect()
}

/// What would become of each undecided trace, by which generation of policies, by how many votes, with how many spans.
fn rehearsals(known: &[Known]) -> Vec<(Decision, u64, usize, u64)> {
    let rehearsals = known.iter().map(|known| match known {
        Known::Undecided { rehearsal, .. } => (
            rehearsal.verdict.decision,
            rehearsal.policies.generation(),
            rehearsal.records.len(),
            rehearsal.span_count,
        ),
        other => panic!("{other:?}"),
    });
    rehearsals.collect()
}

#[test]
fn a_trace_that_was_judged_as_it_arrived_is_told_as_it_will_be_decided() {
    let ingest = EvaluationConfig {
        strategy: Strategy::SpanIngest,
        ..EvaluationConfig::default()
    };
    let windows = windows(60_000);
    let mut world = World::with(1 << 30, windows, ingest, BufferConfig::default());
    world.send(&[span(1, 1, ROOT)]);
    world.pass(10);
    let all = PolicyConfig::new("all", RuleConfig::AlwaysSample);
    let set = PolicySet::compile(&[all], EvaluationConfig::default());
    let keep_all = ActivePolicies::new(2, set, windows, &Registry::new());
    let keep_all = Arc::new(keep_all);
    assert!(world.inbox.control(Control::Policies(keep_all)));
    world.send(&[span(2, 1, ROOT)]);
    let judged = known(&mut world, 1);
    assert_eq!(rehearsals(&judged), [(Decision::NotSampled, 1, 0, 1)]);
    let held = known(&mut world, 2);
    assert_eq!(rehearsals(&held), [(Decision::Sampled, 2, 1, 1)]);
}

#[test]
fn a_set_that_is_replaced_goes_though_its_decisions_are_remembered() {
    let mut world = World::new(1 << 30, windows(50));
    let first = Arc::downgrade(&world.shard.policies);
    world.send(&[failed(span(1, 1, ROOT))]);
    world.pass(100);
    let nothing = PolicySet::compile(&[], EvaluationConfig::default());
    let others = ActivePolicies::new(2, nothing, windows(50), &Registry::new());
    assert!(world.inbox.control(Control::Policies(Arc::new(others))));
    let known = known(&mut world, 1);
    assert!(first.upgrade().is_none());
    let [Known::Decided(decided)] = known.as_slice() else {
        panic!("{known:?}");
    };
    assert_eq!(decided.policies.generation(), 1);
    assert_eq!(decided.policies.names().collect::<Vec<_>>(), ["errors"]);
}

#[test]
fn all_traces_of_an_id_are_told_where_requests_differ_in_metadata() {
    let tenant = |name: &str| {
        let metadata = vec![("x-tenant".to_owned(), name.to_owned())];
        Arc::new(RequestMetadata(metadata))
    };
    let mut world = World::new(1 << 30, windows(60_000));
    world.send_with(Some(&tenant("a")), None, &[span(1, 1, ROOT)]);
    world.send_with(
        Some(&tenant("b")),
        None,
        &[span(1, 1, ROOT), failed(span(1, 2, !ROOT))],
    );
    world.send(&[span(1, 1, ROOT), span(1, 2, !ROOT), span(1, 3, !ROOT)]);
    world.send(&[span(2, 1, ROOT)]);
    world.pass(10);
    let told = rehearsals(&known(&mut world, 1));
    let expected = [
        (Decision::NotSampled, 1, 1, 3),
        (Decision::Sampled, 1, 1, 2),
        (Decision::NotSampled, 1, 1, 1),
    ];
    assert_eq!(told, expected);
}
