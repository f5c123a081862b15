//! `/api/v1/cluster`: the cluster as one replica sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::Serialize;

use super::figures::{Disagreement, Figures};
use crate::admin::ClusterPage;
use crate::batch::key::SLOTS;
use crate::batch::replica::ReplicaId;
use crate::router::deaths::Deaths;
use crate::router::forward::Forwarder;
use crate::router::holders::Holders;
use crate::router::member::{Known, MemberState, Record, View};

/// The cluster as this replica sees it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct ClusterStatus {
    replica: String,
    incarnation: u64,
    state: &'static str,
    /// Whether clients may be sent here.
    is_ready: bool,
    /// Not sure of itself after a pause.
    is_unsure: bool,
    /// Whether more than half of the active members are in reach.
    has_majority: bool,
    slots: SlotsStatus,
    members: Vec<MemberStatus>,
    /// Slots that change hands: given away, by target.
    moves: BTreeMap<String, usize>,
    /// Active members whose table is another than this replica's.
    tables_disagreeing: Vec<String>,
    /// Live members that have had other policies in force than this replica for more than 30 s.
    policies_disagreeing: Vec<String>,
    /// This replica's part of limits with `scope: cluster`.
    limits_share: f64,
    /// Replicas that count as dead by this one's word alone.
    decided_dead_alone: Vec<String>,
    /// What waits for whom; null stands for slots without a holder.
    traffic: Vec<TrafficStatus>,
}

#[derive(Debug, Clone, Default, Serialize)]
struct SlotsStatus {
    all: u16,
    /// By this replica.
    held: usize,
    /// By nobody that is known here.
    unheld: usize,
    /// That the table gives to this replica.
    owned: usize,
    /// That come to this replica by moves under way.
    awaited: usize,
    /// That this replica gives away by moves under way.
    giving: usize,
    table: String,
}

#[derive(Debug, Clone, Serialize)]
struct MemberStatus {
    id: String,
    state: &'static str,
    incarnation: u64,
    peer_address: String,
    weight: u32,
    shards: u32,
    version: String,
    policy_hash: String,
    slots_held: usize,
    slots_owned: usize,
    is_suspect: bool,
    is_dead: bool,
}

#[derive(Debug, Clone, Serialize)]
struct TrafficStatus {
    to: Option<String>,
    is_reachable: bool,
    connections: usize,
    waiting_bytes: u64,
    held_bytes: u64,
    held_age_seconds: f64,
    spans_acknowledged: u64,
}

impl ClusterStatus {
    /// Takes what the driver knows.
    pub(super) fn update(
        &mut self,
        holders: &Holders,
        deaths: &Deaths,
        view: &View,
        is_ready: bool,
    ) {
        let life = holders.life();
        self.replica = life.replica.to_string();
        self.incarnation = life.incarnation.0;
        self.state = name_of(holders.state());
        self.is_ready = is_ready;
        self.is_unsure = holders.is_unsure();
        self.has_majority = deaths.has_majority();
        let owned = holders.table().counts();
        self.slots = slots_of(holders, view, &owned);
        let own = member(holders.record(), &owned);
        let others = view.others.values().map(|known| MemberStatus {
            is_suspect: known.is_suspect,
            is_dead: deaths.is_dead(&known.record.life),
            ..member(&known.record, &owned)
        });
        self.members = std::iter::once(own).chain(others).collect();
        self.members.sort_by(|one, other| one.id.cmp(&other.id));
        let moves = holders.targets().into_iter();
        self.moves = moves
            .map(|(to, slots)| (to.to_string(), slots.len()))
            .collect();
        let alone = deaths.decided_alone().keys();
        self.decided_dead_alone = alone.map(ToString::to_string).collect();
    }

    /// Takes what `figures` knows, and gives it what it shows.
    pub(super) fn update_figures(&mut self, figures: &Figures, disagreement: &Disagreement) {
        let names = |replicas: &[ReplicaId]| replicas.iter().map(ToString::to_string).collect();
        self.tables_disagreeing = names(&disagreement.tables);
        self.policies_disagreeing = names(&disagreement.policies);
        self.limits_share = figures.share().part();
        self.slots.giving = figures.giving();
        let slots = &self.slots;
        figures.show_slots(slots.owned, slots.awaited, slots.unheld, self.moves.len());
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    pub(super) fn knows_others(&self) -> bool {
        self.members.len() > 1
    }
}

/// The cluster in the replica's own status.
#[derive(Debug, Serialize)]
pub(in crate::replica) struct ClusterBrief {
    replica: String,
    state: &'static str,
    is_ready: bool,
    slots_held: usize,
    tables_disagreeing: Vec<String>,
    policies_disagreeing: Vec<String>,
}

/// Gives a [`ClusterBrief`].
#[derive(Debug, Clone)]
pub(in crate::replica) struct ClusterGlance(pub(super) Arc<RwLock<ClusterStatus>>);

impl ClusterGlance {
    pub(in crate::replica) fn brief(&self) -> ClusterBrief {
        let status = self.0.read();
        ClusterBrief {
            replica: status.replica.clone(),
            state: status.state,
            is_ready: status.is_ready,
            slots_held: status.slots.held,
            tables_disagreeing: status.tables_disagreeing.clone(),
            policies_disagreeing: status.policies_disagreeing.clone(),
        }
    }
}

/// The page, and the word on readiness.
pub(super) struct ClusterSource {
    pub(super) status: Arc<RwLock<ClusterStatus>>,
    pub(super) forwarder: Forwarder,
}

impl ClusterPage for ClusterSource {
    fn json(&self) -> Vec<u8> {
        let mut status = self.status.read().clone();
        let traffic = self.forwarder.status().into_iter();
        status.traffic = traffic
            .map(|to| TrafficStatus {
                to: to.replica.map(|replica| replica.to_string()),
                is_reachable: to.is_reachable,
                connections: to.connections,
                waiting_bytes: to.waiting_bytes,
                held_bytes: to.held_bytes,
                held_age_seconds: to.held_age.as_secs_f64(),
                spans_acknowledged: to.spans_acked,
            })
            .collect();
        serde_json::to_vec_pretty(&status).unwrap_or_default()
    }

    fn is_ready(&self) -> bool {
        self.status.read().is_ready()
    }
}

fn slots_of(holders: &Holders, view: &View, owned: &BTreeMap<&ReplicaId, usize>) -> SlotsStatus {
    let mut held = holders.holds().clone();
    for Known { record, .. } in view.others.values() {
        if record.state != MemberState::Left {
            held |= &record.holds;
        }
    }
    let table = holders.table();
    SlotsStatus {
        all: SLOTS,
        held: holders.holds().len(),
        unheld: usize::from(SLOTS) - held.len(),
        owned: owned.get(&holders.life().replica).copied().unwrap_or(0),
        awaited: holders.targeted().len(),
        giving: 0,
        table: format!("{:016x}", table.hash()),
    }
}

fn member(record: &Record, owned: &BTreeMap<&ReplicaId, usize>) -> MemberStatus {
    MemberStatus {
        id: record.life.replica.to_string(),
        state: name_of(record.state),
        incarnation: record.life.incarnation.0,
        peer_address: record.peer_address.to_string(),
        weight: record.weight,
        shards: record.shards,
        version: record.software_version.clone(),
        policy_hash: format!("{:016x}", record.policy_hash),
        slots_held: record.holds.len(),
        slots_owned: owned.get(&record.life.replica).copied().unwrap_or(0),
        is_suspect: false,
        is_dead: false,
    }
}

fn name_of(state: MemberState) -> &'static str {
    match state {
        MemberState::Joining => "joining",
        MemberState::Active => "active",
        MemberState::Leaving => "leaving",
        MemberState::Left => "left",
    }
}
