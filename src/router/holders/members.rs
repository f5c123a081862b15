//! The others as seen here: who is alive (rule 17), what they publish, and the table of the active ones.

use std::collections::BTreeMap;

use super::super::member::{Known, MemberState, View};
use super::super::ownership::Ownership;
use super::{Effect, Holders};
use crate::batch::key::Slot;
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// What this replica knows of the others.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) view: View,
    /// The highest incarnation of each that is agreed dead, or proved dead by a higher one.
    pub(super) dead: BTreeMap<ReplicaId, Incarnation>,
    /// Those that count as dead here alone, until they are heard again. They are not published, nor named to others.
    alone: BTreeMap<ReplicaId, Incarnation>,
    pub(super) table: Ownership,
    /// What the table was made of.
    active: Vec<(ReplicaId, u32)>,
    /// The slots that the table gives to this replica.
    pub(super) own: SlotSet,
}

impl Members {
    /// Whether that life is over, as far as is known here.
    pub(super) fn is_dead(&self, life: &Life) -> bool {
        let mut dead = [&self.dead, &self.alone].into_iter();
        dead.any(|dead| dead.get(&life.replica) >= Some(&life.incarnation))
    }

    /// Gone for good: dead, or it left.
    pub(super) fn is_gone(&self, life: &Life) -> bool {
        let known = self.view.get(&life.replica);
        let has_left = known.is_some_and(|known| {
            known.record.life == *life && known.record.state == MemberState::Left
        });
        has_left || self.is_dead(life)
    }

    /// Everybody else who is alive: joining, active or leaving.
    pub(super) fn live(&self) -> impl Iterator<Item = (&ReplicaId, &Known)> {
        self.view.others.iter().filter(|(_, it)| self.is_live(it))
    }

    /// Whether `replica` is alive as far as is known here.
    pub(super) fn lives(&self, replica: &ReplicaId) -> bool {
        self.view.get(replica).is_some_and(|it| self.is_live(it))
    }

    fn is_live(&self, known: &Known) -> bool {
        known.record.state != MemberState::Left && !self.is_dead(&known.record.life)
    }

    /// Slots that somebody alive publishes to hold.
    pub(super) fn published(&self) -> SlotSet {
        let mut all = SlotSet::default();
        for (_, known) in self.live() {
            all |= &known.record.holds;
        }
        all
    }

    /// The published holders with their slots, each slot once. Of two holders of a slot it is the one that another gives
    /// to, else the table's owner, else the one with the lowest ID (rule 3).
    pub(super) fn published_holders(&self) -> BTreeMap<ReplicaId, SlotSet> {
        let mut seen = SlotSet::default();
        let mut doubled = SlotSet::default();
        for (_, known) in self.live() {
            doubled |= &(&known.record.holds & &seen);
            seen |= &known.record.holds;
        }
        let mut holders: BTreeMap<ReplicaId, SlotSet> = self
            .live()
            .map(|(replica, known)| (replica.clone(), &known.record.holds - &doubled))
            .collect();
        for slot in doubled.iter() {
            if let Some(holder) = self.holder_of_doubled(slot) {
                holders.entry(holder.clone()).or_default().insert(slot);
            }
        }
        holders
    }

    fn holder_of_doubled(&self, slot: Slot) -> Option<&ReplicaId> {
        let holds = |known: &Known| known.record.holds.contains(slot);
        let is_given_to = |replica: &ReplicaId| {
            self.live().any(|(giver, known)| {
                let targets = known.record.targets.get(replica);
                giver != replica && holds(known) && targets.is_some_and(|set| set.contains(slot))
            })
        };
        let holders = || self.live().filter(|it| holds(it.1)).map(|it| it.0);
        let owner = self.table.owner(slot);
        holders()
            .find(|replica| is_given_to(replica))
            .or_else(|| holders().find(|replica| Some(*replica) == owner))
            .or_else(|| holders().next())
    }
}

impl Holders {
    /// Takes what is newer of `view`; older records may arrive late. A higher incarnation proves the lower one dead.
    pub(super) fn see(&mut self, mut view: View) {
        view.others.remove(&self.life.replica);
        for (replica, old) in &self.members.view.others {
            let age = |known: &Known| (known.record.life.incarnation, known.record.version);
            if let Some(new) = view.others.get_mut(replica)
                && age(new) < age(old)
            {
                *new = old.clone();
            }
        }
        self.members.view = view;
        let mut deaths = BTreeMap::new();
        for (replica, known) in &self.members.view.others {
            let before = known.record.life.incarnation.0.saturating_sub(1);
            let agreed = known.digest.dead.iter().map(|(who, dead)| (who, *dead));
            for (who, dead) in agreed.chain([(replica, Incarnation(before))]) {
                let highest = deaths.entry(who.clone()).or_insert(dead);
                *highest = dead.max(*highest);
            }
        }
        self.learn_deaths(&deaths);
        self.told.is_stale = true;
    }

    /// Adopts deaths that others agreed on. One's own is one, too: see `doubt`.
    pub(super) fn learn_deaths(&mut self, deaths: &BTreeMap<ReplicaId, Incarnation>) {
        for (replica, incarnation) in deaths {
            let known = self.members.dead.get(replica).copied();
            if *incarnation <= known.unwrap_or_default() {
                continue;
            }
            self.members.dead.insert(replica.clone(), *incarnation);
            self.effects.push(Effect::Died(Life {
                replica: replica.clone(),
                incarnation: *incarnation,
            }));
            self.told.is_stale = true;
        }
    }

    /// Takes the deaths that this replica has decided alone, all of them.
    pub(super) fn decide_alone(&mut self, deaths: BTreeMap<ReplicaId, Incarnation>) {
        self.told.is_stale |= self.members.alone != deaths;
        self.members.alone = deaths;
    }

    /// Makes the table anew if the active members are others.
    pub(super) fn refresh_table(&mut self) {
        let active = |(replica, known): (&ReplicaId, &Known)| {
            let is_active = known.record.state == MemberState::Active;
            is_active.then(|| (replica.clone(), known.record.weight))
        };
        let mut active: Vec<_> = self.members.live().filter_map(active).collect();
        if self.state == MemberState::Active {
            active.push((self.life.replica.clone(), self.settings.weight));
        }
        if active == self.members.active {
            return;
        }
        self.members.table = Ownership::new(active.iter().cloned());
        self.members.active = active;
        self.members.own = self.members.table.owned_by(&self.life.replica);
        self.told.is_stale = true;
    }
}
