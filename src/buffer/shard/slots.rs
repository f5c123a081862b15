//! Which slots a shard of a clustered replica takes spans of, and how far those are that it gives away.
//!
//! A replica alone has every slot; it pays nothing for this.

use std::sync::Arc;

use super::link::{ClusterLink, Report};
use crate::batch::key::{SLOTS, Slot};
use crate::batch::origin::Origin;
use crate::batch::peer::frame::Mark;
use crate::batch::slot_set::SlotSet;
use crate::planted::{Planted, is_planted};

/// What a shard does with the spans of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotState {
    /// Takes all of them: its replica holds the slot (rule 1).
    Here,
    /// Takes those of traces that it has or has decided, and passes the others to the target (rule 1).
    Giving(Arc<Mark>),
    /// Takes what bears a mark that was heeded, as the target of a move (rule 2).
    Awaiting,
    /// Passes all to the target, late spans too (rule 8).
    Frozen(Arc<Mark>),
    /// Passes all on (rule 3).
    Elsewhere,
}

/// What becomes of spans that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course<'a> {
    Take,
    /// Take them if their trace is here or was decided here, else pass them on.
    TakeKnown(&'a Arc<Mark>),
    Pass(Option<&'a Arc<Mark>>),
}

/// The slots of a shard.
pub(super) struct Slots(Option<Box<Clustered>>);

struct Clustered {
    states: Vec<SlotState>,
    /// Undecided traces by slot.
    undecided: Vec<u32>,
    /// Slots given away that have just lost their last undecided trace.
    drained: SlotSet,
    /// Slots of which no decision has come since theirs were collected.
    collected: SlotSet,
    link: Box<dyn ClusterLink>,
}

impl Slots {
    /// Of a replica alone without `link`; else no slot is here yet.
    pub(super) fn new(link: Option<Box<dyn ClusterLink>>) -> Self {
        let slots = usize::from(SLOTS);
        Self(link.map(|link| {
            Box::new(Clustered {
                states: vec![SlotState::Elsewhere; slots],
                undecided: vec![0; slots],
                drained: SlotSet::default(),
                collected: SlotSet::default(),
                link,
            })
        }))
    }

    /// Whether all slots are here for good.
    pub(super) fn are_all_here(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn link(&self) -> Option<&dyn ClusterLink> {
        self.0.as_ref().map(|clustered| &*clustered.link)
    }

    /// What becomes of spans of `slot` that came by `origin`.
    pub(super) fn course(&self, slot: Slot, origin: Option<&Origin>) -> Course<'_> {
        let Some(clustered) = &self.0 else {
            return Course::Take;
        };
        let is_marked = origin.is_some_and(|origin| origin.is_marked(slot));
        match clustered.states.get(usize::from(slot.0)) {
            Some(SlotState::Here) | None => Course::Take,
            // Of two holders, the other gives to this one.
            Some(SlotState::Giving(_)) if is_marked => Course::Take,
            Some(SlotState::Giving(to)) => Course::TakeKnown(to),
            Some(SlotState::Awaiting) if is_marked => Course::Take,
            Some(SlotState::Frozen(to)) => Course::Pass(Some(to)),
            Some(SlotState::Elsewhere) if is_marked && is_planted(Planted::TakeAtHopLimit) => {
                Course::Take
            }
            Some(SlotState::Awaiting | SlotState::Elsewhere) => Course::Pass(None),
        }
    }

    pub(super) fn set(&mut self, slots: &SlotSet, state: &SlotState) {
        let Some(clustered) = &mut self.0 else {
            return;
        };
        for slot in slots.iter() {
            if let Some(known) = clustered.states.get_mut(usize::from(slot.0)) {
                *known = state.clone();
            }
            clustered.drained.remove(slot);
            clustered.note_if_drained(slot);
        }
    }

    pub(super) fn trace_started(&mut self, slot: Slot) {
        if let Some(clustered) = &mut self.0
            && let Some(undecided) = clustered.undecided.get_mut(usize::from(slot.0))
        {
            *undecided += 1;
        }
    }

    pub(super) fn trace_ended(&mut self, slot: Slot) {
        if let Some(clustered) = &mut self.0
            && let Some(undecided) = clustered.undecided.get_mut(usize::from(slot.0))
        {
            *undecided = undecided.saturating_sub(1);
            clustered.collected.remove(slot);
            clustered.note_if_drained(slot);
        }
    }

    /// Whether any of `slots` has an undecided trace.
    pub(super) fn have_undecided(&self, slots: &SlotSet) -> bool {
        let Some(clustered) = &self.0 else {
            return false;
        };
        let mut counts = clustered.undecided.iter().zip(0..);
        counts.any(|(undecided, slot)| *undecided > 0 && slots.contains(Slot(slot)))
    }

    /// The decisions of these slots have been collected.
    pub(super) fn note_collected(&mut self, slots: &SlotSet) {
        if let Some(clustered) = &mut self.0 {
            clustered.collected |= slots;
        }
    }

    /// A decision about this slot came from elsewhere.
    pub(super) fn note_remembered(&mut self, slot: Slot) {
        if let Some(clustered) = &mut self.0 {
            clustered.collected.remove(slot);
        }
    }

    /// Of `slots`, those that can be frozen: nothing is undecided, and all decisions are collected.
    pub(super) fn that_can_freeze(&self, slots: &SlotSet) -> SlotSet {
        let Some(clustered) = &self.0 else {
            return SlotSet::default();
        };
        if is_planted(Planted::TimerForRelease) {
            return slots.clone();
        }
        let is_drained = |slot: &Slot| clustered.undecided.get(usize::from(slot.0)) == Some(&0);
        let slots = slots & &clustered.collected;
        slots.iter().filter(is_drained).collect()
    }

    /// Reports the slots that have been drained since the last time.
    pub(super) fn report_drained(&mut self) {
        let Some(clustered) = &mut self.0 else {
            return;
        };
        let mut drained = std::mem::take(&mut clustered.drained);
        loop {
            let Some(first) = drained.iter().next() else {
                return;
            };
            let Some(SlotState::Giving(mark)) = clustered.states.get(usize::from(first.0)) else {
                drained.remove(first);
                continue;
            };
            let of_same_move = |slot: &Slot| {
                let state = clustered.states.get(usize::from(slot.0));
                matches!(state, Some(SlotState::Giving(other)) if Arc::ptr_eq(mark, other) || mark == other)
            };
            let slots: SlotSet = drained.iter().filter(of_same_move).collect();
            drained -= &slots;
            clustered
                .link
                .report(Report::Drained(mark.of.clone(), slots));
        }
    }
}

impl Clustered {
    fn note_if_drained(&mut self, slot: Slot) {
        let index = usize::from(slot.0);
        if let (Some(SlotState::Giving(_)), Some(0)) =
            (self.states.get(index), self.undecided.get(index))
        {
            self.drained.insert(slot);
        }
    }
}
