//! `sampling_strategy: span-ingest`: traces judged as they arrive, and what a reload and a full table mean for them.

use super::*;
use crate::buffer::config::Overflow;
use crate::sampler::config::Strategy;

const INGEST: EvaluationConfig = EvaluationConfig {
    sample_on_first_match: false,
    drop_pending_traces_on_shutdown: false,
    strategy: Strategy::SpanIngest,
    strict: false,
    compat: crate::sampler::config::Compat::Latest,
};

fn world(decision_wait_ms: u64) -> World {
    World::with(
        1 << 30,
        windows(decision_wait_ms),
        INGEST,
        BufferConfig::default(),
    )
}

#[test]
fn a_batch_that_is_sampled_releases_its_trace_at_once_and_the_rest_follows() {
    let mut world = world(60_000);
    world.send(&[span(1, 1, ROOT)]);
    world.pass(100);
    assert_eq!(world.accounting.snapshot().buffered, 1);
    world.send(&[failed(span(1, 2, !ROOT))]);
    world.send(&[span(1, 3, !ROOT)]);
    world.pass(500);
    assert_eq!(
        world.backend.received(),
        BTreeMap::from([(1, vec![1, 2, 3])])
    );
}

#[test]
fn a_trace_of_which_no_batch_was_enough_is_not_sampled_when_its_window_closes() {
    let mut world = world(100);
    world.send(&[span(1, 1, ROOT), span(2, 1, ROOT)]);
    world.pass(150);
    world.send(&[failed(span(1, 2, !ROOT))]);
    world.pass(500);
    assert_eq!(world.backend.received(), BTreeMap::new());
    assert_eq!(world.accounting.snapshot().not_sampled, 3);
}

#[test]
fn a_trace_keeps_the_set_of_its_first_batch() {
    let mut world = world(1_000);
    world.send(&[span(1, 1, ROOT)]);
    world.pass(10);
    let nothing = PolicySet::compile(&[], INGEST);
    let others = ActivePolicies::new(2, nothing, windows(1_000), &Registry::new());
    assert!(world.inbox.control(Control::Policies(Arc::new(others))));
    world.send(&[failed(span(1, 2, !ROOT)), failed(span(2, 1, ROOT))]);
    world.pass(2_000);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 2])]));
    assert_eq!(world.accounting.snapshot().not_sampled, 1);
}

#[test]
fn what_an_older_set_says_and_keeps_is_counted_for_its_policies() {
    let mut world = world(1_000);
    world.send(&[span(1, 1, ROOT)]);
    world.pass(10);
    let nothing = PolicySet::compile(&[], INGEST);
    let others = ActivePolicies::new(2, nothing, windows(1_000), &world.registry);
    assert!(world.inbox.control(Control::Policies(Arc::new(others))));
    world.send(&[failed(span(1, 2, !ROOT))]);
    world.pass(2_000);
    let counted = world.registry.render();
    let count = |name: &str, labels: [&str; 2]| {
        let mut lines = counted.lines().filter(|line| {
            line.starts_with(&format!("{name}{{")) && labels.iter().all(|it| line.contains(it))
        });
        lines.next().unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let by_errors = |name, label| count(name, [r#"policy="errors""#, label]);
    let decided = "tailsieve_sampler_spans_decided_total";
    assert_eq!(by_errors(decided, r#"decision="sampled""#), "2");
    let votes = "tailsieve_sampler_votes_total";
    assert_eq!(by_errors(votes, r#"vote="sampled""#), "1");
    assert_eq!(by_errors(votes, r#"vote="not_sampled""#), "1");
    let traces = "tailsieve_sampler_traces_decided_total";
    let by_none = [r#"policy="""#, r#"decision="sampled""#];
    assert_eq!(count(traces, by_none), "0");
}

#[test]
fn a_discarded_trace_is_counted_and_begins_anew() {
    let discard = WindowConfig {
        num_traces: Some(2),
        num_traces_overflow: Overflow::Discard,
        ..windows(100)
    };
    let mut world = World::new(1 << 30, discard);
    for trace in 1..=3 {
        world.send(&[failed(span(trace, 1, ROOT))]);
    }
    world.pass(10);
    assert_eq!(world.accounting.snapshot().dropped, 1);
    world.send(&[failed(span(1, 2, !ROOT))]);
    world.pass(500);
    let received = BTreeMap::from([(1, vec![2]), (3, vec![1])]);
    assert_eq!(world.backend.received(), received);
}
