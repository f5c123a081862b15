//! What a replica's part in its cluster amounts to in figures: its load and its share of limits, how long slots take to
//! change hands, who disagrees with it, and the metrics of all that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::accounting::Accounting;
use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use crate::metrics::ClusterMetrics;
use crate::router::load::{LoadMeter, Portion, part_of};
use crate::router::member::{Digest, Known, MemberState, Record};
use crate::sampler::policy::Share;

/// How often the load is measured.
const LOAD_EVERY: Duration = Duration::from_secs(1);
/// A load is told again when it has changed by so much of itself, a thirty-second: else every digest would go to everybody
/// every second.
const LOAD_CHANGE: u64 = 32;
/// Policies take a moment to reach all replicas; a disagreement that lasts longer is one.
const DISAGREEMENT_AFTER: Duration = Duration::from_secs(30);

/// A replica's share of limits of the whole cluster, as its shards read it. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct ClusterShare(Arc<AtomicU64>);

/// Keeps the figures.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) metrics: ClusterMetrics,
    accounting: Arc<Accounting>,
    share: ClusterShare,
    load: LoadMeter,
    /// The load as the others were told it.
    told_load: u64,
    measured: Option<Moment>,
    holds: SlotSet,
    giving: SlotSet,
    /// By slot, when it was first given away, of those that are.
    given: Vec<Moment>,
    /// Live members with other policies, since when.
    other_policies: BTreeMap<ReplicaId, Moment>,
}

/// Who disagrees with a replica.
#[derive(Debug, Default)]
pub(super) struct Disagreement {
    /// Active members with another table.
    pub(super) tables: Vec<ReplicaId>,
    /// Live members with other policies for longer than 30 s.
    pub(super) policies: Vec<ReplicaId>,
}

impl ClusterShare {
    /// As little as there is: a replica that joins knows nothing of the others yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Share::MIN.part().to_bits())))
    }

    pub(super) fn get(&self) -> Share {
        Share::new(f64::from_bits(self.0.load(Ordering::Relaxed)))
    }

    fn set(&self, share: Share) {
        self.0.store(share.part().to_bits(), Ordering::Relaxed);
    }
}

impl Figures {
    pub(super) fn new(
        metrics: ClusterMetrics,
        accounting: Arc<Accounting>,
        share: ClusterShare,
    ) -> Self {
        Self {
            metrics,
            accounting,
            share,
            load: LoadMeter::default(),
            told_load: 0,
            measured: None,
            holds: SlotSet::default(),
            giving: SlotSet::default(),
            given: vec![Moment::default(); usize::from(SLOTS)],
            other_policies: BTreeMap::new(),
        }
    }

    /// The replica's share of limits at the moment.
    pub(super) fn share(&self) -> Share {
        self.share.get()
    }

    /// Adds to a digest what the others are to know.
    pub(super) fn put_in(&self, digest: &mut Digest, table: u64) {
        digest.load = self.told_load;
        digest.table = table;
    }

    /// The record has changed: slots have come, gone, or are being given.
    pub(super) fn note_record(&mut self, record: &Record, now: Moment) {
        let released = &self.holds - &record.holds;
        let adopted = &record.holds - &self.holds;
        self.metrics.slots_released.increment(released.len() as u64);
        self.metrics.slots_adopted.increment(adopted.len() as u64);
        let mut giving = SlotSet::default();
        for slots in record.targets.values() {
            giving |= slots;
        }
        for slot in (&self.giving & &released).iter() {
            let since = now.since(self.moment_of(slot)).as_secs_f64();
            self.metrics.release_seconds.record(since);
        }
        for slot in (&giving - &self.giving).iter() {
            if let Some(given) = self.given.get_mut(usize::from(slot.0)) {
                *given = now;
            }
        }
        self.giving = giving;
        self.holds.clone_from(&record.holds);
    }

    /// This replica lives on anew: what it held it has not released.
    pub(super) fn note_new_life(&mut self) {
        self.metrics.new_lives.increment(1);
        self.holds = SlotSet::default();
        self.giving = SlotSet::default();
    }

    /// Measures the load if it is time, and shares the limits among those that decide: this replica and `others`, without
    /// who is suspect or dead.
    pub(super) fn share_limits<'a>(
        &mut self,
        own_slots: usize,
        others: impl Iterator<Item = &'a Known>,
        now: Moment,
    ) {
        let is_due = |at: Moment| now.since(at) >= LOAD_EVERY;
        if self.measured.is_none_or(is_due) {
            self.measured = Some(now);
            let books = &self.accounting;
            let decided = books.kept.get() + books.not_sampled.get() + books.dropped.get();
            self.load.note(decided, now);
            let load = self.load.load();
            if load.abs_diff(self.told_load) * LOAD_CHANGE > load.max(self.told_load) {
                self.told_load = load;
            }
        }
        let decides = |known: &&Known| {
            let state = known.record.state;
            !known.is_suspect && matches!(state, MemberState::Active | MemberState::Leaving)
        };
        let others = others.filter(decides).map(|known| Portion {
            load: known.digest.load,
            slots: known.record.holds.len(),
        });
        let others: Vec<Portion> = others.collect();
        let own = Portion {
            load: self.told_load,
            slots: own_slots,
        };
        let share = Share::new(part_of(own, &others));
        self.share.set(share);
        self.metrics.limits_share.set(share.part());
    }

    /// Who of the `live` others disagrees with this replica.
    pub(super) fn compare<'a>(
        &mut self,
        policy_hash: u64,
        table: u64,
        live: impl Iterator<Item = &'a Known>,
        now: Moment,
    ) -> Disagreement {
        let mut found = Disagreement::default();
        let before = std::mem::take(&mut self.other_policies);
        for known in live {
            let (record, replica) = (&known.record, &known.record.life.replica);
            let its_table = known.digest.table;
            let is_active = record.state == MemberState::Active && !known.is_suspect;
            if is_active && its_table != 0 && its_table != table {
                found.tables.push(replica.clone());
            }
            if record.policy_hash != policy_hash {
                let since = before.get(replica).copied().unwrap_or(now);
                self.other_policies.insert(replica.clone(), since);
                if now.since(since) > DISAGREEMENT_AFTER {
                    found.policies.push(replica.clone());
                }
            }
        }
        self.metrics
            .tables_disagreeing
            .set(found.tables.len() as f64);
        self.metrics
            .policies_disagreeing
            .set(found.policies.len() as f64);
        found
    }

    /// Slots that are being given away.
    pub(super) fn giving(&self) -> usize {
        self.giving.len()
    }

    /// Sets the gauges of slots; `unheld` as seen here.
    pub(super) fn show_slots(&self, owned: usize, awaited: usize, unheld: usize, targets: usize) {
        let metrics = &self.metrics;
        metrics.slots_held.set(self.holds.len() as f64);
        metrics.slots_giving.set(self.giving.len() as f64);
        metrics.slots_owned.set(owned as f64);
        metrics.slots_awaited.set(awaited as f64);
        metrics.slots_unheld.set(unheld as f64);
        metrics.moves.set(targets as f64);
        metrics.spans_owed.set(self.accounting.held.get() as f64);
    }

    /// Sets the gauges of members, from the states of all that live, and whether each is suspect.
    pub(super) fn show_members(&self, members: impl Iterator<Item = (MemberState, bool)>) {
        let (mut joining, mut active, mut leaving, mut suspect) = (0_u32, 0_u32, 0_u32, 0_u32);
        for (state, is_suspect) in members {
            match state {
                MemberState::Joining => joining += 1,
                MemberState::Active => active += 1,
                MemberState::Leaving => leaving += 1,
                MemberState::Left => {}
            }
            suspect += u32::from(is_suspect);
        }
        self.metrics.members_joining.set(joining);
        self.metrics.members_active.set(active);
        self.metrics.members_leaving.set(leaving);
        self.metrics.members_suspect.set(suspect);
    }

    fn moment_of(&self, slot: Slot) -> Moment {
        let given = self.given.get(usize::from(slot.0));
        given.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
