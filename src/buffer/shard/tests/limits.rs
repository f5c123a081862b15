//! Memory, `num_traces`, a trace too large, a backend that is gone: what gives way, and what does not.

use super::*;

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
