//! Joining a cluster, and founding one: rule 15.

use super::super::member::{Known, MemberState};
use super::{Effect, Holders};
use crate::batch::replica::ReplicaId;

impl Holders {
    /// Goes active when rule 15 allows it.
    pub(super) fn go_active_if_ready(&mut self) {
        if self.state != MemberState::Joining || !self.may_go_active() {
            return;
        }
        self.state = MemberState::Active;
        self.activated = self.now;
        self.refresh_table();
        self.effects.push(Effect::WentActive);
    }

    /// Whether this replica has just helped to found a cluster, and others are about to go active: nobody holds
    /// anything yet, and who claimed all at once would have to give most of it away again.
    pub(super) fn is_founding(&self) -> bool {
        let is_young = self.now.since(self.activated) < self.settings.dead_time;
        let mut live = self.members.live();
        is_young
            && self.holds.is_empty()
            && live.any(|it| it.1.record.state == MemberState::Joining)
            && self.members.published().is_empty()
    }

    /// At least one active member is known, or enough joining ones to found a cluster; every live member has seen the
    /// joining record, and every member that these know is known here.
    fn may_go_active(&self) -> bool {
        let mut live = self.members.live();
        let has_active = live.any(|it| it.1.record.state == MemberState::Active);
        if !has_active && !self.may_found() {
            return false;
        }
        let mut live = self.members.live();
        live.all(|(_, known)| self.has_seen_me(known) && self.knows_all_of(known))
    }

    /// Founders all know each other. Two groups that do not reach each other still found two clusters, which merge when
    /// they meet, unless `min_replicas` is more than half of the replicas that there may be. Who is alone and has seeds waits
    /// whether one of them answers.
    fn may_found(&self) -> bool {
        let live = || self.members.live();
        if live().count() + 1 < self.settings.min_replicas {
            return false;
        }
        if live().next().is_none() {
            let waited = self.now.since(self.started) >= self.settings.dead_time;
            return waited || !self.settings.has_seeds;
        }
        let knows = |known: &Known, other: &ReplicaId| known.digest.seen.contains_key(other);
        live().all(|(member, known)| live().all(|(it, _)| it == member || knows(known, it)))
    }

    /// Whether it has seen the present record of this replica.
    pub(super) fn has_seen_me(&self, known: &Known) -> bool {
        let seen = known.digest.seen.get(&self.life.replica);
        let present = (self.life.incarnation, self.published.record.version);
        seen.is_some_and(|seen| *seen >= present)
    }

    fn knows_all_of(&self, known: &Known) -> bool {
        let mut seen = known.digest.seen.iter();
        seen.all(|(replica, (incarnation, _))| {
            let dead = self.members.dead.get(replica);
            *replica == self.life.replica
                || self.members.view.get(replica).is_some()
                || dead.is_some_and(|dead| dead >= incarnation)
        })
    }
}
