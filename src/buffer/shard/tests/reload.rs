//! A policy set takes the place of another while traces are held (contract I7).

use super::*;

/// Another set, whose only policy keeps all, with these windows.
fn keep_all(windows: WindowConfig) -> Arc<ActivePolicies> {
    let all = PolicyConfig::new("all", RuleConfig::AlwaysSample);
    let set = PolicySet::compile(&[all], EvaluationConfig::default());
    Arc::new(ActivePolicies::new(2, set, windows, &Registry::new()))
}

#[test]
fn policies_apply_to_every_later_decision_and_windows_to_traces_first_seen_later() {
    let mut world = World::new(1 << 30, windows(500));
    world.send(&[span(1, 1, ROOT)]);
    world.pass(100);
    assert!(
        world
            .inbox
            .control(Control::Policies(keep_all(windows(100))))
    );
    // It waits in the inbox together with the new set.
    world.send(&[span(2, 1, ROOT)]);
    world.pass(150);
    assert_eq!(world.accounting.snapshot().kept, 1, "the new window");
    assert_eq!(world.accounting.snapshot().buffered, 1, "the old window");
    world.send(&[span(1, 2, !ROOT)]);
    world.pass(300);
    assert_eq!(world.accounting.snapshot().not_sampled, 0);
    world.pass(250);
    let received = BTreeMap::from([(1, vec![1, 2]), (2, vec![1])]);
    assert_eq!(world.backend.received(), received);
}

#[test]
fn late_spans_follow_the_decision_of_the_set_that_made_it() {
    let mut world = World::new(1 << 30, windows(100));
    world.send(&[failed(span(1, 1, ROOT)), span(2, 1, ROOT)]);
    world.pass(150);
    assert!(
        world
            .inbox
            .control(Control::Policies(keep_all(windows(100))))
    );
    world.send(&[span(1, 2, !ROOT), span(2, 2, !ROOT)]);
    world.pass(500);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1, 2])]));
    assert_eq!(world.accounting.snapshot().not_sampled, 2);
}

#[test]
fn a_fence_is_over_when_the_swap_before_it_was_heard() {
    let mut world = World::new(1 << 30, windows(100));
    let (fence, fenced) = Fence::new();
    assert!(
        world
            .inbox
            .control(Control::Policies(keep_all(windows(100))))
    );
    assert!(world.inbox.control(Control::Fence(fence)));
    assert!(!fenced.wait(Duration::ZERO));
    world.send(&[span(1, 1, ROOT)]);
    world.pass(0);
    assert!(fenced.wait(Duration::ZERO));
    world.pass(500);
    assert_eq!(world.backend.received(), BTreeMap::from([(1, vec![1])]));
}
