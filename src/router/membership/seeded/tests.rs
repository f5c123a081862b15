//! The hub: late, reordered, wrong, and the same again.

use super::*;
use crate::batch::replica::Incarnation;
use crate::router::member::MemberState;

const FAULTS: SeededFaults = SeededFaults {
    delay_max: Duration::from_millis(900),
    missed_after: Duration::from_secs(2),
    wrong_every: None,
    wrong_for_max: Duration::ZERO,
};

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn at(ms: u64) -> Moment {
    Moment(ms * 1_000_000)
}

fn record(name: &str, version: u64) -> Record {
    let record = Record::for_tests(name, 1, MemberState::Active);
    Record { version, ..record }
}

/// The version that `reader` sees of `other`, and whether it misses it.
fn seen(reader: &SeededMembership, other: &str) -> Option<(u64, bool)> {
    let sight = reader.watch().borrow().clone();
    let known = sight.view.get(&id(other))?;
    Some((known.record.version, known.is_suspect))
}

/// Two replicas that know each other, at 1 s.
fn pair(faults: SeededFaults) -> (SeededHub, SeededMembership, SeededMembership) {
    let hub = SeededHub::new(1, faults);
    let (a, b) = (hub.join(&id("a")), hub.join(&id("b")));
    a.publish_record(record("a", 1));
    b.publish_record(record("b", 1));
    hub.advance(at(1_000));
    (hub, a, b)
}

#[test]
fn what_is_published_is_seen_by_the_others_after_a_delay() {
    let hub = SeededHub::new(1, FAULTS);
    let (a, b) = (hub.join(&id("a")), hub.join(&id("b")));
    a.publish_record(record("a", 1));
    assert_eq!(seen(&b, "a"), None);
    hub.advance(at(900));
    assert_eq!(seen(&b, "a"), Some((1, false)));
    assert_eq!(seen(&a, "a"), None, "not oneself");
    let late = hub.join(&id("c"));
    hub.advance(at(1_800));
    assert_eq!(seen(&late, "a"), Some((1, false)));
}

#[test]
fn what_overtakes_an_older_one_stays() {
    let mut overtaken = 0;
    for seed in 0..50 {
        let hub = SeededHub::new(seed, FAULTS);
        let (a, b) = (hub.join(&id("a")), hub.join(&id("b")));
        a.publish_record(record("a", 1));
        hub.advance(at(100));
        a.publish_record(record("a", 2));
        let mut versions = Vec::new();
        for ms in (100..1_100).step_by(10) {
            hub.advance(at(ms));
            versions.extend(seen(&b, "a").map(|(version, _)| version));
        }
        assert!(versions.is_sorted(), "{versions:?}");
        assert_eq!(versions.last(), Some(&2));
        overtaken += u32::from(!versions.contains(&1));
    }
    assert!((5..45).contains(&overtaken), "{overtaken}");
}

#[test]
fn a_stopped_replica_is_missed_and_when_it_goes_on_it_is_not() {
    let (hub, a, b) = pair(FAULTS);
    hub.stop(&id("b"));
    b.publish_record(record("b", 2));
    hub.advance(at(2_900));
    assert_eq!(seen(&a, "b"), Some((1, false)));
    hub.advance(at(3_000));
    assert_eq!(seen(&a, "b"), Some((1, true)));
    hub.resume(&id("b"));
    hub.advance(at(4_000));
    assert_eq!(seen(&a, "b"), Some((2, false)));
}

#[test]
fn a_cut_is_felt_only_where_no_third_one_leads_around_it() {
    let (hub, a, b) = pair(FAULTS);
    let c = hub.join(&id("c"));
    hub.cut(&id("a"), &id("b"));
    b.publish_record(record("b", 2));
    hub.advance(at(9_000));
    assert_eq!(seen(&a, "b"), Some((2, false)));
    hub.cut(&id("c"), &id("b"));
    b.publish_record(record("b", 3));
    hub.advance(at(18_000));
    assert_eq!(seen(&a, "b"), Some((2, true)));
    assert_eq!(seen(&c, "b"), Some((2, true)));
    hub.heal(&id("a"), &id("b"));
    hub.advance(at(19_000));
    assert_eq!(seen(&a, "b"), Some((3, false)));
}

#[test]
fn a_replica_started_anew_is_heard_once_it_has_published() {
    let (hub, a, b) = pair(FAULTS);
    let again = hub.join(&id("b"));
    b.publish_record(record("b", 9));
    hub.advance(at(3_000));
    assert_eq!(seen(&a, "b"), Some((1, true)), "the old one is silent");
    assert_eq!(seen(&again, "a"), Some((1, false)));
    again.publish_record(Record::for_tests("b", 2, MemberState::Joining));
    hub.advance(at(4_000));
    let sight = a.watch().borrow().clone();
    let known = sight.view.get(&id("b")).unwrap();
    assert_eq!(known.record.life.incarnation, Incarnation(2));
    assert!(!known.is_suspect);
}

#[test]
fn a_wrong_opinion_lasts_as_long_as_it_is_said_to() {
    let (hub, a, b) = pair(FAULTS);
    hub.miss(&id("a"), &id("b"), at(5_000));
    hub.advance(at(4_000));
    assert_eq!(seen(&a, "b"), Some((1, true)));
    assert_eq!(seen(&b, "a"), Some((1, false)));
    hub.advance(at(5_000));
    assert_eq!(seen(&a, "b"), Some((1, false)));
}

#[test]
fn one_seed_gives_one_course_of_events_and_wrong_opinions_occur() {
    let course = |seed| {
        let faults = SeededFaults {
            wrong_every: Some(Duration::from_secs(10)),
            wrong_for_max: Duration::from_secs(2),
            ..FAULTS
        };
        let hub = SeededHub::new(seed, faults);
        let (a, b) = (hub.join(&id("a")), hub.join(&id("b")));
        let mut course = Vec::new();
        for step in 1..600 {
            b.publish_record(record("b", step));
            hub.advance(at(step * 100));
            course.push(seen(&a, "b"));
        }
        course
    };
    assert_eq!(course(5), course(5));
    assert_ne!(course(5), course(6));
    let is_wrong = |seen: &Option<(u64, bool)>| seen.is_some_and(|(_, is_suspect)| is_suspect);
    assert!(course(5).iter().any(is_wrong));
    assert!(course(5).iter().any(|seen| !is_wrong(seen)));
}
