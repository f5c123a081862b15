//! The shards as the driver of the holders has them: told all at once, and heard until all have answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::core::Command;
use super::decisions::{DECISIONS_MAX, encode_decisions};
use super::figures::ClusterShare;
use crate::batch::key::ShardId;
use crate::batch::peer::names::{AppliedBatch, encode_names};
use crate::batch::replica::MoveId;
use crate::batch::slot_set::SlotSet;
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::{
    ClusterLink, Control, Fence, Passed, RememberedTrace, Report, SlotOrder, SlotState,
};
use crate::metrics::ClusterMetrics;
use crate::router::holders::Input;
use crate::sampler::policy::Share;

/// Where one shard reports to.
pub(super) struct ShardLink {
    pub(super) shard: ShardId,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) passed: mpsc::UnboundedSender<Passed>,
    pub(super) share: ClusterShare,
    pub(super) metrics: ClusterMetrics,
}

/// All shards, and what of them has answered.
#[derive(Debug)]
pub(super) struct Shards {
    inboxes: Arc<[Inbox]>,
    /// By shard, slots being given that it has no undecided trace of.
    drained: BTreeMap<MoveId, Vec<SlotSet>>,
    collecting: BTreeMap<(MoveId, u32), Collecting>,
    freezing: BTreeMap<(MoveId, u32), Freezing>,
}

#[derive(Debug)]
struct Collecting {
    left: usize,
    chunks: Vec<Bytes>,
}

#[derive(Debug)]
struct Freezing {
    left: usize,
    slots: SlotSet,
    /// Frozen by every shard so far.
    frozen: SlotSet,
    names: Vec<AppliedBatch>,
}

impl ClusterLink for ShardLink {
    fn pass_on(&self, passed: Passed) {
        // At the end of the process nobody takes it; it is counted as held then.
        let _ = self.passed.send(passed);
    }

    fn report(&self, report: Report) {
        let _ = self
            .commands
            .send(Command::Report(self.shard, Box::new(report)));
    }

    fn share(&self) -> Share {
        self.share.get()
    }

    fn applied_before(&self, spans: u64) {
        self.metrics.spans_applied_before.increment(spans);
    }
}

impl Shards {
    pub(super) fn new(inboxes: Arc<[Inbox]>) -> Self {
        Self {
            inboxes,
            drained: BTreeMap::new(),
            collecting: BTreeMap::new(),
            freezing: BTreeMap::new(),
        }
    }

    /// Tells every shard.
    pub(super) fn tell(&self, order: &SlotOrder) {
        for inbox in self.inboxes.iter() {
            inbox.control(Control::Slots(Box::new(order.clone())));
        }
    }

    /// Has every shard treat `slots` so from now on.
    pub(super) fn set(&mut self, slots: SlotSet, state: SlotState) {
        let is_of = |id: &MoveId| matches!(&state, SlotState::Giving(mark) if mark.of == *id);
        for (id, by_shard) in &mut self.drained {
            if !is_of(id) {
                by_shard.iter_mut().for_each(|drained| *drained -= &slots);
            }
        }
        self.drained
            .retain(|_, by_shard| by_shard.iter().any(|drained| !drained.is_empty()));
        self.tell(&SlotOrder::Set(slots, state));
    }

    /// Has every shard remember what concerns it; the fence is heard when all have.
    pub(super) fn remember(&self, decisions: &[RememberedTrace], fence: &Fence) {
        let shards = self.inboxes.len();
        for (number, inbox) in self.inboxes.iter().enumerate() {
            let own = decisions
                .iter()
                .filter(|trace| trace.hash.shard(shards) == ShardId(number));
            let own = own.cloned().collect();
            inbox.control(Control::Slots(Box::new(SlotOrder::Remember(own))));
            inbox.control(Control::Fence(fence.clone()));
        }
    }

    /// Has every shard report the decisions of `slots`.
    pub(super) fn collect(&mut self, id: MoveId, parcel: u32, slots: SlotSet) {
        let collecting = Collecting {
            left: self.inboxes.len(),
            chunks: Vec::new(),
        };
        self.collecting.insert((id.clone(), parcel), collecting);
        self.tell(&SlotOrder::Collect(id, parcel, slots));
    }

    /// Has every shard freeze `slots`.
    pub(super) fn freeze(
        &mut self,
        mark: Arc<crate::batch::peer::frame::Mark>,
        parcel: u32,
        slots: SlotSet,
    ) {
        let freezing = Freezing {
            left: self.inboxes.len(),
            frozen: slots.clone(),
            slots: slots.clone(),
            names: Vec::new(),
        };
        self.freezing.insert((mark.of.clone(), parcel), freezing);
        self.tell(&SlotOrder::Freeze(mark, parcel, slots));
    }

    /// Hears a shard; gives what all of them have answered together.
    pub(super) fn heard(&mut self, shard: ShardId, report: Report) -> Option<Input> {
        match report {
            Report::Drained(id, slots) => self.drained(shard, id, &slots),
            Report::Decisions(id, parcel, decisions) => self.collected(id, parcel, &decisions),
            Report::Frozen(id, parcel, frozen, names) => self.frozen(id, parcel, &frozen, names),
        }
    }

    fn drained(&mut self, shard: ShardId, id: MoveId, slots: &SlotSet) -> Option<Input> {
        let shards = self.inboxes.len();
        let by_shard = self
            .drained
            .entry(id)
            .or_insert_with(|| vec![SlotSet::default(); shards]);
        *by_shard.get_mut(shard.0)? |= slots;
        let everywhere = by_shard
            .iter()
            .fold(slots.clone(), |slots, shard| &slots & shard);
        (!everywhere.is_empty()).then_some(Input::Drained(everywhere))
    }

    fn collected(
        &mut self,
        id: MoveId,
        parcel: u32,
        decisions: &[RememberedTrace],
    ) -> Option<Input> {
        let key = (id, parcel);
        let collecting = self.collecting.get_mut(&key)?;
        collecting.left -= 1;
        let chunks = decisions.chunks(DECISIONS_MAX);
        collecting.chunks.extend(chunks.map(encode_decisions));
        if collecting.left > 0 {
            return None;
        }
        let ((id, parcel), Collecting { chunks, .. }) = self.collecting.remove_entry(&key)?;
        Some(Input::Collected { id, parcel, chunks })
    }

    fn frozen(
        &mut self,
        id: MoveId,
        parcel: u32,
        frozen: &SlotSet,
        names: Vec<AppliedBatch>,
    ) -> Option<Input> {
        let key = (id, parcel);
        let freezing = self.freezing.get_mut(&key)?;
        freezing.left -= 1;
        freezing.frozen = &freezing.frozen & frozen;
        freezing.names.extend(names);
        if freezing.left > 0 {
            return None;
        }
        let ((id, parcel), freezing) = self.freezing.remove_entry(&key)?;
        Some(Input::Frozen {
            id,
            parcel,
            names: encode_names(&freezing.names),
            refused: &freezing.slots - &freezing.frozen,
        })
    }
}
