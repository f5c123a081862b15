//! The last steps of giving (rule 8): slots that are drained together go together, as a parcel. Their decisions are sent
//! until acknowledged, then they are frozen, then released until that is acknowledged.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::moves::move_id;
use super::{Effect, Holders, REPEAT};
use crate::batch::peer::order::{ChunkAck, Decisions, Order, Release, ReleaseAck};
use crate::batch::replica::{Life, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::planted::{Planted, is_planted};

/// Most slots of a parcel: bounds the names that one release carries.
const SLOTS_MAX: usize = 256;
/// Most parcels of a move that are not yet released: bounds the decisions that wait here for acknowledgement.
const PARCELS_MAX: usize = 8;
/// Most chunks of decisions of a parcel under way at once.
const CHUNKS_IN_FLIGHT_MAX: usize = 8;

/// Slots that go through the last steps together.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Once released: those that are not acknowledged.
    pub(super) slots: SlotSet,
    pub(super) step: Step,
}

/// Where a parcel stands.
#[derive(Debug)]
pub(super) enum Step {
    /// The shards collect the decisions.
    Collecting,
    /// The target has not acknowledged these chunks, by their places. The time is that of the last sending.
    Sending { chunks: BTreeMap<u32, Chunk> },
    /// The shards freeze.
    Freezing,
    /// Frozen, and not yet released.
    Frozen { names: Bytes },
    /// No longer held.
    Releasing { names: Bytes, sent: Option<Moment> },
}

/// Part of the decisions of a parcel.
#[derive(Debug)]
pub(super) struct Chunk {
    entries: Bytes,
    sent: Option<Moment>,
}

impl Parcel {
    pub(super) fn is_released(&self) -> bool {
        matches!(self.step, Step::Releasing { .. })
    }

    pub(super) fn is_frozen(&self) -> bool {
        !matches!(self.step, Step::Collecting | Step::Sending { .. })
    }

    /// The orders that it is time for.
    pub(super) fn due(&mut self, id: &MoveId, parcel: u32, now: Moment) -> Vec<Order> {
        let slots = self.slots.clone();
        let (id, is_due) = (id.clone(), |sent: &Option<Moment>| {
            sent.is_none_or(|sent| now.since(sent) >= REPEAT)
        });
        match &mut self.step {
            Step::Collecting | Step::Freezing | Step::Frozen { .. } => Vec::new(),
            Step::Sending { chunks } => {
                let first = chunks.iter_mut().take(CHUNKS_IN_FLIGHT_MAX);
                let due = first.filter(|(_, chunk)| is_due(&chunk.sent));
                due.map(|(number, chunk)| {
                    chunk.sent = Some(now);
                    Order::Decisions(Decisions {
                        id: id.clone(),
                        parcel,
                        chunk: *number,
                        slots: slots.clone(),
                        entries: chunk.entries.clone(),
                    })
                })
                .collect()
            }
            Step::Releasing { names, sent } if is_due(sent) => {
                *sent = Some(now);
                let names = names.clone();
                vec![Order::Release(Release {
                    id,
                    parcel,
                    slots,
                    names,
                })]
            }
            Step::Releasing { .. } => Vec::new(),
        }
    }
}

impl Holders {
    /// Makes parcels of what is drained, freezes what the target has the decisions of, releases what is frozen.
    pub(super) fn advance_parcels(&mut self) {
        self.make_parcels();
        self.freeze_acknowledged();
        self.release_frozen();
        self.moves.forget_empty();
    }

    fn make_parcels(&mut self) {
        for (number, it) in &mut self.moves.open {
            if is_planted(Planted::TimerForRelease) && self.now.0 % 3_000_000_000 < 100_000_000 {
                it.drained = it.giving.clone();
            }
            let open = |parcel: &&Parcel| !parcel.is_released();
            while !it.drained.is_empty() && it.parcels.values().filter(open).count() < PARCELS_MAX {
                let slots = it.drained.first(SLOTS_MAX);
                it.drained -= &slots;
                it.giving -= &slots;
                it.parcels_made += 1;
                self.effects.push(Effect::CollectDecisions {
                    id: move_id(&self.life, *number),
                    parcel: it.parcels_made,
                    slots: slots.clone(),
                });
                let step = Step::Collecting;
                it.parcels.insert(it.parcels_made, Parcel { slots, step });
            }
        }
    }

    fn freeze_acknowledged(&mut self) {
        for (number, it) in &mut self.moves.open {
            let id = move_id(&self.life, *number);
            for (parcel_number, parcel) in &mut it.parcels {
                if !matches!(&parcel.step, Step::Sending { chunks } if chunks.is_empty()) {
                    continue;
                }
                parcel.step = Step::Freezing;
                self.told.freeze(&id, &it.target, &parcel.slots);
                self.effects.push(Effect::Freeze {
                    id: id.clone(),
                    target: it.target.clone(),
                    parcel: *parcel_number,
                    slots: parcel.slots.clone(),
                });
            }
        }
    }

    /// The shards have collected the decisions of a parcel.
    pub(super) fn collected(&mut self, id: &MoveId, parcel: u32, chunks: Vec<Bytes>) {
        let Some(parcel) = self.parcel(None, id, parcel) else {
            return;
        };
        if matches!(parcel.step, Step::Collecting) {
            let hands_over = !is_planted(Planted::ReleaseBeforeDecisions);
            let chunk = |entries| Chunk {
                entries,
                sent: None,
            };
            let chunks = chunks.into_iter().filter(|_| hands_over);
            let chunks = (0..).zip(chunks.map(chunk)).collect();
            parcel.step = Step::Sending { chunks };
        }
    }

    /// The target remembers one chunk.
    pub(super) fn decisions_acked(&mut self, from: &Life, ack: &ChunkAck) {
        let parcel = self.parcel(Some(from), &ack.id, ack.parcel);
        if let Some(Step::Sending { chunks }) = parcel.map(|it| &mut it.step) {
            chunks.remove(&ack.chunk);
        }
    }

    /// The shards have frozen a parcel. What they refused is given anew, when it is drained again.
    pub(super) fn frozen(&mut self, id: &MoveId, number: u32, names: Bytes, refused: &SlotSet) {
        let Some(parcel) = self.parcel(None, id, number) else {
            return;
        };
        if !matches!(parcel.step, Step::Freezing) {
            return;
        }
        let refused = &parcel.slots & refused;
        parcel.slots -= &refused;
        parcel.step = Step::Frozen { names };
        if let Some(it) = self.moves.open.get_mut(&id.number) {
            it.giving |= &refused;
            it.handed_over -= &refused;
            self.told.is_stale |= !refused.is_empty();
        }
    }

    /// The target holds what was released. Exactly the names that it was sent are forgotten (rule 6).
    pub(super) fn release_acked(&mut self, from: &Life, ack: &ReleaseAck) {
        let Some(parcel) = self.parcel(Some(from), &ack.id, ack.parcel) else {
            return;
        };
        let Step::Releasing { names, .. } = &parcel.step else {
            return;
        };
        let slots = &parcel.slots & &ack.slots;
        if slots.is_empty() {
            return;
        }
        let names = names.clone();
        parcel.slots -= &slots;
        self.moves.forget_empty();
        self.effects.push(Effect::ForgetNames { slots, names });
        self.told.is_stale = true;
    }
}
