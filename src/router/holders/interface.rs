//! What holders are told and what they want done: plain data between the state machine and its driver.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::member::{Digest, Record, View};
use super::routes::Routes;
use crate::batch::peer::order::{Decisions, Order};
use crate::batch::replica::{Incarnation, Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;

/// What a replica publishes of itself, and when it may go active.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `cluster.replica_id`.
    pub replica: ReplicaId,
    /// `cluster.peer.advertise`.
    pub peer_address: SocketAddr,
    /// `cluster.weight`; at least 1.
    pub weight: u32,
    /// Its shards.
    pub shards: u32,
    /// Its version of Tailsieve.
    pub software_version: String,
    /// Hash of the policies in force at the start.
    pub policy_hash: u64,
    /// `cluster.min_replicas`: so many found a cluster together.
    pub min_replicas: usize,
    /// Whether seeds are configured: then there may be others, and founding alone waits for one dead time.
    pub has_seeds: bool,
    /// `cluster.dead_time`: silence after which a death may be agreed.
    pub dead_time: Duration,
}

/// What holders are told.
#[allow(
    clippy::large_enum_variant,
    reason = "sets of slots are 512 bytes, and there are few of these at a time"
)]
#[derive(Debug, Clone)]
pub enum Input {
    /// Time has passed. At least every 250 ms.
    Tick,
    /// The others, all of them, as they are known by now.
    View(View),
    /// Deaths that were agreed: the highest dead incarnation of each.
    Deaths(BTreeMap<ReplicaId, Incarnation>),
    /// All deaths that this replica has decided alone, in place of those of the last time: nobody else is told of them, and
    /// who is not among them any more was heard again.
    DecidedAlone(BTreeMap<ReplicaId, Incarnation>),
    /// An order has arrived.
    Order {
        /// Who sends it.
        from: Life,
        /// The incarnation of this replica that it is for.
        to: Incarnation,
        /// The order.
        order: Order,
    },
    /// No shard has an undecided trace of these slots now. Of other slots it says nothing: each is reported once, and again
    /// after it was refused to be frozen.
    Drained(SlotSet),
    /// Answers [`Effect::CollectDecisions`].
    Collected {
        /// The move.
        id: MoveId,
        /// The parcel.
        parcel: u32,
        /// The decisions, each chunk small enough for one order; none if there are no decisions.
        chunks: Vec<Bytes>,
    },
    /// Answers [`Effect::Freeze`].
    Frozen {
        /// The move.
        id: MoveId,
        /// The parcel.
        parcel: u32,
        /// The applied names of the frozen slots.
        names: Bytes,
        /// Slots that were not frozen.
        refused: SlotSet,
    },
    /// Whether the driver has nothing of its own left: no undecided trace, no batch or hand-over without answer, nothing
    /// in the hold queue (rule 16). It counts at this moment only, so a leaver says it again and again.
    Idle(bool),
    /// Leave in order.
    Leave,
    /// The grace period will not suffice: hand undecided traces over from now on (rule 10).
    HandOver,
    /// The clock shows a gap: this replica was paused (rule 17).
    Paused,
    /// Other policies are in force.
    PolicyHash(u64),
}

/// What holders want done.
#[allow(
    clippy::large_enum_variant,
    reason = "sets of slots are 512 bytes, and there are few of these at a time"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Publish the record. Before the digest that follows, and before orders that follow.
    Record(Arc<Record>),
    /// Publish the digest, with the votes of `deaths`.
    Digest(Arc<Digest>),
    /// Send an order; it may get lost.
    Send {
        /// To whom.
        to: Life,
        /// The order.
        order: Order,
    },
    /// Tell every shard how it treats these slots.
    SetSlots {
        /// The slots.
        slots: SlotSet,
        /// As what.
        state: SlotState,
    },
    /// Route by this table from now on. It comes after the shards know.
    Routes(Arc<Routes>),
    /// Collect the remembered decisions of the slots; answer with [`Input::Collected`].
    CollectDecisions {
        /// The move.
        id: MoveId,
        /// The parcel.
        parcel: u32,
        /// The slots.
        slots: SlotSet,
    },
    /// Freeze the slots ([`SlotState::Frozen`]) and copy their applied names; answer with [`Input::Frozen`] (rule 8). A
    /// shard refuses a slot that has an undecided trace, or a decision that was not collected for this parcel.
    Freeze {
        /// The move.
        id: MoveId,
        /// To whom it goes.
        target: Life,
        /// The parcel.
        parcel: u32,
        /// The slots.
        slots: SlotSet,
    },
    /// Remember these decisions in every shard, then answer with [`Order::DecisionsAck`].
    TakeDecisions {
        /// The giver.
        from: Life,
        /// The chunk.
        decisions: Decisions,
    },
    /// Merge the applied names of slots that are held from now on (rule 6). Comes before the slots are.
    MergeNames {
        /// The slots.
        slots: SlotSet,
        /// Of all slots of a parcel, as the giver's shards encoded them.
        names: Bytes,
    },
    /// The target has these names: forget exactly them, of these slots (rule 6).
    ForgetNames {
        /// The slots.
        slots: SlotSet,
        /// Of all slots of a parcel.
        names: Bytes,
    },
    /// Hand the undecided traces of these slots over to their moves' targets (rule 10), as batches that bear the move's
    /// mark and are repeated until answered.
    HandOver(SlotSet),
    /// Declared dead while alive (rule 18): this is the new life. All undecided traces go back to the holders with their
    /// names.
    NewLife(Life),
    /// Whether the replica is unsure of its life (rule 17): while it is, it takes and decides nothing.
    Unsure(bool),
    /// A death that was not known here: `deaths` adopts it.
    Died(Life),
    /// It may own slots from now on.
    WentActive,
    /// Nobody needs this replica any more (rule 16). Its last record is out.
    MayExit,
}

/// How shards treat a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotState {
    /// Take all.
    Here,
    /// Take what is of a trace that it has or has decided, pass the rest to the target with the mark (rule 1).
    Giving {
        /// The mark.
        id: MoveId,
        /// To whom.
        target: Life,
    },
    /// Take what bears a mark that [`super::Holders::heed_mark`] accepts, pass the rest by the routes (rule 2).
    Target {
        /// The newest mark.
        id: MoveId,
    },
    /// Pass everything to the target with the mark; what was applied is still known (rule 8).
    Frozen {
        /// The mark.
        id: MoveId,
        /// To whom.
        target: Life,
    },
    /// Pass everything by the routes (rule 3).
    Elsewhere,
}
