//! `/api/v1/cluster` as a test reads it, and what slots are whose.

use serde::Deserialize;
use tailsieve::batch::key::KeyHash;
use tailsieve::batch::replica::ReplicaId;
use tailsieve::batch::slot_set::SlotSet;
use tailsieve::otlp::ids::TraceId;
use tailsieve::router::ownership::Ownership;

/// The page.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page {
    pub(crate) replica: String,
    pub(crate) state: String,
    pub(crate) is_ready: bool,
    pub(crate) is_unsure: bool,
    pub(crate) slots: Slots,
    pub(crate) members: Vec<Member>,
    pub(crate) moves: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Slots {
    pub(crate) all: usize,
    pub(crate) held: usize,
    pub(crate) unheld: usize,
    pub(crate) owned: usize,
    pub(crate) awaited: usize,
    pub(crate) table: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) incarnation: u64,
    pub(crate) slots_held: usize,
    pub(crate) slots_owned: usize,
    pub(crate) is_suspect: bool,
    pub(crate) is_dead: bool,
}

impl Page {
    /// Whether exactly these are active, in reach, and hold what the table gives them, with nothing under way.
    pub(crate) fn is_balanced(&self, ids: &[String]) -> bool {
        let active = self.active();
        let has_its_own = |member: &&Member| {
            !member.is_suspect && !member.is_dead && member.slots_held == member.slots_owned
        };
        let slots = &self.slots;
        active.iter().map(|it| &it.id).eq(ids)
            && active.iter().all(has_its_own)
            && active.iter().map(|it| it.slots_held).sum::<usize>() == slots.all
            && self.is_ready
            && !self.is_unsure
            && self.moves.is_empty()
            && (slots.held, slots.unheld, slots.awaited) == (slots.owned, 0, 0)
    }

    /// Active members that count as alive, in order of their IDs.
    pub(crate) fn active(&self) -> Vec<&Member> {
        let members = self.members.iter();
        members
            .filter(|it| it.state == "active" && !it.is_dead)
            .collect()
    }

    /// The member of this ID.
    pub(crate) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// The slots that a balanced cluster's table gives to `id`: reckoned here, and compared with the page by hash.
    pub(crate) fn slots_of(&self, id: &str) -> SlotSet {
        let replica = |id: &str| ReplicaId::new(id).unwrap();
        let members = self.active().into_iter().map(|it| (replica(&it.id), 1));
        let table = Ownership::new(members);
        assert_eq!(format!("{:016x}", table.hash()), self.slots.table);
        table.owned_by(&replica(id))
    }
}

/// Whether a trace's slot is one of these.
pub(crate) fn falls_into(slots: &SlotSet, trace: u128) -> bool {
    slots.contains(KeyHash::of(TraceId(trace.to_be_bytes()), None).slot())
}
