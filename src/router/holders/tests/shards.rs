//! A naive stand-in for the shards of one replica: what they do with effects and spans, one after the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::{Life, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::router::holders::{Effect, Mark, Route, Routes, SlotState};

pub(super) type Trace = usize;
pub(super) const TRACES: usize = 12;

pub(super) fn slot_of(trace: Trace) -> Slot {
    Slot((trace * 997) as u16 % SLOTS)
}

/// What waits in the inbox.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Effect(Effect),
    Span {
        trace: Trace,
        is_accepted: bool,
        hops: usize,
    },
    Handed {
        trace: Trace,
        number: u64,
        from: Life,
    },
}

#[derive(Debug, Default)]
pub(super) struct Shards {
    pub(super) inbox: VecDeque<Work>,
    states: Vec<SlotState>,
    /// What was told as drained, of slots whose state was not set since.
    told_drained: SlotSet,
    pub(super) routes: Option<std::sync::Arc<Routes>>,
    pub(super) undecided: BTreeSet<Trace>,
    pub(super) decided: BTreeSet<Trace>,
    /// Handed over and not acknowledged, by number.
    pub(super) handed: BTreeMap<Trace, (u64, MoveId, Life)>,
    collected: BTreeMap<(MoveId, u32), BTreeSet<Trace>>,
    numbers: u64,
    taken: BTreeSet<(Life, u64)>,
}

/// What comes of a span.
pub(super) enum Fate {
    Taken,
    Pass { to: String, mark: Option<Mark> },
    Refused,
}

impl Shards {
    pub(super) fn new() -> Self {
        Self {
            states: vec![SlotState::Elsewhere; usize::from(SLOTS)],
            ..Self::default()
        }
    }

    fn state(&self, trace: Trace) -> &SlotState {
        &self.states[usize::from(slot_of(trace).0)]
    }

    pub(super) fn span(&mut self, trace: Trace, is_accepted: bool) -> Fate {
        let has = (self.undecided.contains(&trace) && !self.handed.contains_key(&trace))
            || self.decided.contains(&trace);
        match self.state(trace) {
            SlotState::Giving { .. } if has => {}
            SlotState::Here => {}
            _ if is_accepted => {}
            SlotState::Giving { id, target } | SlotState::Frozen { id, target } => {
                let (id, to) = (id.clone(), target.incarnation);
                return Fate::Pass {
                    to: target.replica.to_string(),
                    mark: Some(Mark { id, to }),
                };
            }
            SlotState::Target { .. } | SlotState::Elsewhere => return self.routed(trace),
        }
        if !self.decided.contains(&trace) {
            self.undecided.insert(trace);
        }
        Fate::Taken
    }

    fn routed(&self, trace: Trace) -> Fate {
        match self
            .routes
            .as_ref()
            .map(|it| it.get(slot_of(trace)).clone())
        {
            Some(Route::There { replica, mark }) => Fate::Pass {
                to: replica.to_string(),
                mark,
            },
            _ => Fate::Refused,
        }
    }

    pub(super) fn set(&mut self, slots: &SlotSet, state: &SlotState) {
        for slot in slots.iter() {
            self.states[usize::from(slot.0)] = state.clone();
        }
        self.told_drained -= slots;
        self.handed.retain(|trace, (_, handed, target)| {
            let (id, target) = (handed.clone(), target.clone());
            let slot = slot_of(*trace);
            !slots.contains(slot) || *state == SlotState::Giving { id, target }
        });
    }

    /// The traces of `slots` that were decided, each a chunk.
    pub(super) fn collect(&mut self, id: &MoveId, parcel: u32, slots: &SlotSet) -> Vec<Bytes> {
        let decided = self.decided.iter().copied();
        let collected: BTreeSet<Trace> =
            decided.filter(|it| slots.contains(slot_of(*it))).collect();
        let chunks = collected
            .iter()
            .map(|trace| Bytes::from(vec![*trace as u8]))
            .collect();
        self.collected.insert((id.clone(), parcel), collected);
        chunks
    }

    pub(super) fn freeze(
        &mut self,
        id: &MoveId,
        target: &Life,
        parcel: u32,
        slots: &SlotSet,
    ) -> SlotSet {
        let collected = self
            .collected
            .remove(&(id.clone(), parcel))
            .unwrap_or_default();
        let mut refused: SlotSet = self.undecided.iter().map(|it| slot_of(*it)).collect();
        for trace in self.decided.difference(&collected) {
            refused.insert(slot_of(*trace));
        }
        refused &= slots;
        let (id, target) = (id.clone(), target.clone());
        self.set(&(slots - &refused), &SlotState::Frozen { id, target });
        refused
    }

    /// Traces of `slots` are on their way to the targets from now on.
    pub(super) fn hand_over(&mut self, slots: &SlotSet) {
        let undecided = self.undecided.iter().copied();
        let wanted: Vec<Trace> = undecided
            .filter(|it| slots.contains(slot_of(*it)))
            .collect();
        for trace in wanted {
            if let SlotState::Giving { id, target } = self.state(trace).clone() {
                self.numbers += 1;
                self.handed.insert(trace, (self.numbers, id, target));
            }
        }
    }

    /// The target has the trace of this number.
    pub(super) fn handed_over(&mut self, number: u64) {
        let mut handed = self.handed.iter();
        if let Some(trace) = handed.find(|it| it.1.0 == number).map(|it| *it.0) {
            self.handed.remove(&trace);
            self.undecided.remove(&trace);
        }
    }

    /// A trace that another hands over, once for each number.
    pub(super) fn take_handed(&mut self, trace: Trace, number: u64, from: &Life) {
        if self.taken.insert((from.clone(), number)) && !self.decided.contains(&trace) {
            self.undecided.insert(trace);
        }
    }

    /// The slots being given that have been drained since the last time: each is told once, as the real shards do.
    pub(super) fn newly_drained(&mut self) -> SlotSet {
        let given = self.states.iter().zip(0..SLOTS);
        let given = given.filter(|(state, _)| matches!(state, SlotState::Giving { .. }));
        let mut drained: SlotSet = given.map(|(_, slot)| Slot(slot)).collect();
        for trace in &self.undecided {
            drained.remove(slot_of(*trace));
        }
        let news = &drained - &self.told_drained;
        self.told_drained = drained;
        news
    }

    pub(super) fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.undecided.is_empty()
    }
}
