//! What a seed's crashes and stalls may have cost: of which slots, and in which time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::clients::SentSpan;
use crate::batch::key::Slot;
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::otlp::ids::TraceId;

/// Time from a decision until its spans are with the backend: a bucket of deadlines, a batch, and a turn.
const EXPORT_MAX: Duration = Duration::from_secs(2);
/// How long spans may be held for a replica that does not answer, or be on their way, before they come to it.
const HELD_MAX: Duration = Duration::from_secs(12);
/// After a cut is healed, until there is one cluster with one holder of each slot, and everything is where it belongs.
const HEALING_MAX: Duration = Duration::from_secs(15);

/// All excuses of a simulation.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    losses: Vec<Loss>,
    /// Times in which two sides served the same slots.
    splits: Vec<(Moment, Moment)>,
    /// Traces with spans that waited on one side for a holder on the other when these began.
    cut_apart: BTreeSet<TraceId>,
    /// Decisions that went with a life.
    forgotten: SlotSet,
    /// Time that does not count for who holds spans: pauses, and a backend that takes nothing.
    standstill: Duration,
}

/// What a replica took with it.
#[derive(Debug)]
struct Loss {
    slots: SlotSet,
    from: Moment,
    until: Moment,
}

impl Excuses {
    /// Something stands still for so long, and spans stay where they are.
    pub(super) fn stand_still(&mut self, lasting: Duration) {
        self.standstill += lasting;
    }

    /// How long after a decision its spans may still be here.
    pub(super) fn export_max(&self) -> Duration {
        EXPORT_MAX + self.standstill
    }

    /// A replica that had these slots is gone at `now`, with what was not yet exported.
    pub(super) fn lose(&mut self, slots: SlotSet, decision_wait: Duration, now: Moment) {
        let had = decision_wait + EXPORT_MAX + HELD_MAX + self.standstill;
        self.forgotten |= &slots;
        self.losses.push(Loss {
            slots,
            from: now.before(had),
            until: now,
        });
    }

    /// Nobody knows what was decided of these slots.
    pub(super) fn forget(&mut self, slots: &SlotSet) {
        self.forgotten |= slots;
    }

    /// From `begin` to `end` there were two sides; spans of `waiting` were with who had not delivered them yet.
    pub(super) fn split(
        &mut self,
        begin: Moment,
        end: Moment,
        waiting: impl Iterator<Item = TraceId>,
    ) {
        self.splits.push((begin, end.after(HEALING_MAX)));
        self.cut_apart.extend(waiting);
    }

    /// Whether a trace may have been where it was lost: one of its spans was taken in that time.
    pub(super) fn may_be_lost<'a>(
        &self,
        slot: Slot,
        mut spans: impl Iterator<Item = &'a SentSpan>,
    ) -> bool {
        let of_slot = || self.losses.iter().filter(|loss| loss.slots.contains(slot));
        spans.any(|span| of_slot().any(|loss| span.was_under_way(loss.from, loss.until)))
    }

    /// Whether two sides may have had a trace: one of its spans was taken while there were two, or waited then.
    pub(super) fn may_be_split<'a>(
        &self,
        trace_id: TraceId,
        mut spans: impl Iterator<Item = &'a SentSpan>,
    ) -> bool {
        let was_under_way = |span: &SentSpan| {
            let mut splits = self.splits.iter();
            splits.any(|(begin, end)| span.was_under_way(*begin, *end))
        };
        self.cut_apart.contains(&trace_id) || spans.any(was_under_way)
    }

    /// Whether late spans may have found that nobody knew the decision.
    pub(super) fn may_be_forgotten(&self, slot: Slot) -> bool {
        self.forgotten.contains(slot)
    }

    /// Whether two sides ever served the same slots.
    pub(super) fn has_splits(&self) -> bool {
        !self.splits.is_empty()
    }

    /// Whether a replica ever went with what it had.
    pub(super) fn has_losses(&self) -> bool {
        !self.losses.is_empty()
    }
}
