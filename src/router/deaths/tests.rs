//! Who dies, when, and by whose word.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const DEAD_AFTER: Duration = Duration::from_secs(12);

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn at(seconds: u64) -> Moment {
    Moment(seconds * 1_000_000_000)
}

/// A replica `a`, active, and what it knows; by the names of the others.
struct Scene {
    own: Record,
    view: View,
    deaths: Deaths,
}

impl Scene {
    /// `a` and the others of these names, all active in their first life.
    fn of(others: &[&str]) -> Self {
        let mut scene = Self {
            own: Record::for_tests("a", 1, MemberState::Active),
            view: View::default(),
            deaths: Deaths::new(DEAD_AFTER),
        };
        for other in others {
            scene.publish(Record::for_tests(other, 1, MemberState::Active));
        }
        scene.step(0);
        scene
    }

    fn publish(&mut self, record: Record) {
        let known = Known {
            digest: Arc::default(),
            is_suspect: false,
            record: Arc::new(record.clone()),
        };
        self.view.others.insert(record.life.replica, known);
    }

    fn known(&mut self, name: &str) -> &mut Known {
        self.view.others.get_mut(&id(name)).unwrap()
    }

    fn miss(&mut self, name: &str) {
        self.known(name).is_suspect = true;
    }

    fn hear(&mut self, name: &str) {
        self.known(name).is_suspect = false;
    }

    /// `voter` votes for the death of the first life of `of`.
    fn votes(&mut self, voter: &str, of: &str) {
        let digest = Arc::make_mut(&mut self.known(voter).digest);
        digest.votes.insert(id(of), Incarnation(1));
    }

    fn says_dead(&mut self, sender: &str, of: &str, incarnation: u64) {
        let digest = Arc::make_mut(&mut self.known(sender).digest);
        digest.dead.insert(id(of), Incarnation(incarnation));
    }

    fn step(&mut self, seconds: u64) -> Vec<Change> {
        let now = at(seconds);
        self.deaths.step(&self.view, &self.own, now, false)
    }
}

fn died(name: &str, why: Why) -> Vec<Change> {
    vec![Change::Died(life(&id(name), Incarnation(1)), why)]
}

#[test]
fn a_suspicion_becomes_a_vote_after_the_dead_time_without_a_break() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.miss("b");
    scene.step(1);
    scene.step(12);
    assert!(scene.deaths.votes().is_empty());
    scene.hear("b");
    scene.step(12);
    scene.miss("b");
    scene.step(13);
    scene.step(24);
    assert!(scene.deaths.votes().is_empty());
    scene.step(25);
    assert_eq!(scene.deaths.votes().get(&id("b")), Some(&Incarnation(1)));
    assert!(!scene.deaths.is_dead(&life(&id("b"), Incarnation(1))));
}

#[test]
fn a_member_is_dead_when_more_than_half_of_the_active_ones_say_so() {
    let mut scene = Scene::of(&["b", "c", "d"]);
    scene.miss("b");
    scene.step(1);
    scene.votes("c", "b");
    assert_eq!(scene.step(13), [], "two of four are not more than half");
    scene.votes("d", "b");
    assert_eq!(scene.step(14), died("b", Why::Majority));
    assert_eq!(scene.step(15), [], "told once");
    assert!(scene.deaths.is_dead(&life(&id("b"), Incarnation(1))));
    assert!(!scene.deaths.is_dead(&life(&id("b"), Incarnation(2))));
    assert_eq!(scene.deaths.agreed()[&id("b")], Incarnation(1));
    assert!(scene.deaths.votes().is_empty());
}

#[test]
fn of_two_active_members_the_other_decides_even_beside_joining_ones() {
    let mut scene = Scene::of(&["b"]);
    scene.publish(Record::for_tests("j", 1, MemberState::Joining));
    scene.miss("b");
    scene.votes("j", "b");
    assert_eq!(scene.step(1), [], "who joins has no vote");
    assert_eq!(scene.step(13), died("b", Why::OtherOfTwo));
}

#[test]
fn votes_of_members_out_of_reach_or_for_another_life_do_not_count() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.miss("b");
    scene.step(1);
    scene.votes("c", "b");
    scene.miss("c");
    assert_eq!(scene.step(13), []);
    let mut scene = Scene::of(&["b", "c"]);
    scene.publish(Record::for_tests("b", 2, MemberState::Active));
    scene.miss("b");
    scene.step(1);
    scene.votes("c", "b");
    assert_eq!(scene.step(13), []);
}

#[test]
fn a_published_death_is_adopted_but_not_from_the_dead() {
    let mut scene = Scene::of(&["b", "c", "d"]);
    scene.says_dead("c", "b", 1);
    assert_eq!(scene.step(1), died("b", Why::Told));
    scene.says_dead("b", "d", 1);
    assert_eq!(scene.step(2), []);
}

#[test]
fn a_new_life_proves_the_old_one_dead_unless_that_had_left() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.publish(Record::for_tests("b", 2, MemberState::Joining));
    assert_eq!(scene.step(1), died("b", Why::NewLife));
    assert!(!scene.deaths.is_dead(&life(&id("b"), Incarnation(2))));
    scene.publish(Record::for_tests("c", 1, MemberState::Left));
    scene.miss("c");
    scene.step(2);
    assert_eq!(scene.step(60), []);
    scene.publish(Record::for_tests("c", 2, MemberState::Joining));
    assert_eq!(scene.step(61), []);
}

#[test]
fn without_a_majority_in_reach_one_decides_alone_after_twice_the_time_until_it_hears_again() {
    let mut scene = Scene::of(&["b", "c", "d"]);
    for other in ["b", "c"] {
        scene.miss(other);
    }
    scene.step(1);
    assert!(!scene.deaths.has_majority());
    assert_eq!(scene.step(24), []);
    let both = [died("b", Why::Alone), died("c", Why::Alone)].concat();
    assert_eq!(scene.step(25), both);
    assert_eq!(scene.step(26), []);
    assert!(scene.deaths.is_dead(&life(&id("b"), Incarnation(1))));
    assert!(scene.deaths.agreed().is_empty(), "not for publication");
    scene.hear("b");
    let returned = Change::Returned(life(&id("b"), Incarnation(1)));
    assert_eq!(scene.step(27), [returned]);
    assert!(scene.deaths.has_majority());
    assert!(!scene.deaths.is_dead(&life(&id("b"), Incarnation(1))));
}

#[test]
fn with_a_majority_in_reach_nobody_decides_alone() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.miss("b");
    scene.step(1);
    assert_eq!(scene.step(500), []);
    assert!(scene.deaths.has_majority());
}

#[test]
fn joiners_that_found_a_cluster_decide_alone() {
    let mut scene = Scene::of(&[]);
    scene.own.state = MemberState::Joining;
    scene.publish(Record::for_tests("b", 1, MemberState::Joining));
    scene.miss("b");
    scene.step(1);
    assert_eq!(scene.step(25), died("b", Why::Alone));
}

#[test]
fn an_unsure_replica_has_no_say_and_counts_from_when_it_is_sure_again() {
    let mut scene = Scene::of(&["b"]);
    scene.miss("b");
    scene.step(1);
    let unsure = |scene: &mut Scene, seconds| {
        let Scene { own, view, deaths } = scene;
        deaths.step(view, own, at(seconds), true)
    };
    assert_eq!(unsure(&mut scene, 40), []);
    assert!(scene.deaths.votes().is_empty());
    assert_eq!(scene.step(51), []);
    assert_eq!(scene.step(52), died("b", Why::OtherOfTwo));
}

#[test]
fn who_is_declared_dead_is_told_and_by_a_higher_incarnation_is_not() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.says_dead("b", "a", 1);
    assert_eq!(scene.step(1), [Change::DeclaredDead]);
    scene.own.life.incarnation = Incarnation(2);
    scene.deaths.reborn();
    assert_eq!(scene.step(2), []);
}

#[test]
fn of_two_that_declared_each_other_dead_the_lower_id_stands() {
    let mut low = Scene::of(&["b"]);
    low.miss("b");
    low.step(1);
    low.step(13);
    low.hear("b");
    low.says_dead("b", "a", 1);
    assert_eq!(low.step(14), []);
    let mut high = Scene::of(&["b"]);
    high.own = Record::for_tests("c", 1, MemberState::Active);
    high.miss("b");
    high.step(1);
    assert_eq!(high.step(13), died("b", Why::OtherOfTwo));
    high.hear("b");
    high.says_dead("b", "c", 1);
    assert_eq!(high.step(14), [Change::DeclaredDead]);
    high.own.life.incarnation = Incarnation(2);
    high.deaths.reborn();
    high.step(15);
    assert!(!high.deaths.is_dead(&life(&id("b"), Incarnation(1))));
}

#[test]
fn a_minority_that_decided_alone_hears_from_the_majority_that_it_is_dead() {
    let mut scene = Scene::of(&["b", "c"]);
    for other in ["b", "c"] {
        scene.miss(other);
    }
    scene.step(1);
    assert_eq!(scene.step(25).len(), 2);
    scene.says_dead("b", "a", 1);
    assert_eq!(scene.step(26), [Change::DeclaredDead]);
}

#[test]
fn nothing_is_kept_of_who_is_no_longer_in_the_view() {
    let mut scene = Scene::of(&["b", "c"]);
    scene.says_dead("c", "b", 1);
    scene.step(1);
    scene.view.others.remove(&id("b"));
    assert_eq!(scene.step(2), []);
    assert!(scene.deaths.agreed().is_empty(), "nor adopted again");
}

proptest! {
    #[test]
    fn no_member_dies_by_half_of_the_votes_or_fewer(members in 3_usize..12, votes in 0_usize..12) {
        let names: Vec<String> = (1..members).map(|n| format!("r{n}")).collect();
        let others: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scene = Scene::of(&others);
        // The last one is missed by nobody but the voters; `a` is none.
        let (subject, voters) = others.split_last().unwrap();
        for voter in voters.iter().take(votes) {
            scene.votes(voter, subject);
        }
        let cast = votes.min(voters.len());
        let is_dead = !scene.step(1).is_empty();
        prop_assert_eq!(is_dead, cast * 2 > members);
    }
}
