//! What a holder gives away: its moves, one for all slots that went to one target together (rule 7).

use std::collections::BTreeMap;

use super::parcels::{Parcel, Step};
use super::{Effect, Holders, SlotState};
use crate::batch::peer::order::Order;
use crate::batch::replica::{Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;

/// All moves of this life, and where slots went.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// By number.
    pub(super) open: BTreeMap<u64, Move>,
    made: u64,
    /// Where this replica released slots, the last time.
    pub(super) released_to: BTreeMap<ReplicaId, SlotSet>,
}

/// Slots that are given to one target.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) target: Life,
    /// Held, and in no parcel.
    pub(super) giving: SlotSet,
    /// Of those given, what was reported as drained and waits for a parcel.
    pub(super) drained: SlotSet,
    /// What the traces of were to be handed over.
    pub(super) handed_over: SlotSet,
    /// By number.
    pub(super) parcels: BTreeMap<u32, Parcel>,
    pub(super) parcels_made: u32,
}

impl Move {
    fn new(target: Life) -> Self {
        Self {
            target,
            giving: SlotSet::default(),
            drained: SlotSet::default(),
            handed_over: SlotSet::default(),
            parcels: BTreeMap::new(),
            parcels_made: 0,
        }
    }

    /// Slots of it that are still held.
    fn held(&self) -> SlotSet {
        let mut held = self.giving.clone();
        let parcels = self.parcels.values();
        for parcel in parcels.filter(|it| !it.is_released()) {
            held |= &parcel.slots;
        }
        held
    }
}

impl Moves {
    /// The held slots that are given, by target.
    pub(super) fn targets(&self) -> BTreeMap<ReplicaId, SlotSet> {
        let mut targets: BTreeMap<ReplicaId, SlotSet> = BTreeMap::new();
        for it in self.open.values() {
            let held = it.held();
            if !held.is_empty() {
                *targets.entry(it.target.replica.clone()).or_default() |= &held;
            }
        }
        targets
    }

    /// Released slots whose target has not answered.
    pub(super) fn releasing(&self) -> SlotSet {
        let mut slots = SlotSet::default();
        let parcels = self.open.values().flat_map(|it| it.parcels.values());
        for parcel in parcels.filter(|it| it.is_released()) {
            slots |= &parcel.slots;
        }
        slots
    }

    /// What shards are to know of moves: of held slots, or of released ones.
    pub(super) fn states(&self, giver: &Life, released: bool) -> Vec<(SlotState, SlotSet)> {
        let mut states = Vec::new();
        for (number, it) in &self.open {
            let (id, target) = (move_id(giver, *number), it.target.clone());
            let (mut frozen, mut giving) = (SlotSet::default(), SlotSet::default());
            for parcel in it
                .parcels
                .values()
                .filter(|it| it.is_released() == released)
            {
                match parcel.is_frozen() {
                    true => frozen |= &parcel.slots,
                    false => giving |= &parcel.slots,
                }
            }
            if !released {
                giving |= &it.giving;
            }
            let frozen_state = SlotState::Frozen {
                id: id.clone(),
                target: target.clone(),
            };
            states.push((frozen_state, frozen));
            states.push((SlotState::Giving { id, target }, giving));
        }
        states
    }

    /// Notes which of the given slots have no undecided trace. Those of earlier reports stay: shards report a slot once,
    /// and all parcels may have been under way then. Should one have got a trace since, the shards refuse to freeze it.
    pub(super) fn drained(&mut self, slots: &SlotSet) {
        for it in self.open.values_mut() {
            it.drained |= &(&it.giving & slots);
        }
    }

    /// Slots that this replica holds again: its releases of them were taken, and it knows where they are.
    pub(super) fn returned(&mut self, slots: &SlotSet) {
        for set in self.released_to.values_mut() {
            *set -= slots;
        }
        for it in self.open.values_mut() {
            let parcels = it.parcels.values_mut();
            for parcel in parcels.filter(|it| it.is_released()) {
                parcel.slots -= slots;
            }
        }
        self.forget_empty();
    }

    /// Remembers where slots went.
    pub(super) fn released(&mut self, target: &ReplicaId, slots: &SlotSet) {
        for set in self.released_to.values_mut() {
            *set -= slots;
        }
        *self.released_to.entry(target.clone()).or_default() |= slots;
    }

    /// Drops parcels and moves without slots.
    pub(super) fn forget_empty(&mut self) {
        self.open.retain(|_, it| {
            it.parcels.retain(|_, parcel| !parcel.slots.is_empty());
            !it.giving.is_empty() || !it.parcels.is_empty()
        });
        self.released_to.retain(|_, slots| !slots.is_empty());
    }

    /// Decisions and releases that are not answered, where it is time.
    pub(super) fn due(&mut self, giver: &Life, now: Moment) -> Vec<(Life, Order)> {
        let mut orders = Vec::new();
        for (number, it) in &mut self.open {
            let id = move_id(giver, *number);
            for (parcel_number, parcel) in &mut it.parcels {
                let due = parcel.due(&id, *parcel_number, now);
                orders.extend(due.into_iter().map(|order| (it.target.clone(), order)));
            }
        }
        orders
    }
}

impl Holders {
    /// Rule 7: only a holder starts a move, to an active owner by the table.
    pub(super) fn start_moves(&mut self) {
        let mut free = &self.holds - &self.members.own;
        for it in self.moves.open.values() {
            free -= &it.held();
        }
        let mut by_owner: BTreeMap<ReplicaId, SlotSet> = BTreeMap::new();
        for slot in free.iter() {
            let owner = self.members.table.owner(slot);
            if let Some(owner) = owner.filter(|owner| **owner != self.life.replica) {
                by_owner.entry(owner.clone()).or_default().insert(slot);
            }
        }
        for (owner, slots) in by_owner {
            let Some(known) = self.members.view.get(&owner) else {
                continue;
            };
            let mut new = Move::new(known.record.life.clone());
            new.giving = slots;
            self.moves.made += 1;
            self.moves.open.insert(self.moves.made, new);
            self.told.is_stale = true;
        }
        if self.is_handing_over {
            self.hand_over();
        }
    }

    /// The target stays until release, unless it dies or leaves: then what it was given is the holder's again, and what
    /// was released to it has no holder.
    pub(super) fn drop_gone(&mut self) {
        let members = &self.members;
        let before = self.moves.open.len();
        self.moves.open.retain(|_, it| !members.is_gone(&it.target));
        if self.moves.open.len() != before {
            self.told.is_stale = true;
        }
        self.incoming.forget_gone(members);
        self.promises.forget_ended(members);
    }

    /// Rule 10: undecided traces go to the targets.
    fn hand_over(&mut self) {
        for it in self.moves.open.values_mut() {
            let slots = &it.giving - &it.handed_over;
            if !slots.is_empty() {
                it.handed_over |= &slots;
                self.effects.push(Effect::HandOver(slots));
            }
        }
    }

    /// The parcel that an answer of `from` is about, if it still is.
    pub(super) fn parcel(
        &mut self,
        from: Option<&Life>,
        id: &MoveId,
        number: u32,
    ) -> Option<&mut Parcel> {
        if id.giver != self.life {
            return None;
        }
        let it = self.moves.open.get_mut(&id.number)?;
        let is_from_target = from.is_none_or(|from| *from == it.target);
        let parcel = it.parcels.get_mut(&number);
        parcel.filter(|_| is_from_target)
    }

    /// Rule 8: the frozen slots are the target's from here on; the release is repeated until acknowledged.
    pub(super) fn release_frozen(&mut self) {
        let mut released = Vec::new();
        for it in self.moves.open.values_mut() {
            for parcel in it.parcels.values_mut() {
                if let Step::Frozen { names } = &mut parcel.step {
                    let names = std::mem::take(names);
                    parcel.step = Step::Releasing { names, sent: None };
                    released.push((it.target.replica.clone(), parcel.slots.clone()));
                }
            }
        }
        for (target, slots) in released {
            self.holds -= &slots;
            self.moves.released(&target, &slots);
            self.told.is_stale = true;
        }
    }
}

/// Names a move of this life.
pub(super) fn move_id(giver: &Life, number: u64) -> MoveId {
    MoveId {
        giver: giver.clone(),
        number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::key::Slot;
    use crate::batch::replica::Incarnation;

    fn slots(numbers: std::ops::Range<u16>) -> SlotSet {
        numbers.map(Slot).collect()
    }

    #[test]
    fn what_was_reported_as_drained_stays_so_until_it_is_in_a_parcel() {
        let target = Life {
            replica: ReplicaId::new("r1").unwrap(),
            incarnation: Incarnation(1),
        };
        let mut moves = Moves::default();
        for (number, giving) in [(1, 0..10), (2, 10..20)] {
            let mut it = Move::new(target.clone());
            it.giving = slots(giving);
            moves.open.insert(number, it);
        }
        // Of one move, then of the other; what neither gives is nobody's.
        moves.drained(&slots(3..5));
        moves.drained(&slots(5..6));
        moves.drained(&slots(12..30));
        assert_eq!(moves.open[&1].drained, slots(3..6));
        assert_eq!(moves.open[&2].drained, slots(12..20));
    }
}
