//! Slots without a holder are claimed: published, and held once every live member has promised (rule 12).

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::member::MemberState;
use super::members::Members;
use super::target::Incoming;
use super::{Holders, REPEAT};
use crate::batch::peer::order::{AskPromise, Order, Promise};
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::planted::{Planted, is_planted};

/// A refused claim rests this long, so that all see its end: who has promised takes no release before (rule 14), and
/// who has released refuses until it is taken (rule 13).
const REST: Duration = Duration::from_secs(2);

/// The claims of this life.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By attempt.
    open: BTreeMap<u64, Claim>,
    made: u64,
    /// Slots that were refused, until when they are left alone.
    refused: SlotSet,
    refused_until: Moment,
}

/// Slots that are claimed together.
#[derive(Debug, Default)]
struct Claim {
    slots: SlotSet,
    /// Who has promised which, in which incarnation.
    promised: BTreeMap<ReplicaId, (Incarnation, SlotSet)>,
    sent: Option<Moment>,
}

impl Claim {
    /// What the member has promised in its present incarnation; a restarted one has forgotten it and is asked again.
    fn promised_by(&self, member: &Life) -> SlotSet {
        let promised = self.promised.get(&member.replica);
        let promised = promised.filter(|(incarnation, _)| *incarnation == member.incarnation);
        promised.map(|(_, set)| set.clone()).unwrap_or_default()
    }
}

impl Claims {
    /// The claimed slots, by attempt.
    pub(super) fn by_attempt(&self) -> BTreeMap<u64, SlotSet> {
        let claims = self.open.iter();
        claims
            .map(|(attempt, claim)| (*attempt, claim.slots.clone()))
            .collect()
    }

    /// All slots that are claimed.
    pub(super) fn slots(&self) -> SlotSet {
        let mut slots = SlotSet::default();
        for claim in self.open.values() {
            slots |= &claim.slots;
        }
        slots
    }

    /// These slots are claimed no longer.
    pub(super) fn end(&mut self, slots: &SlotSet) {
        self.open.retain(|_, claim| {
            claim.slots -= slots;
            !claim.slots.is_empty()
        });
    }

    /// Another life begins, with other attempts.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    /// Questions to all who have not promised, where it is time to ask again.
    pub(super) fn due(
        &mut self,
        members: &Members,
        version: u64,
        incoming: &Incoming,
        now: Moment,
    ) -> Vec<(Life, Order)> {
        let targeted = incoming.slots();
        let mut orders = Vec::new();
        for (attempt, claim) in &mut self.open {
            if claim.sent.is_some_and(|sent| now.since(sent) < REPEAT) {
                continue;
            }
            claim.sent = Some(now);
            for (_, known) in members.live() {
                let life = &known.record.life;
                let slots = &claim.slots - &claim.promised_by(life);
                if slots.is_empty() {
                    continue;
                }
                let ask = AskPromise {
                    attempt: *attempt,
                    version,
                    orphaned: &slots & &targeted,
                    slots,
                    dead: members.dead.clone(),
                };
                orders.push((life.clone(), Order::AskPromise(ask)));
            }
        }
        orders
    }
}

impl Holders {
    /// Rule 12: an owner by the table claims what nobody alive holds, and so does the target of a dead giver.
    pub(super) fn start_claims(&mut self) {
        if self.state == MemberState::Joining || self.doubt.has_returned() || self.is_founding() {
            return;
        }
        let mut slots = &self.members.own - &self.incoming.slots();
        slots |= &self.incoming.orphaned(&self.members);
        slots -= &self.holds;
        slots -= &self.claims.slots();
        slots -= &self.moves.releasing();
        slots -= &self.promises.slots();
        if self.now < self.claims.refused_until {
            slots -= &self.claims.refused;
        }
        if slots.is_empty() {
            return;
        }
        slots -= &self.members.published();
        if slots.is_empty() {
            return;
        }
        self.claims.made += 1;
        let claim = Claim {
            slots,
            ..Claim::default()
        };
        self.claims.open.insert(self.claims.made, claim);
    }

    /// A member has answered. Refused: withdraw. Wait: ask again.
    pub(super) fn promised(&mut self, from: &Life, promise: &Promise) {
        let Some(claim) = self.claims.open.get_mut(&promise.attempt) else {
            return;
        };
        let promised = claim.promised.entry(from.replica.clone());
        let promised = promised.or_insert((from.incarnation, SlotSet::default()));
        if promised.0 != from.incarnation {
            *promised = (from.incarnation, SlotSet::default());
        }
        promised.1 |= &promise.given;
        let refused = &claim.slots & &promise.refused;
        if refused.is_empty() {
            return;
        }
        self.claims.end(&refused);
        if self.now >= self.claims.refused_until {
            self.claims.refused = SlotSet::default();
        }
        self.claims.refused |= &refused;
        self.claims.refused_until = self.now.after(REST);
    }

    /// Rule 12: holds what all have promised, in their present incarnations, and still no holder is published of.
    pub(super) fn complete_claims(&mut self) {
        if self.claims.open.is_empty() {
            return;
        }
        let published = self.members.published();
        let mut complete = SlotSet::default();
        for claim in self.claims.open.values() {
            let mut slots = &claim.slots - &published;
            let asked = self.members.live();
            for (_, known) in asked.filter(|_| !is_planted(Planted::ClaimWithoutPromise)) {
                slots &= &claim.promised_by(&known.record.life);
            }
            complete |= &slots;
        }
        if !complete.is_empty() {
            self.hold(&complete);
            self.told.is_stale = true;
        }
    }
}
