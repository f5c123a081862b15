//! Who has a vote on deaths, and what the votes come to.

use std::collections::BTreeMap;

use super::Why;
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::router::member::{MemberState, Record, View};

/// The active members that are not agreed dead, the own replica included. Who is missed stays among them until its death
/// is agreed: half of a cluster must not become a whole one by missing the other half.
pub(super) struct Electorate<'a> {
    view: &'a View,
    own: &'a ReplicaId,
    members: Vec<&'a ReplicaId>,
}

impl<'a> Electorate<'a> {
    pub(super) fn new(view: &'a View, own: &'a Record, is_dead: impl Fn(&Life) -> bool) -> Self {
        let others = view.others.values().map(|known| &*known.record);
        let others = others.filter(|record| !is_dead(&record.life));
        let active = others
            .chain([own])
            .filter(|record| record.state == MemberState::Active);
        Self {
            view,
            own: &own.life.replica,
            members: active.map(|record| &record.life.replica).collect(),
        }
    }

    /// Why a life is dead, by the votes of all; `own_votes` are those of the own replica.
    pub(super) fn verdict(
        &self,
        life: &Life,
        own_votes: &BTreeMap<ReplicaId, Incarnation>,
    ) -> Option<Why> {
        let votes_so = |voter: &&&ReplicaId| {
            let votes = if **voter == self.own {
                Some(own_votes)
            } else {
                self.votes_of(voter)
            };
            votes.and_then(|votes| votes.get(&life.replica)) == Some(&life.incarnation)
        };
        let votes = self.members.iter().filter(votes_so).count();
        if self.members.len() == 2 && self.members.contains(&&life.replica) {
            return (votes == 1).then_some(Why::OtherOfTwo);
        }
        (votes > self.members.len() / 2).then_some(Why::Majority)
    }

    /// Whether more than half are in reach; of two, one can decide about the other.
    pub(super) fn is_majority_in_reach(&self) -> bool {
        let is_in_reach = |id: &&&ReplicaId| {
            let known = self.view.get(id);
            **id == self.own || known.is_some_and(|known| !known.is_suspect)
        };
        let in_reach = self.members.iter().filter(is_in_reach).count();
        match self.members.len() {
            2 => in_reach >= 1,
            members => in_reach > members / 2,
        }
    }

    /// What another one votes, as long as it is heard: the last words of one out of reach may be old.
    fn votes_of(&self, voter: &ReplicaId) -> Option<&BTreeMap<ReplicaId, Incarnation>> {
        let known = self.view.get(voter).filter(|known| !known.is_suspect)?;
        Some(&known.digest.votes)
    }
}
