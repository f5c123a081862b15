//! What this replica publishes: its record, with a new version for every change, and its digest.

use std::sync::Arc;

use super::super::member::{Digest, MemberState, Record};
use super::{Effect, Holders, Settings};
use crate::batch::replica::Life;
use crate::batch::slot_set::SlotSet;

/// What was published last.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) record: Arc<Record>,
    pub(super) digest: Arc<Digest>,
}

impl Published {
    /// Nothing yet: version 0.
    pub(super) fn new(settings: &Settings, life: &Life) -> Self {
        let record = Record {
            life: life.clone(),
            version: 0,
            state: MemberState::Joining,
            peer_address: settings.peer_address,
            weight: settings.weight,
            shards: settings.shards,
            software_version: settings.software_version.clone(),
            policy_hash: settings.policy_hash,
            holds: SlotSet::default(),
            targets: Default::default(),
            claims: Default::default(),
        };
        Self {
            record: Arc::new(record),
            digest: Arc::new(Digest::default()),
        }
    }
}

impl Holders {
    /// Publishes record and digest where they have changed.
    pub(super) fn publish(&mut self) {
        let mut record = self.present_record();
        if record != *self.published.record || record.version == 0 {
            record.version += 1;
            self.published.record = Arc::new(record);
            let record = self.published.record.clone();
            self.effects.push(Effect::Record(record));
        }
        let digest = self.present_digest();
        if digest != *self.published.digest {
            self.published.digest = Arc::new(digest);
            let digest = self.published.digest.clone();
            self.effects.push(Effect::Digest(digest));
        }
        if std::mem::take(&mut self.told.is_exiting) {
            self.effects.push(Effect::MayExit);
        }
    }

    /// Whether the record does not yet say what is so.
    pub(super) fn published_is_stale(&self) -> bool {
        self.present_record() != *self.published.record
    }

    fn present_record(&self) -> Record {
        let last = &self.published.record;
        Record {
            life: self.life.clone(),
            version: last.version,
            state: self.state,
            peer_address: last.peer_address,
            weight: last.weight,
            shards: last.shards,
            software_version: last.software_version.clone(),
            policy_hash: self.settings.policy_hash,
            holds: self.holds.clone(),
            targets: self.moves.targets(),
            claims: self.claims.by_attempt(),
        }
    }

    /// Of the others only those alive are named, and this replica, so that others see which record the digest is of.
    fn present_digest(&self) -> Digest {
        let others = self.members.live().map(|(_, known)| &known.record);
        let seen = others.chain([&self.published.record]).map(|record| {
            let life = &record.life;
            (life.replica.clone(), (life.incarnation, record.version))
        });
        Digest {
            seen: seen.collect(),
            dead: self.members.dead.clone(),
            answers: self.answers(),
            question: self.doubt.question,
            ..Digest::default()
        }
    }
}
