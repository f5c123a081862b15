//! What a shard tells the cluster it is part of: spans that belong elsewhere, and how far its slots are.

use std::sync::Arc;

use crate::batch::key::KeyHash;
use crate::batch::origin::HandedOver;
use crate::batch::peer::frame::Mark;
use crate::batch::peer::names::AppliedBatch;
use crate::batch::replica::{BatchName, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::SubBatch;
use crate::sampler::policy::Share;
use crate::sampler::precedence::Decision;

/// Where a shard of a clustered replica hands over what it cannot take, and reports. Must not block.
pub trait ClusterLink: Send {
    /// Takes spans that are not this replica's to take; from now on the replica owes them to their holder.
    fn pass_on(&self, passed: Passed);
    /// Hears of a step of a move.
    fn report(&self, report: Report);
    /// The replica's part of limits of the whole cluster, as it is by now.
    fn share(&self) -> Share;
    /// Counts spans of batches that had been taken before, found by name.
    fn applied_before(&self, spans: u64);
}

/// Spans that this replica has answered for, and that belong elsewhere.
#[derive(Debug)]
pub struct Passed {
    /// The spans.
    pub sub_batch: SubBatch,
    /// What to mark them with; without, they go where the routes lead.
    pub mark: Option<Arc<Mark>>,
    /// Names under which they came here; of a trace that is handed over they are with its age.
    pub first_names: Vec<BatchName>,
    /// If it is a trace that was held undecided: how old it is.
    pub handed_over: Option<HandedOver>,
}

/// A step of a move, of one shard.
#[derive(Debug)]
pub enum Report {
    /// Slots being given away by this move have no undecided trace left.
    Drained(MoveId, SlotSet),
    /// What was collected for this parcel of a move.
    Decisions(MoveId, u32, Vec<RememberedTrace>),
    /// Of the slots of a parcel, these take nothing any more; the names go with them.
    Frozen(MoveId, u32, SlotSet, Vec<AppliedBatch>),
}

/// A remembered decision, as it goes from one replica to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedTrace {
    /// The trace's key.
    pub hash: KeyHash,
    /// What became of it.
    pub decision: Decision,
    /// Its rejection threshold, 56 bits.
    pub threshold: u64,
    /// The policy that its spans are marked with.
    pub policy: Option<Arc<str>>,
}
