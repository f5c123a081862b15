//! Single rules, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schedule::{judge, settle};
use super::world::{World, id, settings};
use crate::batch::key::Slot;
use crate::batch::replica::{Incarnation, Life, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::router::holders::{Effect, Holders, Input, Route, SlotState};
use crate::router::member::MemberState;

fn alone(min_replicas: usize, has_seeds: bool) -> Holders {
    let mut settings = settings(0, min_replicas);
    settings.has_seeds = has_seeds;
    Holders::new(settings, Incarnation(1), Moment(0))
}

#[test]
fn a_lone_replica_without_seeds_holds_everything_at_once() {
    let mut holders = alone(1, false);
    let effects = holders.handle(Input::Tick, Moment(0));
    assert_eq!(*holders.holds(), SlotSet::all());
    assert!(effects.contains(&Effect::WentActive));
    assert!(effects.contains(&Effect::SetSlots {
        slots: SlotSet::all(),
        state: SlotState::Here
    }));
    let is_here = |effect: &Effect| matches!(effect, Effect::Routes(routes) if *routes.get(Slot(4095)) == Route::Here);
    assert!(effects.iter().any(is_here));
    assert!(holders.handle(Input::Tick, Moment(1)).is_empty());
}

#[test]
fn a_lone_replica_with_seeds_waits_one_dead_time_for_them() {
    let mut holders = alone(1, true);
    let _ = holders.handle(Input::Tick, Moment(0));
    assert_eq!(holders.state(), MemberState::Joining);
    let _ = holders.handle(Input::Tick, Moment(0).after(Duration::from_secs(12)));
    assert_eq!(holders.state(), MemberState::Active);
}

#[test]
fn too_few_replicas_found_nothing() {
    let mut holders = alone(2, false);
    let _ = holders.handle(Input::Tick, Moment(0).after(Duration::from_secs(99)));
    assert_eq!(holders.state(), MemberState::Joining);
    assert!(holders.holds().is_empty());
}

#[test]
fn a_lone_replica_leaves_when_it_is_idle() {
    let mut holders = alone(1, false);
    let _ = holders.handle(Input::Tick, Moment(0));
    assert!(
        !holders
            .handle(Input::Leave, Moment(1))
            .contains(&Effect::MayExit)
    );
    assert!(
        !holders
            .handle(Input::Idle(false), Moment(2))
            .contains(&Effect::MayExit)
    );
    assert!(
        holders
            .handle(Input::Idle(true), Moment(3))
            .contains(&Effect::MayExit)
    );
    assert_eq!(holders.state(), MemberState::Left);
}

/// Two that founded clusters apart from each other: each gives the other what the table names the other for.
#[test]
fn of_two_holders_the_one_that_the_table_does_not_name_gives_way() {
    let mut world = World::new(1);
    world.may_have_two_holders = true;
    world.now = world.now.after(Duration::from_secs(13));
    world.input(0, Input::Tick);
    world.start_apart(1);
    world.now = world.now.after(Duration::from_secs(13));
    world.input(1, Input::Tick);
    for replica in 0..2 {
        assert_eq!(*world.node(replica).holders.holds(), SlotSet::all());
    }
    settle(&mut world, true);
    world.may_have_two_holders = false;
    judge(&mut world);
    assert_eq!(world.violation, None);
}

/// Each side takes the other for dead, and goes on alone. When they meet again, all find themselves declared dead.
#[test]
fn both_sides_of_a_partition_go_on_and_one_holder_is_left_when_it_heals() {
    let mut world = World::new(3);
    settle(&mut world, true);
    world.partition = Some(1);
    world.truly_dead = [1, 1, 1, 0];
    settle(&mut world, true);
    let held = |world: &World, replica: usize| world.node(replica).holders.holds().clone();
    assert_eq!(held(&world, 0), SlotSet::all());
    assert_eq!(&held(&world, 1) | &held(&world, 2), SlotSet::all());
    world.partition = None;
    settle(&mut world, true);
    judge(&mut world);
    assert_eq!(world.violation, None);
    assert!(world.node(0).holders.life().incarnation > Incarnation(1));
}

/// The mark of a move that another replica gives slot 7 by.
fn mark_of_another() -> (MoveId, SlotSet) {
    let giver = Life {
        replica: id(1),
        incarnation: Incarnation(3),
    };
    let slots = [Slot(7)].into_iter().collect();
    (MoveId { giver, number: 1 }, slots)
}

#[test]
fn a_mark_for_another_life_or_of_the_dead_means_nothing() {
    let mut holders = alone(1, false);
    let _ = holders.handle(Input::Tick, Moment(0));
    let (mark, slots) = mark_of_another();
    let (accepted, _) = holders.heed_mark(&mark, Incarnation(2), &slots, Moment(1));
    assert!(accepted.is_empty());
    let (accepted, _) = holders.heed_mark(&mark, Incarnation(1), &slots, Moment(1));
    assert_eq!(accepted, slots);
    let dead = [(id(1), Incarnation(3))].into_iter().collect();
    let _ = holders.handle(Input::Deaths(dead), Moment(2));
    let (accepted, _) = holders.heed_mark(&mark, Incarnation(1), &slots, Moment(2));
    assert!(accepted.is_empty());
}

#[test]
fn a_death_decided_alone_is_named_to_nobody_and_ends_when_its_replica_is_heard_again() {
    let mut holders = alone(1, false);
    let _ = holders.handle(Input::Tick, Moment(0));
    let (mark, slots) = mark_of_another();
    let takes = |holders: &mut Holders| {
        let (accepted, _) = holders.heed_mark(&mark, Incarnation(1), &slots, Moment(1));
        !accepted.is_empty()
    };
    let dead = [(id(1), Incarnation(3))].into_iter().collect();
    let effects = holders.handle(Input::DecidedAlone(dead), Moment(1));
    let is_told = |effect: &Effect| matches!(effect, Effect::Died(_));
    assert!(!effects.iter().any(is_told));
    assert!(holders.digest().dead.is_empty());
    assert!(!takes(&mut holders));
    let _ = holders.handle(Input::DecidedAlone(BTreeMap::new()), Moment(2));
    assert!(takes(&mut holders));
}

#[test]
fn who_is_declared_dead_holds_nothing_and_begins_a_new_life() {
    let mut holders = alone(1, false);
    let _ = holders.handle(Input::Tick, Moment(0));
    let dead = [(id(0), Incarnation(1))].into_iter().collect();
    let effects = holders.handle(Input::Deaths(dead), Moment(1));
    assert_eq!(holders.life().incarnation, Incarnation(2));
    assert!(effects.contains(&Effect::NewLife(holders.life().clone())));
    assert!(holders.holds().is_empty());
    // Alone, it claims after twice the dead time (rule 18).
    let _ = holders.handle(Input::Tick, Moment(2).after(Duration::from_secs(24)));
    assert_eq!(*holders.holds(), SlotSet::all());
}
