//! What gossip knows of each process, read into a view: the newest record of each replica, and who is missed.
//!
//! A process is missed when the library's failure detector (phi accrual, which learns how regular heartbeats are) says
//! so, and no heartbeat has been seen for [`MISSED_AFTER`]: the detector alone takes a second's hiccup for a failure
//! where heartbeats come many times a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chitchat::{ChitchatId, NodeState};

use super::identity::SameId;
use crate::batch::replica::{Incarnation, ReplicaId};
use crate::clock::Moment;
use crate::router::member::{Digest, Known, MemberState, Record, View};
use crate::router::membership::Twin;
use crate::router::membership::encoding::{EncodingError, decode_digest, decode_record};

/// Least silence before a process is missed: four rounds of gossip.
pub(super) const MISSED_AFTER: Duration = Duration::from_secs(2);
/// The key of a record.
pub(super) const RECORD_KEY: &str = "record";
/// The key of a digest.
pub(super) const DIGEST_KEY: &str = "digest";

/// All other processes, read as far as they have changed.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<ChitchatId, Page>);

/// One process.
#[derive(Debug)]
struct Page {
    heartbeat: u64,
    heard: Moment,
    is_missed: bool,
    record: Entry<Record>,
    digest: Entry<Digest>,
}

/// A value, and the version of the text that it was read from.
#[derive(Debug)]
struct Entry<T> {
    version: u64,
    value: Option<Arc<T>>,
}

impl Book {
    /// Reads what has changed. `live` are those that the failure detector does not miss; `own` is this process.
    pub(super) fn read(
        &mut self,
        states: &BTreeMap<ChitchatId, NodeState>,
        live: &BTreeSet<ChitchatId>,
        own: &ChitchatId,
        now: Moment,
    ) {
        self.0.retain(|id, _| states.contains_key(id));
        for (id, state) in states.iter().filter(|(id, _)| *id != own) {
            let heartbeat = u64::from(state.heartbeat());
            let page = self.0.entry(id.clone()).or_insert_with(|| Page {
                heartbeat,
                heard: now,
                is_missed: false,
                record: Entry::default(),
                digest: Entry::default(),
            });
            if page.heartbeat != heartbeat {
                page.heartbeat = heartbeat;
                page.heard = now;
            }
            page.is_missed = !live.contains(id) && now.since(page.heard) >= MISSED_AFTER;
            page.record.read(state, RECORD_KEY, |text| {
                // A record under another's ID is nobody's.
                let record = decode_record(text)?;
                let is_own = record.life.replica.as_str() == &*id.node_id;
                is_own
                    .then_some(record)
                    .ok_or(EncodingError::Field("the ID"))
            });
            page.digest.read(state, DIGEST_KEY, decode_digest);
        }
    }

    /// Everybody else. Of several processes under one ID, the newest record is the replica's.
    pub(super) fn view(&self, own: &ChitchatId) -> View {
        let mut others: BTreeMap<ReplicaId, Known> = BTreeMap::new();
        for (_, page) in self.0.iter().filter(|(id, _)| id.node_id != own.node_id) {
            let Some(record) = page.record.value.clone() else {
                continue;
            };
            let id = record.life.replica.clone();
            let age = |record: &Record| (record.life.incarnation, record.version);
            let newest = others.get(&id).map(|known| age(&known.record));
            if newest < Some(age(&record)) {
                let known = Known {
                    record,
                    digest: page.digest.value.clone().unwrap_or_default(),
                    is_suspect: page.is_missed,
                };
                others.insert(id, known);
            }
        }
        View { others }
    }

    /// Other processes under the ID of `own`.
    pub(super) fn under_same_id(&self, own: &ChitchatId) -> Vec<SameId> {
        let same = self.0.iter().filter(|(id, _)| id.node_id == own.node_id);
        let same = same.map(|(id, page)| SameId {
            twin: Twin {
                incarnation: Incarnation(id.generation_id),
                gossip_address: id.gossip_advertise_addr,
            },
            heartbeat: page.heartbeat,
            has_left: page.has_left(),
        });
        same.collect()
    }

    /// Whether anybody is known who is not missed.
    pub(super) fn has_contact(&self) -> bool {
        self.0.values().any(|page| !page.is_missed)
    }
}

impl Page {
    fn has_left(&self) -> bool {
        let record = self.record.value.as_ref();
        record.is_some_and(|record| record.state == MemberState::Left)
    }
}

impl<T> Default for Entry<T> {
    fn default() -> Self {
        Self {
            version: 0,
            value: None,
        }
    }
}

impl<T> Entry<T> {
    /// Reads the value of `key` if it is a new one. What is not understood leaves the one before.
    fn read(
        &mut self,
        state: &NodeState,
        key: &'static str,
        decode: impl FnOnce(&str) -> Result<T, EncodingError>,
    ) {
        let Some(text) = state.get_versioned(key) else {
            return;
        };
        if text.version == self.version {
            return;
        }
        // Told once a version, so that the log is bounded by what others publish.
        self.version = text.version;
        match decode(&text.value) {
            Ok(value) => self.value = Some(Arc::new(value)),
            Err(error) => {
                let replica = &*state.chitchat_id().node_id;
                tracing::warn!(replica, key, %error, "what a replica publishes is not understood");
            }
        }
    }
}
