//! Agreement on deaths: suspicion is one's own opinion, death is agreed, and holds for one life (rules 17 and 18).
//!
//! Whoever has been suspected for the dead time without a break gets one's vote. It is dead once more than half of the
//! active members vote so; of two active members, the other one's vote is enough. What others publish as dead is
//! adopted. A higher incarnation proves the lower one dead.
//!
//! Where no majority is in reach, each member decides alone after twice the dead time. Such a death is provisional: it is
//! not published, since a minority must not bury the majority when they meet again, and it ends when that life is heard
//! again. Of two active members that declared each other dead, the one with the lower ID stands.
//!
//! Pure: time, the view and the own record are given. It keeps nothing of who is no longer in the view.

use std::collections::BTreeMap;
use std::time::Duration;

use super::member::{Digest, Known, MemberState, Record, View};
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::clock::Moment;

/// What one replica knows of the deaths of the others, and what it says about them.
#[derive(Debug, Clone)]
pub struct Deaths {
    dead_after: Duration,
    suspected: BTreeMap<ReplicaId, Suspicion>,
    newest: BTreeMap<ReplicaId, (Incarnation, MemberState)>,
    dead: BTreeMap<ReplicaId, (Incarnation, Why)>,
    alone: BTreeMap<ReplicaId, Incarnation>,
    votes: BTreeMap<ReplicaId, Incarnation>,
    has_majority: bool,
}

/// Why a life counts as dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// More than half of the active members vote for it.
    Majority,
    /// There are two active members, and the other one votes for it.
    OtherOfTwo,
    /// Another replica published it.
    Told,
    /// The replica lives on in a new life.
    NewLife,
    /// No majority is in reach, and twice the dead time has passed: provisional.
    Alone,
}

/// What a step has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A life is dead from now on.
    Died(Life, Why),
    /// A life that counted as dead by [`Why::Alone`] is heard again.
    Returned(Life),
    /// Others have agreed that this replica's own life is dead: it needs a new incarnation (rule 18).
    DeclaredDead,
}

#[derive(Debug, Clone, Copy)]
struct Suspicion {
    incarnation: Incarnation,
    since: Moment,
}

impl Deaths {
    /// Knows of no death. `dead_after` is `cluster.dead_after`.
    #[must_use]
    pub fn new(dead_after: Duration) -> Self {
        Self {
            dead_after,
            suspected: BTreeMap::new(),
            newest: BTreeMap::new(),
            dead: BTreeMap::new(),
            alone: BTreeMap::new(),
            votes: BTreeMap::new(),
            has_majority: false,
        }
    }

    /// Looks at the view at `now`; to be called at every change of the view and every second or so. `is_unsure` after a
    /// pause, until this replica may have a say again (rule 17): it then neither suspects nor votes, and only adopts.
    pub fn step(&mut self, view: &View, own: &Record, now: Moment, is_unsure: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        self.forget_the_forgotten(view);
        self.see_new_lives(view, &mut changes);
        self.adopt(view, own, &mut changes);
        self.suspect(view, now, is_unsure, &mut changes);
        self.vote(now, is_unsure);
        let electorate = self.electorate(view, own);
        self.agree(view, own, &electorate, &mut changes);
        self.has_majority = is_majority_in_reach(view, own, &electorate);
        if !is_unsure && !self.has_majority {
            self.decide_alone(now, &mut changes);
        }
        changes
    }

    /// The deaths to publish ([`Digest::dead`]): the highest incarnation agreed dead, by ID.
    #[must_use]
    pub fn agreed(&self) -> BTreeMap<ReplicaId, Incarnation> {
        let dead = self.dead.iter();
        dead.map(|(id, (incarnation, _))| (id.clone(), *incarnation))
            .collect()
    }

    /// The own votes to publish ([`Digest::votes`]).
    #[must_use]
    pub fn votes(&self) -> &BTreeMap<ReplicaId, Incarnation> {
        &self.votes
    }

    /// Whether a life counts as dead here, agreed or not.
    #[must_use]
    pub fn is_dead(&self, life: &Life) -> bool {
        self.is_agreed_dead(&life.replica, life.incarnation)
            || self.alone.get(&life.replica) >= Some(&life.incarnation)
    }

    /// Lives that count as dead by this replica's own decision alone. While there are any, it serves one side of a
    /// partition.
    #[must_use]
    pub fn decided_alone(&self) -> &BTreeMap<ReplicaId, Incarnation> {
        &self.alone
    }

    /// Whether more than half of the active members were in reach at the last step; `false` while there are none.
    #[must_use]
    pub fn has_majority(&self) -> bool {
        self.has_majority
    }

    /// Adopts a death that an order names (rule 13).
    pub fn adopt_named(&mut self, life: &Life) -> Option<Change> {
        self.bury(&life.replica, life.incarnation, Why::Told)
    }

    /// This replica has taken a new incarnation: what it had decided without a majority does not bind it any more, since
    /// it was the one out of reach.
    pub fn reborn(&mut self) {
        self.dead.retain(|_, (_, why)| *why != Why::OtherOfTwo);
        self.alone.clear();
        self.suspected.clear();
        self.votes.clear();
    }

    fn is_agreed_dead(&self, id: &ReplicaId, incarnation: Incarnation) -> bool {
        self.dead
            .get(id)
            .is_some_and(|(dead, _)| *dead >= incarnation)
    }

    fn bury(&mut self, id: &ReplicaId, incarnation: Incarnation, why: Why) -> Option<Change> {
        if self.is_agreed_dead(id, incarnation) {
            return None;
        }
        self.dead.insert(id.clone(), (incarnation, why));
        self.suspected.remove(id);
        self.votes.remove(id);
        let was_alone = self.alone.remove(id);
        let life = life(id, incarnation);
        // Who had decided so alone has drawn its consequences already, and they only become final.
        (was_alone != Some(incarnation)).then_some(Change::Died(life, why))
    }

    fn forget_the_forgotten(&mut self, view: &View) {
        let is_known = |id: &ReplicaId| view.others.contains_key(id);
        self.suspected.retain(|id, _| is_known(id));
        self.newest.retain(|id, _| is_known(id));
        self.dead.retain(|id, _| is_known(id));
        self.alone.retain(|id, _| is_known(id));
    }

    fn see_new_lives(&mut self, view: &View, changes: &mut Vec<Change>) {
        for (id, known) in &view.others {
            let now = (known.record.life.incarnation, known.record.state);
            let Some((old, state)) = self.newest.insert(id.clone(), now) else {
                continue;
            };
            if old < now.0 {
                let death = self.bury(id, old, Why::NewLife);
                changes.extend(death.filter(|_| state != MemberState::Left));
            }
        }
    }

    fn adopt(&mut self, view: &View, own: &Record, changes: &mut Vec<Change>) {
        let mut is_declared_dead = false;
        for (sender, known) in &view.others {
            if !self.is_heard(sender, known) {
                continue;
            }
            for (id, incarnation) in &known.digest.dead {
                if *id == own.life.replica {
                    let is_own = *incarnation >= own.life.incarnation;
                    is_declared_dead |= is_own && !self.wins_against(sender, known, own);
                } else if view.others.contains_key(id) {
                    changes.extend(self.bury(id, *incarnation, Why::Told));
                }
            }
        }
        changes.extend(is_declared_dead.then_some(Change::DeclaredDead));
    }

    /// What a dead life says counts no more, unless this replica alone holds it dead: then it may be the one that is.
    fn is_heard(&self, id: &ReplicaId, known: &Known) -> bool {
        let dead = self.dead.get(id);
        dead.is_none_or(|(dead, why)| {
            *dead < known.record.life.incarnation || *why == Why::OtherOfTwo
        })
    }

    /// Whether both of two declared each other dead, and this replica stands.
    fn wins_against(&self, sender: &ReplicaId, known: &Known, own: &Record) -> bool {
        self.is_agreed_dead(sender, known.record.life.incarnation) && own.life.replica < *sender
    }

    fn suspect(&mut self, view: &View, now: Moment, is_unsure: bool, changes: &mut Vec<Change>) {
        for (id, known) in &view.others {
            let incarnation = known.record.life.incarnation;
            let is_suspect = known.is_suspect
                && known.record.state != MemberState::Left
                && !self.is_agreed_dead(id, incarnation);
            if !is_suspect {
                self.suspected.remove(id);
                let returned = self.alone.remove(id);
                changes.extend(returned.map(|old| Change::Returned(life(id, old))));
                continue;
            }
            let new = Suspicion {
                incarnation,
                since: now,
            };
            let suspicion = self.suspected.entry(id.clone()).or_insert(new);
            if is_unsure || suspicion.incarnation != incarnation {
                *suspicion = new;
            }
        }
    }

    fn vote(&mut self, now: Moment, is_unsure: bool) {
        let suspected = self
            .suspected
            .iter()
            .filter(|(_, suspicion)| !is_unsure && now.since(suspicion.since) >= self.dead_after);
        self.votes = suspected
            .map(|(id, suspicion)| (id.clone(), suspicion.incarnation))
            .collect();
    }

    /// The active members that nobody has agreed dead, this one included: they have a vote.
    fn electorate(&self, view: &View, own: &Record) -> Vec<ReplicaId> {
        let others = view.others.iter().filter(|(id, known)| {
            let record = &known.record;
            record.state == MemberState::Active && !self.is_agreed_dead(id, record.life.incarnation)
        });
        let others = others.map(|(id, _)| id.clone());
        let own_id = (own.state == MemberState::Active).then(|| own.life.replica.clone());
        others.chain(own_id).collect()
    }

    fn agree(
        &mut self,
        view: &View,
        own: &Record,
        electorate: &[ReplicaId],
        changes: &mut Vec<Change>,
    ) {
        for (id, known) in &view.others {
            let incarnation = known.record.life.incarnation;
            if known.record.state == MemberState::Left || self.is_agreed_dead(id, incarnation) {
                continue;
            }
            let voters = electorate.iter().filter(|voter| {
                let votes = if **voter == own.life.replica {
                    Some(&self.votes)
                } else {
                    votes_of(view, voter)
                };
                votes.is_some_and(|votes| votes.get(id) == Some(&incarnation))
            });
            let votes = voters.count();
            let is_one_of_two = electorate.len() == 2 && electorate.contains(id);
            let why = if is_one_of_two {
                Why::OtherOfTwo
            } else {
                Why::Majority
            };
            let needed = if is_one_of_two {
                1
            } else {
                electorate.len() / 2 + 1
            };
            if votes >= needed {
                changes.extend(self.bury(id, incarnation, why));
            }
        }
    }

    fn decide_alone(&mut self, now: Moment, changes: &mut Vec<Change>) {
        let dead_after = self.dead_after * 2;
        for (id, suspicion) in &self.suspected {
            let is_over = now.since(suspicion.since) >= dead_after;
            if is_over && self.alone.get(id) != Some(&suspicion.incarnation) {
                self.alone.insert(id.clone(), suspicion.incarnation);
                let life = life(id, suspicion.incarnation);
                changes.push(Change::Died(life, Why::Alone));
            }
        }
    }
}

/// What a member votes, as long as it is heard: the last words of one out of reach may be old.
fn votes_of<'a>(view: &'a View, voter: &ReplicaId) -> Option<&'a BTreeMap<ReplicaId, Incarnation>> {
    let known = view.get(voter).filter(|known| !known.is_suspect)?;
    let digest: &Digest = &known.digest;
    Some(&digest.votes)
}

/// Whether more than half of the electorate are in reach; of two, one that has a vote itself can decide.
fn is_majority_in_reach(view: &View, own: &Record, electorate: &[ReplicaId]) -> bool {
    let is_in_reach = |id: &ReplicaId| {
        *id == own.life.replica || view.get(id).is_some_and(|known| !known.is_suspect)
    };
    let in_reach = electorate.iter().filter(|id| is_in_reach(id)).count();
    if electorate.len() == 2 {
        return in_reach >= 1;
    }
    in_reach > electorate.len() / 2
}

fn life(id: &ReplicaId, incarnation: Incarnation) -> Life {
    Life {
        replica: id.clone(),
        incarnation,
    }
}

#[cfg(test)]
mod tests;
