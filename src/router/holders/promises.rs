//! What this replica has promised to claimants, and how it answers them: rules 13 and 14.

use super::members::Members;
use super::{Effect, Holders};
use crate::batch::peer::order::{AskPromise, Order, Promise};
use crate::batch::replica::Life;
use crate::batch::slot_set::SlotSet;

/// All promises that stand.
#[derive(Debug, Default)]
pub(super) struct Promises(Vec<Given>);

/// Slots that are left to a claimant.
#[derive(Debug)]
struct Given {
    claimant: Life,
    attempt: u64,
    /// Of the claimant's record when it asked.
    version: u64,
    slots: SlotSet,
}

impl Promises {
    /// Slots that are promised to anybody.
    pub(super) fn slots(&self) -> SlotSet {
        let mut slots = SlotSet::default();
        for given in &self.0 {
            slots |= &given.slots;
        }
        slots
    }

    fn slots_of_others(&self, claimant: &Life) -> SlotSet {
        let mut slots = SlotSet::default();
        let others = self.0.iter();
        for given in others.filter(|it| it.claimant.replica != claimant.replica) {
            slots |= &given.slots;
        }
        slots
    }

    /// Rule 14: a promise binds until the claimant's record shows the claim ended, or it is dead.
    pub(super) fn forget_ended(&mut self, members: &Members) {
        self.0.retain_mut(|given| {
            let known = members.view.get(&given.claimant.replica);
            let Some(known) = known.filter(|_| members.lives(&given.claimant.replica)) else {
                return false;
            };
            let record = &known.record;
            let shown = (record.life.incarnation, record.version);
            if shown < (given.claimant.incarnation, given.version) {
                return true;
            }
            match record.claims.get(&given.attempt) {
                Some(claimed) if record.life == given.claimant => given.slots &= claimed,
                _ => return false,
            }
            !given.slots.is_empty()
        });
    }

    fn give(&mut self, claimant: &Life, ask: &AskPromise, slots: &SlotSet) {
        for given in &mut self.0 {
            given.slots -= slots;
        }
        self.0.retain(|given| !given.slots.is_empty());
        if slots.is_empty() {
            return;
        }
        self.0.push(Given {
            claimant: claimant.clone(),
            attempt: ask.attempt,
            version: ask.version,
            slots: slots.clone(),
        });
    }
}

impl Holders {
    /// Rule 13. A claimant that is not known here waits: its promise could not be watched.
    pub(super) fn asked(&mut self, from: &Life, ask: AskPromise) {
        self.learn_deaths(&ask.dead);
        self.come_back_from_false_death();
        if self.members.is_dead(from) {
            return;
        }
        self.drop_gone();
        let refused = &ask.slots & &self.refused(from, &ask);
        let mut wait = &ask.slots - &refused;
        if self.members.lives(&from.replica) {
            wait &= &self.promises.slots_of_others(from);
        }
        let given = &(&ask.slots - &refused) - &wait;
        self.promises.give(from, &ask, &given);
        self.claims.end(&given);
        self.effects.push(Effect::Send {
            to: from.clone(),
            order: Order::Promise(Promise {
                attempt: ask.attempt,
                given,
                wait,
                refused,
            }),
        });
    }

    /// What it holds, has released without an answer of a live target, is a target of, or claims with precedence: a dead
    /// giver's target comes before others, then the lower ID.
    fn refused(&self, from: &Life, ask: &AskPromise) -> SlotSet {
        let mut refused = self.incoming.slots();
        if self.life.replica < from.replica {
            // The claimant's precedence over what this replica claims as the table's owner.
            let yielded = &ask.orphaned - &refused;
            refused |= &(&self.claims.slots() - &yielded);
        }
        refused |= &self.holds;
        refused |= &self.moves.releasing();
        refused
    }
}
