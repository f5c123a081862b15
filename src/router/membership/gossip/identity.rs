//! Whether another running process goes by this replica's ID: the younger of two must not become active.
//!
//! Every process gossips under its ID and the incarnation that it started as, before it publishes anything. So a second
//! one shows by a heartbeat that goes on. An earlier life that was killed shows too, as long as it is remembered, but
//! its heartbeat stands still (after the last of it has spread): that is what the waiting here tells apart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::batch::replica::Incarnation;
use crate::clock::Moment;
use crate::router::membership::{Identity, Twin};

/// How long after the first contact with anybody all that they know has come too: two rounds of gossip.
const CONTACT_TIME: Duration = Duration::from_secs(1);
/// With seeds, how long to look for a first contact before one goes on without any.
const ALONE_TIME: Duration = Duration::from_secs(3);
/// How long the last heartbeats of who was killed may still be spreading.
const SPREAD_TIME: Duration = Duration::from_secs(3);
/// Without a heartbeat for as long, a twin that was never seen alive is taken for dead.
const STILL_TIME: Duration = Duration::from_secs(5);
/// The same for one that was seen alive: as long as an ordinary restart may take to be noticed.
const SILENT_TIME: Duration = Duration::from_secs(12);

/// Watches for twins.
#[derive(Debug)]
pub(super) struct IdentityWatch {
    own: Twin,
    started: Moment,
    has_seeds: bool,
    first_contact: Option<Moment>,
    older: BTreeMap<(Incarnation, SocketAddr), Pulse>,
}

/// A process under the own ID, as gossip knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SameId {
    pub(super) twin: Twin,
    pub(super) heartbeat: u64,
    /// Whether its last record says that it has gone in order.
    pub(super) has_left: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pulse {
    heartbeat: u64,
    first_seen: Moment,
    last_change: Moment,
}

impl IdentityWatch {
    /// For the process `own`. Without seeds nobody is looked for.
    pub(super) fn new(own: Twin, has_seeds: bool, now: Moment) -> Self {
        Self {
            own,
            started: now,
            has_seeds,
            first_contact: None,
            older: BTreeMap::new(),
        }
    }

    /// What is to be thought at `now`, when gossip knows these processes under the own ID. `has_contact`: it knows
    /// anybody at all.
    pub(super) fn look(&mut self, same: &[SameId], has_contact: bool, now: Moment) -> Identity {
        if has_contact {
            self.first_contact.get_or_insert(now);
        }
        let older = same.iter().filter(|it| !it.has_left && self.is_older(it));
        let older: Vec<SameId> = older.copied().collect();
        self.older
            .retain(|key, _| older.iter().any(|it| it.key() == *key));
        let mut identity = self.of_one_without_twins(now);
        for it in older {
            let pulse = self.older.entry(it.key()).or_insert(Pulse {
                heartbeat: it.heartbeat,
                first_seen: now,
                last_change: now,
            });
            if pulse.heartbeat != it.heartbeat {
                pulse.heartbeat = it.heartbeat;
                pulse.last_change = now;
            }
            let still = now.since(pulse.last_change);
            let was_alive = pulse.last_change.since(pulse.first_seen) >= SPREAD_TIME;
            if was_alive && still < SILENT_TIME {
                return Identity::Taken(it.twin);
            }
            if still < STILL_TIME {
                identity = Identity::Unsure;
            }
        }
        identity
    }

    fn of_one_without_twins(&self, now: Moment) -> Identity {
        let is_settled = match self.first_contact {
            Some(contact) => now.since(contact) >= CONTACT_TIME,
            None => !self.has_seeds || now.since(self.started) >= ALONE_TIME,
        };
        if is_settled {
            Identity::Own
        } else {
            Identity::Unsure
        }
    }

    /// Of two that started as the same incarnation, the one of the lower address counts as the older.
    fn is_older(&self, other: &SameId) -> bool {
        other.key() < (self.own.incarnation, self.own.gossip_address)
    }
}

impl SameId {
    fn key(&self) -> (Incarnation, SocketAddr) {
        (self.twin.incarnation, self.twin.gossip_address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    fn process(incarnation: u64, heartbeat: u64) -> SameId {
        SameId {
            twin: Twin {
                incarnation: Incarnation(incarnation),
                gossip_address: "127.0.0.1:1".parse().unwrap(),
            },
            heartbeat,
            has_left: false,
        }
    }

    fn watch(incarnation: u64) -> IdentityWatch {
        IdentityWatch::new(process(incarnation, 0).twin, true, at(0))
    }

    #[test]
    fn without_seeds_an_id_is_ones_own_at_once_and_with_seeds_after_a_look_around() {
        let own = process(5, 0).twin;
        let mut lone = IdentityWatch::new(own, false, at(0));
        assert_eq!(lone.look(&[], false, at(0)), Identity::Own);
        let mut seeded = watch(5);
        assert_eq!(seeded.look(&[], false, at(2_900)), Identity::Unsure);
        assert_eq!(seeded.look(&[], false, at(3_000)), Identity::Own);
        let mut met = watch(5);
        assert_eq!(met.look(&[], true, at(500)), Identity::Unsure);
        assert_eq!(met.look(&[], true, at(1_500)), Identity::Own);
    }

    #[test]
    fn the_younger_of_two_running_ones_finds_its_id_taken_and_the_older_does_not() {
        let mut younger = watch(5);
        let mut older = watch(4);
        for second in 1..=10 {
            let now = at(second * 1_000);
            let seen = younger.look(&[process(4, second)], true, now);
            if second < 4 {
                assert_eq!(seen, Identity::Unsure, "{second}");
            } else {
                assert_eq!(seen, Identity::Taken(process(4, 0).twin), "{second}");
            }
            older.look(&[process(5, second)], true, now);
        }
        let twin = [process(5, 10)];
        assert_eq!(older.look(&twin, true, at(10_000)), Identity::Own);
    }

    #[test]
    fn an_earlier_life_that_was_killed_is_waited_for_and_then_forgotten() {
        let mut watch = watch(5);
        assert_eq!(
            watch.look(&[process(4, 70)], true, at(1_000)),
            Identity::Unsure
        );
        // Its last heartbeats are still on their way.
        assert_eq!(
            watch.look(&[process(4, 72)], true, at(2_000)),
            Identity::Unsure
        );
        assert_eq!(
            watch.look(&[process(4, 72)], true, at(6_900)),
            Identity::Unsure
        );
        assert_eq!(
            watch.look(&[process(4, 72)], true, at(7_000)),
            Identity::Own
        );
    }

    #[test]
    fn one_that_has_left_in_order_is_not_waited_for() {
        let mut watch = watch(5);
        let left = SameId {
            has_left: true,
            ..process(4, 70)
        };
        watch.look(&[left], true, at(0));
        assert_eq!(watch.look(&[left], true, at(1_000)), Identity::Own);
    }

    #[test]
    fn an_id_is_free_again_when_its_holder_has_fallen_silent() {
        let mut watch = watch(5);
        for second in 1..=5 {
            watch.look(&[process(4, second)], true, at(second * 1_000));
        }
        let taken = Identity::Taken(process(4, 0).twin);
        assert_eq!(watch.look(&[process(4, 5)], true, at(16_900)), taken);
        assert_eq!(
            watch.look(&[process(4, 5)], true, at(17_000)),
            Identity::Own
        );
    }

    #[test]
    fn two_of_one_incarnation_are_told_apart_by_their_addresses() {
        let mut watch = watch(5);
        let mut lower = process(5, 1);
        lower.twin.gossip_address = "127.0.0.0:9".parse().unwrap();
        for second in 1..=5 {
            lower.heartbeat = second;
            watch.look(&[lower], true, at(second * 1_000));
        }
        assert_eq!(
            watch.look(&[lower], true, at(5_000)),
            Identity::Taken(lower.twin)
        );
    }
}
