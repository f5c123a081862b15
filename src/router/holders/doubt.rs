//! Doubt about one's own life: after a pause (rule 17), and after a false death (rule 18).

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::member::{Known, MemberState};
use super::moves::Moves;
use super::promises::Promises;
use super::target::Incoming;
use super::{Effect, Holders};
use crate::batch::replica::{Incarnation, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;

/// What this replica is unsure of, and its questions to the others.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// Since the end of a pause.
    unsure: Option<Moment>,
    /// Since the return from a false death.
    returned: Option<Moment>,
    /// The latest question, published in the digest; 0 before the first.
    pub(super) question: u64,
}

impl Doubt {
    /// Reads only gossip: takes, decides, releases, claims nothing, and has no say in agreements.
    pub(super) fn is_unsure(&self) -> bool {
        self.unsure.is_some()
    }

    /// Claims nothing: nobody alive has answered since the return.
    pub(super) fn has_returned(&self) -> bool {
        self.returned.is_some()
    }

    /// Another number than any life of this ID has asked with, so that no old answer counts.
    fn ask(&mut self, incarnation: Incarnation) {
        let first = incarnation.0.wrapping_shl(20) | 1;
        self.question = self.question.wrapping_add(1).max(first);
    }
}

impl Holders {
    /// A pause is over: asks the others.
    pub(super) fn doubt_own_life(&mut self) {
        self.doubt.ask(self.life.incarnation);
        if self.doubt.unsure.replace(self.now).is_none() {
            self.effects.push(Effect::Unsure(true));
        }
    }

    /// Ends doubts that the answers, or time, have ended. Without anybody to answer each side goes on alone after twice
    /// the dead time.
    pub(super) fn end_doubt(&mut self) {
        let patience: Duration = self.settings.dead_time * 2;
        if let Some(since) = self.doubt.unsure
            && (self.now.since(since) >= patience || self.is_confirmed())
        {
            self.doubt.unsure = None;
            self.effects.push(Effect::Unsure(false));
        }
        if let Some(since) = self.doubt.returned {
            let mut live = self.members.live();
            if self.now.since(since) >= patience || live.any(|(_, known)| self.has_answered(known))
            {
                self.doubt.returned = None;
            }
        }
    }

    fn has_answered(&self, known: &Known) -> bool {
        known.digest.answers.get(&self.life.replica) == Some(&self.doubt.question)
    }

    /// Rule 17: at least half of the other members that may have a say have answered; alone in its view, one that it ever
    /// knew. Who is only joining had no part in an agreement about this replica.
    fn is_confirmed(&self) -> bool {
        let has_say = |known: &Known| known.record.state != MemberState::Joining;
        let others = || self.members.live().filter(|it| has_say(it.1));
        let (count, answered) = (
            others().count(),
            others().filter(|it| self.has_answered(it.1)).count(),
        );
        if count > 0 {
            return answered * 2 >= count;
        }
        let ever_known = self.members.view.others.values();
        let mut ever_known = ever_known.filter(|it| it.record.state != MemberState::Left);
        let knew_nobody = ever_known.clone().next().is_none();
        knew_nobody || ever_known.any(|it| has_say(it) && self.has_answered(it))
    }

    /// Rule 18, when this life is known dead: new incarnation, holds nothing, is no target, forgets moves and claims.
    pub(super) fn come_back_from_false_death(&mut self) {
        let dead = self.members.dead.get(&self.life.replica).copied();
        let Some(dead) = dead.filter(|dead| *dead >= self.life.incarnation) else {
            return;
        };
        self.life.incarnation = Incarnation(dead.0.saturating_add(1));
        self.holds = SlotSet::default();
        self.moves = Moves::default();
        self.claims.forget();
        self.incoming = Incoming::default();
        self.promises = Promises::default();
        // Others that it alone held dead may be the ones that were right. Whose death stands it is told again.
        let own = &self.life.replica;
        self.members.dead.retain(|replica, _| replica == own);
        self.decide_alone(BTreeMap::new());
        if self.doubt.unsure.take().is_some() {
            self.effects.push(Effect::Unsure(false));
        }
        self.doubt.returned = Some(self.now);
        self.doubt.ask(self.life.incarnation);
        self.told.is_stale = true;
        self.effects.push(Effect::NewLife(self.life.clone()));
    }

    /// The questions of the others, answered by being published.
    pub(super) fn answers(&self) -> BTreeMap<ReplicaId, u64> {
        let others = self.members.view.others.iter();
        let asked = others.filter(|(_, known)| known.digest.question > 0);
        asked
            .map(|(replica, known)| (replica.clone(), known.digest.question))
            .collect()
    }
}
