//! Where spans of each slot go, by rule 3, and what the shards were told last.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Effect, Holders, SlotState};
use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::{Incarnation, Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// Where spans go, slot by slot. A look-up reads two small arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    /// By slot, an index into the ways.
    by_slot: Box<[u16]>,
    ways: Vec<Route>,
}

/// Where the spans of a slot go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To this replica's own shards.
    Here,
    /// To another replica.
    There {
        /// Which.
        replica: ReplicaId,
        /// The mark that they bear, if this replica gives them.
        mark: Option<Mark>,
    },
    /// Nobody holds the slot, and it is this replica's turn: keep them, and try again.
    Nobody,
}

/// Says that a holder passes spans to its target (rules 1 and 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The move.
    pub id: MoveId,
    /// The target's incarnation that is meant.
    pub to: Incarnation,
}

/// What the driver was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    states: Vec<(SlotState, SlotSet)>,
    routes: Option<Arc<Routes>>,
    /// Something has changed since.
    pub(super) is_stale: bool,
    /// The last record is about to be published.
    pub(super) is_exiting: bool,
}

/// Every slot, each in the first set that is painted over it.
struct Canvas<T> {
    painted: Vec<(T, SlotSet)>,
    rest: SlotSet,
}

impl Routes {
    /// Where spans of `slot` go.
    #[inline]
    #[must_use]
    pub fn get(&self, slot: Slot) -> &Route {
        let index = self.by_slot.get(usize::from(slot.0));
        let way = index.and_then(|index| self.ways.get(usize::from(*index)));
        way.unwrap_or(&Route::Nobody)
    }

    /// One way for all slots: what a replica without a cluster has is [`Route::Here`].
    #[must_use]
    pub fn all(route: Route) -> Self {
        Self::of(vec![(route, SlotSet::all())])
    }

    fn of(painted: Vec<(Route, SlotSet)>) -> Self {
        let mut by_slot = vec![0; usize::from(SLOTS)].into_boxed_slice();
        let mut ways = Vec::with_capacity(painted.len());
        for ((route, slots), index) in painted.into_iter().zip(0_u16..) {
            for slot in slots.iter() {
                if let Some(entry) = by_slot.get_mut(usize::from(slot.0)) {
                    *entry = index;
                }
            }
            ways.push(route);
        }
        Self { by_slot, ways }
    }
}

impl<T: PartialEq> Canvas<T> {
    fn new() -> Self {
        Self {
            painted: Vec::new(),
            rest: SlotSet::all(),
        }
    }

    fn paint(&mut self, what: T, slots: &SlotSet) {
        let slots = slots & &self.rest;
        if slots.is_empty() {
            return;
        }
        self.rest -= &slots;
        match self.painted.iter_mut().find(|(it, _)| *it == what) {
            Some((_, set)) => *set |= &slots,
            None => self.painted.push((what, slots)),
        }
    }
}

impl Told {
    /// The shards freeze these slots by themselves, where they can.
    pub(super) fn freeze(&mut self, id: &MoveId, target: &Life, slots: &SlotSet) {
        for (_, set) in &mut self.states {
            *set -= slots;
        }
        let (id, target) = (id.clone(), target.clone());
        let state = SlotState::Frozen { id, target };
        self.states.push((state, slots.clone()));
        self.is_stale = true;
    }
}

impl Holders {
    /// Tells shards and router what has changed, the shards first.
    pub(super) fn tell(&mut self) {
        if !std::mem::take(&mut self.told.is_stale) && self.told.routes.is_some() {
            return;
        }
        let states = self.slot_states();
        for (state, slots) in &states {
            let told = self.told.states.iter().filter(|(it, _)| it == state);
            let slots = told.fold(slots.clone(), |rest, (_, told)| &rest - told);
            if !slots.is_empty() {
                let state = state.clone();
                self.effects.push(Effect::SetSlots { slots, state });
            }
        }
        self.told.states = states;
        let routes = Routes::of(self.ways());
        if self.told.routes.as_deref() != Some(&routes) {
            let routes = Arc::new(routes);
            self.told.routes = Some(routes.clone());
            self.effects.push(Effect::Routes(routes));
        }
    }

    fn slot_states(&self) -> Vec<(SlotState, SlotSet)> {
        let mut canvas = Canvas::new();
        for (state, slots) in self.moves.states(&self.life, false) {
            canvas.paint(state, &slots);
        }
        canvas.paint(SlotState::Here, &self.holds);
        let mut incoming: Vec<_> = self.incoming.states().collect();
        incoming.reverse();
        for (state, slots) in incoming {
            canvas.paint(state, &slots);
        }
        for (state, slots) in self.moves.states(&self.life, true) {
            canvas.paint(state, &slots);
        }
        canvas.paint(SlotState::Elsewhere, &SlotSet::all());
        canvas.painted
    }

    /// Rule 3: to the published holder, else to where this replica released the slot, else to the table's owner.
    fn ways(&self) -> Vec<(Route, SlotSet)> {
        let mut canvas = Canvas::new();
        canvas.paint(Route::Here, &self.holds);
        for (state, slots) in self.moves.states(&self.life, true) {
            if let SlotState::Frozen { id, target } = state {
                let to = target.incarnation;
                let mark = Some(Mark { id, to });
                let replica = target.replica;
                canvas.paint(Route::There { replica, mark }, &slots);
            }
        }
        let there = |replica: &ReplicaId| Route::There {
            replica: replica.clone(),
            mark: None,
        };
        for (holder, slots) in &self.members.published_holders() {
            canvas.paint(there(holder), slots);
        }
        for (target, slots) in &self.moves.released_to {
            if self.members.lives(target) {
                canvas.paint(there(target), slots);
            }
        }
        let mut by_owner: BTreeMap<&ReplicaId, SlotSet> = BTreeMap::new();
        for slot in canvas.rest.iter() {
            let owner = self.members.table.owner(slot);
            if let Some(owner) = owner.filter(|owner| **owner != self.life.replica) {
                by_owner.entry(owner).or_default().insert(slot);
            }
        }
        for (owner, slots) in by_owner {
            canvas.paint(there(owner), &slots);
        }
        canvas.paint(Route::Nobody, &SlotSet::all());
        canvas.painted
    }
}
