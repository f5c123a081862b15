//! Orders between the holders of two replicas: plain data. They are delivered at least once, in any order, and repeated
//! until answered; taking one twice changes nothing.
//!
//! Every order travels with the life that sends it and the incarnation that it is for (rule 11). Rules are those of the
//! protocol, see `router::holders`.

mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::batch::replica::{Incarnation, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// What one holder asks of another, or answers.
#[allow(
    clippy::large_enum_variant,
    reason = "sets of slots are 512 bytes, and there are few of these at a time"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Decisions of slots that are about to be released (rule 8).
    Decisions(Decisions),
    /// The target remembers the decisions of that chunk.
    DecisionsAck(ChunkAck),
    /// The slots are the target's from now on (rules 8 and 9).
    Release(Release),
    /// The target holds these slots.
    ReleaseAck(ReleaseAck),
    /// A claimant asks for promises (rule 12).
    AskPromise(AskPromise),
    /// The answer of a member (rule 13).
    Promise(Promise),
}

/// One chunk of the decisions of a parcel: of slots that go through the last steps of a move together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// The move.
    pub id: MoveId,
    /// The giver's number of the parcel, used once in the move.
    pub parcel: u32,
    /// Place of this chunk among the parcel's, from 0.
    pub chunk: u32,
    /// The slots of the parcel.
    pub slots: SlotSet,
    /// Encoded by the shards' driver; opaque here.
    pub entries: Bytes,
}

/// Answers one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkAck {
    /// The move.
    pub id: MoveId,
    /// The parcel.
    pub parcel: u32,
    /// The chunk.
    pub chunk: u32,
}

/// Gives slots away for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The move.
    pub id: MoveId,
    /// The parcel.
    pub parcel: u32,
    /// The slots of the parcel that are not acknowledged.
    pub slots: SlotSet,
    /// The applied names of all slots of the parcel (rule 6). Encoded by the shards' driver; opaque here.
    pub names: Bytes,
}

/// Answers [`Release`], perhaps for some of its slots only: a promise binds the others (rule 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseAck {
    /// The move.
    pub id: MoveId,
    /// The parcel.
    pub parcel: u32,
    /// Slots that the target holds, or held since.
    pub slots: SlotSet,
}

/// Asks for the promise to leave unheld slots to the claimant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskPromise {
    /// The claimant's number of this claim, used once in a life.
    pub attempt: u64,
    /// The version of the claimant's record that shows the claim.
    pub version: u64,
    /// The slots.
    pub slots: SlotSet,
    /// Those of them that the claimant is the target of, by a dead giver: they have precedence.
    pub orphaned: SlotSet,
    /// The deaths that the claimant knows of: the highest dead incarnation of each.
    pub dead: BTreeMap<ReplicaId, Incarnation>,
}

/// Answers [`AskPromise`]: each slot asked for is in one of the sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The claim.
    pub attempt: u64,
    /// Promised.
    pub given: SlotSet,
    /// Bound to another claimant: ask again.
    pub wait: SlotSet,
    /// Refused: withdraw.
    pub refused: SlotSet,
}
