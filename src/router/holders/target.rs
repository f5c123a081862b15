//! The target's side of a move: rules 2, 9, 11 and 14.

use std::collections::BTreeMap;

use super::members::Members;
use super::{Effect, Holders, SlotState};
use crate::batch::peer::order::{Decisions, Order, Release, ReleaseAck};
use crate::batch::replica::{Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// Most finished moves that are remembered of one giver; of older ones all slots count as finished.
const FINISHED_MAX: usize = 256;

/// Moves of others to this life.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Slots that something has arrived of, and no release.
    open: BTreeMap<MoveId, SlotSet>,
    /// Slots that were released by that move, by giver and number.
    finished: BTreeMap<Life, BTreeMap<u64, SlotSet>>,
    /// Moves up to this number were forgotten, by giver.
    forgotten: BTreeMap<Life, u64>,
}

impl Incoming {
    /// All slots that this replica is the target of.
    pub(super) fn slots(&self) -> SlotSet {
        let mut slots = SlotSet::default();
        for set in self.open.values() {
            slots |= set;
        }
        slots
    }

    /// Those whose givers are all gone (rule 12).
    pub(super) fn orphaned(&self, members: &Members) -> SlotSet {
        let mut given = SlotSet::default();
        for (id, set) in &self.open {
            if !members.is_gone(&id.giver) {
                given |= set;
            }
        }
        &self.slots() - &given
    }

    /// What shards are to know, the newest move last.
    pub(super) fn states(&self) -> impl Iterator<Item = (SlotState, SlotSet)> {
        let state = |id: &MoveId| SlotState::Target { id: id.clone() };
        self.open
            .iter()
            .map(move |(id, set)| (state(id), set.clone()))
    }

    /// Of `slots`, those that the move has released.
    fn finished(&self, id: &MoveId, slots: &SlotSet) -> SlotSet {
        let forgotten = self.forgotten.get(&id.giver);
        if forgotten.is_some_and(|number| id.number <= *number) {
            let open = self.open.get(id).cloned().unwrap_or_default();
            return slots - &open;
        }
        let finished = self.finished.get(&id.giver);
        let of_move = finished.and_then(|moves| moves.get(&id.number));
        of_move.map(|set| set & slots).unwrap_or_default()
    }

    fn finish(&mut self, id: &MoveId, slots: &SlotSet) {
        let moves = self.finished.entry(id.giver.clone()).or_default();
        *moves.entry(id.number).or_default() |= slots;
        if moves.len() > FINISHED_MAX
            && let Some((number, _)) = moves.pop_first()
        {
            self.forgotten.insert(id.giver.clone(), number);
        }
    }

    /// These slots are held here.
    pub(super) fn end(&mut self, slots: &SlotSet) {
        self.open.retain(|_, set| {
            *set -= slots;
            !set.is_empty()
        });
    }

    /// A mark of who is gone means nothing any more; that this replica was its target still does.
    pub(super) fn forget_gone(&mut self, members: &Members) {
        self.finished.retain(|giver, _| !members.is_gone(giver));
        self.forgotten.retain(|giver, _| !members.is_gone(giver));
    }

    /// Whether nothing was begun that is not released.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Holders {
    /// Rule 2: of `slots`, those that the move is unfinished for; this replica is their target from now on. Says also
    /// whether that is new.
    pub(super) fn heed(&mut self, id: &MoveId, slots: &SlotSet) -> (SlotSet, bool) {
        if self.members.is_gone(&id.giver) || id.giver.replica == self.life.replica {
            return (SlotSet::default(), false);
        }
        let unfinished = slots - &self.incoming.finished(id, slots);
        let mut new = &unfinished - &self.holds;
        let open = self.incoming.open.get(id);
        new = open.map_or(new.clone(), |open| &new - open);
        if new.is_empty() {
            return (unfinished, false);
        }
        *self.incoming.open.entry(id.clone()).or_default() |= &new;
        self.told.is_stale = true;
        (unfinished, true)
    }

    /// The giver's decisions of slots that it is about to release.
    pub(super) fn decisions_arrive(&mut self, from: &Life, decisions: Decisions) {
        if decisions.id.giver != *from {
            return;
        }
        self.heed(&decisions.id, &decisions.slots);
        let from = from.clone();
        self.effects.push(Effect::TakeDecisions { from, decisions });
    }

    /// Rule 9: this replica becomes holder on the first arrival of the release only. Rule 14: not of slots that it has
    /// promised to a claimant; of these the giver repeats it.
    pub(super) fn release_arrives(&mut self, from: &Life, release: Release) {
        let Release {
            id, slots, names, ..
        } = release;
        if id.giver != *from {
            return;
        }
        let repeated = self.incoming.finished(&id, &slots);
        let mut first = &slots - &repeated;
        self.promises.forget_ended(&self.members);
        first -= &self.promises.slots();
        if !first.is_empty() {
            self.incoming.finish(&id, &first);
            let slots = first.clone();
            self.effects.push(Effect::MergeNames { slots, names });
            self.hold(&first);
            self.told.is_stale = true;
        }
        let held = &repeated | &first;
        if held.is_empty() {
            return;
        }
        self.tell();
        let parcel = release.parcel;
        self.effects.push(Effect::Send {
            to: from.clone(),
            order: Order::ReleaseAck(ReleaseAck {
                id,
                parcel,
                slots: held,
            }),
        });
    }

    /// Whether a live member still means to give something to this replica (rule 16).
    pub(super) fn is_named_as_target(&self) -> bool {
        let me: &ReplicaId = &self.life.replica;
        let mut live = self.members.live();
        live.any(|(_, known)| known.record.targets.contains_key(me))
    }
}
