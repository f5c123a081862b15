//! Memory, `num_traces`, a trace too large, a backend that is gone: what gives way, and what does not.

use super::*;
use crate::sampler::config::Strategy;

#[test]
fn under_memory_pressure_the_oldest_are_decided_early_and_really() {
    let mut world = World::new(60_000, windows(60_000));
    for trace in 1..=100 {
        world.send(&[
            failed(span(trace, 1, ROOT)),
            span(trace, 2, !ROOT),
            span(trace, 3, !ROOT),
        ]);
        world.pass(5);
        assert!(world.budget.used_bytes() < 60_000);
    }
    world.pass(300);
    let received = world.backend.received();
    let oldest: Vec<u8> = (1..=received.len() as u8).collect();
    assert!(received.len() > 10);
    assert_eq!(received.keys().copied().collect::<Vec<_>>(), oldest);
    assert!(received.values().all(|spans| *spans == [1, 2, 3]));
}

#[test]
fn a_dead_backend_holds_kept_traces_and_does_not_rush_the_others() {
    let mut world = World::new(400_000, windows(200));
    world.backend.0.lock().is_full = true;
    let mut trace = 0;
    while world.budget.used_bytes() < 360_000 {
        trace += 1;
        let spans: Vec<Span> = (1..=8)
            .map(|number| failed(span(trace, number, !ROOT)))
            .collect();
        world.send(&spans);
        world.pass(5);
    }
    world.pass(1_000);
    world.send(&[span(200, 1, ROOT)]);
    world.pass(100);
    assert_eq!(
        world.accounting.snapshot().buffered,
        1,
        "decided early though nothing is gained"
    );
    world.backend.0.lock().is_full = false;
    world.pass(1_000);
    assert_eq!(world.backend.received().len(), usize::from(trace));
}

#[test]
fn num_traces_bounds_the_traces_held() {
    let few = WindowConfig {
        num_traces: Some(10),
        ..windows(60_000)
    };
    let mut world = World::new(1 << 30, few);
    for trace in 1..=30 {
        world.send(&[failed(span(trace, 1, ROOT))]);
        world.pass(5);
    }
    world.pass(300);
    let received: Vec<u8> = world.backend.received().into_keys().collect();
    assert_eq!(received, (1..=20).collect::<Vec<u8>>());
}

#[test]
fn a_trace_that_outgrows_its_share_is_decided_by_itself_and_released_in_pieces() {
    let config = BufferConfig {
        batch_bytes_max: 4_096,
        ..BufferConfig::default()
    };
    let mut world = World::with(
        1_000_000,
        windows(60_000),
        EvaluationConfig::default(),
        config,
    );
    world.send(&[span(2, 1, ROOT)]);
    for number in 1..=400 {
        world.send(&[failed(span(1, number, !ROOT))]);
        world.pass(5);
    }
    world.pass(1_000);
    assert_eq!(world.accounting.snapshot().buffered, 1);
    assert_eq!(world.backend.received()[&1].len(), 400);
    let state = world.backend.0.lock();
    assert!(state.requests.iter().all(|body| body.len() < 5_000));
}

/// So many spans of one trace, failed ones or not, in one request.
fn large_group(spans: u64, make: impl Fn(Span) -> Span) -> Vec<Span> {
    let spans = 1..=spans;
    spans.map(|number| make(span(1, number, !ROOT))).collect()
}

/// Keeps while `bytes_per_second` last.
fn limiting(bytes_per_second: i64) -> Arc<ActivePolicies> {
    let rule = RuleConfig::BytesLimiting {
        bytes_per_second,
        burst_capacity: bytes_per_second,
        scope: crate::sampler::config::LimitScope::Replica,
    };
    let policies = [PolicyConfig::new("limited", rule)];
    let set = PolicySet::compile(&policies, EvaluationConfig::default());
    let policies = ActivePolicies::new(2, set, windows(60_000), &Registry::new());
    Arc::new(policies)
}

#[test]
fn a_group_over_the_share_of_a_trace_is_sized_before_it_is_decided() {
    for (bytes_per_second, kept) in [(200_000, 400), (100_000, 0)] {
        let mut world = World::new(1_000_000, windows(60_000));
        let policies = limiting(bytes_per_second);
        assert!(world.inbox.control(Control::Policies(policies)));
        world.send(&large_group(400, |span| span));
        world.pass(300);
        assert_eq!(world.accounting.snapshot().kept, kept);
        assert_eq!(world.accounting.snapshot().buffered, 0);
    }
}

#[test]
fn a_group_over_the_share_of_a_trace_and_over_its_size_is_given_up() {
    let small = WindowConfig {
        maximum_trace_size_bytes: Some(10_000),
        ..windows(60_000)
    };
    let mut world = World::new(1_000_000, small);
    world.send(&large_group(400, failed));
    world.pass(300);
    assert_eq!(world.accounting.snapshot().not_sampled, 400);
    let decided: Vec<Trigger> = world.shard.take_decisions().map(|it| it.trigger).collect();
    assert_eq!(decided, [Trigger::TooLarge]);
}

#[test]
fn a_group_over_the_share_of_a_trace_is_judged_under_span_ingest() {
    let ingest = EvaluationConfig {
        strategy: Strategy::SpanIngest,
        ..EvaluationConfig::default()
    };
    let mut world = World::with(1_000_000, windows(60_000), ingest, BufferConfig::default());
    world.send(&large_group(400, failed));
    world.pass(1_000);
    assert_eq!(world.accounting.snapshot().kept, 400);
}

#[test]
fn a_trace_held_before_anybody_asked_for_sizes_is_sized_when_it_is_decided() {
    let spans = large_group(10, |span| span);
    let size = |first: usize, after_reload: usize| {
        let mut world = World::new(1 << 30, windows(500));
        let (before, after) = spans.split_at(first);
        world.send(before);
        world.pass(10);
        // The limit that just suffices is the size of the trace.
        let policies = limiting(1 << 30);
        assert!(world.inbox.control(Control::Policies(policies)));
        if after_reload > 0 {
            world.send(after);
        }
        world.pass(10);
        let trace = world.shard.table.oldest().unwrap();
        world.shard.catch_up_on_size(trace);
        world.shard.table.get(trace).unwrap().summary.sizes
    };
    let whole = size(10, 0);
    assert_eq!(whole.span_count, 10);
    assert!(whole.body_bytes > 10 * 400);
    // What arrives later is sized together with what was there.
    assert_eq!(size(4, 6), whole);
    assert_eq!(size(0, 10), whole);
}

#[test]
fn a_limit_on_bytes_that_arrives_by_reload_holds_for_traces_held() {
    for (bytes_per_second, kept) in [(100_000, 10), (1_000, 0)] {
        let mut world = World::new(1 << 30, windows(100));
        world.send(&large_group(10, |span| span));
        world.pass(10);
        let policies = limiting(bytes_per_second);
        assert!(world.inbox.control(Control::Policies(policies)));
        world.pass(300);
        assert_eq!(world.accounting.snapshot().kept, kept);
    }
}
