//! Drives the holders: tells them of time, of the others, of orders and of the shards, and does what they want done, in
//! their order. One task; nothing in it waits.

mod effects;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use super::core::{Command, Core};
use super::figures::Figures;
use super::graves::Graves;
use super::owed::Owed;
use super::shards::Shards;
use super::status::ClusterStatus;
use crate::batch::peer::order::Order;
use crate::batch::replica::{Incarnation, Life, ReplicaId};
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::SlotOrder;
use crate::clock::Clock;
use crate::replica::reload::Reloader;
use crate::router::deaths::{Change, Deaths, Why};
use crate::router::forward::Forwarder;
use crate::router::holders::{Holders, Input};
use crate::router::member::{Digest, Known, MemberState};
use crate::router::membership::{Identity, Membership, Sight};

const TICK: Duration = Duration::from_millis(100);

/// What drives one replica's holders.
pub(super) struct Driver {
    pub(super) holders: Holders,
    pub(super) deaths: Deaths,
    pub(super) core: Arc<Core>,
    pub(super) shards: Shards,
    pub(super) forwarder: Forwarder,
    pub(super) owed: Owed,
    pub(super) membership: Arc<dyn Membership>,
    pub(super) sight: watch::Receiver<Sight>,
    pub(super) figures: Figures,
    pub(super) clock: Clock,
    pub(super) status: Arc<RwLock<ClusterStatus>>,
    pub(super) reloader: Reloader,
    pub(super) state: DriverState,
}

/// What the driver keeps besides.
#[derive(Debug, Default)]
pub(super) struct DriverState {
    /// Destinations made known to the forwarder.
    pub(super) known: Vec<Life>,
    /// Who waits for this replica's leave.
    pub(super) leaving: Option<oneshot::Sender<()>>,
    pub(super) may_exit: bool,
    pub(super) was_idle: bool,
    pub(super) has_told_of_twin: bool,
    pub(super) policy_hash: u64,
    pub(super) graves: Graves,
    /// As the holders know them.
    pub(super) decided_alone: BTreeMap<ReplicaId, Incarnation>,
    /// The digest as the holders have it, without votes.
    pub(super) digest: Option<Arc<Digest>>,
    /// The digest as last published.
    pub(super) published: Option<Digest>,
}

impl Driver {
    /// Runs until nobody can tell it anything any more.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => self.tick(),
                changed = self.sight.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.look();
                }
                command = commands.recv() => match command {
                    Some(command) => self.hear(command),
                    None => return,
                },
            }
        }
    }

    fn tick(&mut self) {
        let _ = self.core.heartbeat.beat();
        if !self.core.heartbeat.take_paused().is_zero() {
            self.feed(Input::Paused);
        }
        self.step_deaths();
        let is_idle = self.is_idle();
        // Twice in a row: a shard may just have taken from its inbox what is not in the books yet. And again as long as it
        // is so: it counts only at the moment that it is said.
        if std::mem::replace(&mut self.state.was_idle, is_idle) && is_idle {
            self.feed(Input::Idle(true));
        }
        let policy_hash = self.reloader.short_hash();
        if policy_hash != std::mem::replace(&mut self.state.policy_hash, policy_hash) {
            self.feed(Input::PolicyHash(policy_hash));
        }
        self.feed(Input::Tick);
        self.forget_names_of_the_dead();
        self.publish_digest();
        self.let_go_without_heirs();
        self.update_status();
    }

    /// What is seen of the others has changed.
    fn look(&mut self) {
        let sight = self.sight.borrow_and_update().clone();
        if let Identity::Taken(twin) = sight.identity {
            if !std::mem::replace(&mut self.state.has_told_of_twin, true) {
                tracing::error!(
                    %twin,
                    "another running replica has this one's replica_id and was there first: give each its own; this one takes no part"
                );
            }
            return;
        }
        self.introduce(&sight);
        self.step_deaths();
        self.feed(Input::View((*sight.view).clone()));
        self.publish_digest();
    }

    /// Whether this replica's ID is known to be its own; before that it says nothing.
    fn has_identity(&self) -> bool {
        self.sight.borrow().identity == Identity::Own
    }

    fn hear(&mut self, command: Command) {
        match command {
            Command::Order(from, order, taken) => {
                self.hear_order(from, order);
                let _ = taken.send(());
            }
            Command::Heed {
                move_id,
                to,
                slots,
                heeded,
            } => {
                let now = self.clock.now();
                let (taken, effects) = self.holders.heed_mark(&move_id, to, &slots, now);
                self.carry_out(effects);
                let _ = heeded.send(taken);
            }
            Command::Report(shard, report) => {
                if let Some(input) = self.shards.heard(shard, *report) {
                    self.feed(input);
                }
            }
            Command::Leave(done) => {
                self.state.leaving = Some(done);
                self.feed(Input::Leave);
                self.let_go_without_heirs();
            }
            Command::HandOver => self.feed(Input::HandOver),
        }
    }

    fn hear_order(&mut self, from: Life, order: Bytes) {
        match Order::decode(order) {
            Ok((to, order)) => self.feed(Input::Order { from, to, order }),
            Err(problem) => tracing::warn!(%from, %problem, "an order cannot be read"),
        }
    }

    /// Gives the holders an input and does what they want.
    fn feed(&mut self, input: Input) {
        if !self.has_identity() {
            return;
        }
        let effects = self.holders.handle(input, self.clock.now());
        self.carry_out(effects);
    }

    /// Makes the others known to the forwarder, and those that are gone unknown.
    fn introduce(&mut self, sight: &Sight) {
        for known in sight.view.others.values() {
            let record = &known.record;
            let life = &record.life;
            let is_gone = record.state == MemberState::Left || self.deaths.is_dead(life);
            if is_gone {
                self.forget(&life.replica);
                continue;
            }
            self.forwarder
                .set_destination(life, record.peer_address, known.is_suspect);
            self.state
                .known
                .retain(|known| known.replica != life.replica);
            self.state.known.push(life.clone());
        }
    }

    fn forget(&mut self, replica: &ReplicaId) {
        let count = self.state.known.len();
        self.state.known.retain(|known| known.replica != *replica);
        if self.state.known.len() != count {
            self.forwarder.remove_destination(replica);
        }
    }

    fn step_deaths(&mut self) {
        if !self.has_identity() {
            return;
        }
        let now = self.clock.now();
        let view = Arc::clone(&self.sight.borrow().view);
        let own = Arc::clone(self.holders.record());
        let is_unsure = self.holders.is_unsure();
        let changes = self.deaths.step(&view, &own, now, is_unsure);
        for change in changes {
            self.tell_of_death(&change);
        }
        let agreed = self.deaths.agreed();
        if !agreed.is_empty() {
            self.feed(Input::Deaths(agreed));
        }
        if self.state.decided_alone != *self.deaths.decided_alone() {
            let alone = self.deaths.decided_alone().clone();
            self.state.decided_alone.clone_from(&alone);
            self.feed(Input::DecidedAlone(alone));
        }
    }

    fn tell_of_death(&mut self, change: &Change) {
        match change {
            // Proof that a life is over which was never seen here is no news.
            Change::Died(life, _) if !self.state.known.contains(life) => {}
            Change::Died(life, Why::NewLife) => tracing::info!(%life, "a replica lives on anew"),
            Change::Died(life, why) => {
                tracing::warn!(%life, ?why, "a replica is dead; its slots go to others");
                self.forget(&life.replica);
            }
            Change::Returned(life) => {
                tracing::warn!(%life, "a replica that counted as dead is heard again")
            }
            Change::DeclaredDead => {
                let dead = self.holders.life().clone();
                tracing::warn!(%dead, "the others have agreed that this replica is dead: it begins a new life");
                let own = [(dead.replica, dead.incarnation)];
                self.feed(Input::Deaths(own.into()));
            }
        }
    }

    /// The digest with this replica's votes and agreed deaths.
    fn publish_digest(&mut self) {
        let Some(digest) = &self.state.digest else {
            return;
        };
        let mut digest = (**digest).clone();
        digest.votes.clone_from(self.deaths.votes());
        digest.dead = self.deaths.agreed();
        self.figures
            .put_in(&mut digest, self.holders.table().hash());
        // What says nothing new is not gossiped: each version of a digest goes to everybody.
        if self.state.published.as_ref() != Some(&digest) {
            self.state.published = Some(digest.clone());
            self.membership.publish_digest(digest);
        }
    }

    /// Names of a life that is over are of no use once nothing of it can arrive any more (rule 6).
    fn forget_names_of_the_dead(&mut self) {
        let view = Arc::clone(&self.sight.borrow().view);
        let others = view.others.values().map(|known| &known.record);
        let left = others.filter(|record| record.state == MemberState::Left);
        let left = left.map(|record| record.life.clone());
        let dead = self.deaths.agreed().into_iter();
        let dead = dead.map(|(replica, incarnation)| Life {
            replica,
            incarnation,
        });
        let forgotten = self
            .state
            .graves
            .forgotten(left.chain(dead), self.clock.now());
        for life in forgotten {
            self.shards.tell(&SlotOrder::Forget(life));
        }
    }

    /// Rule 16: nothing buffered, nothing owed, nothing on its way.
    fn is_idle(&self) -> bool {
        let accounting = &self.core.accounting;
        accounting.buffered.get() == 0
            && accounting.held.get() == 0
            && self.core.inboxes.iter().all(Inbox::is_empty)
            && self.owed.is_empty()
            && self.forwarder.is_idle()
    }

    /// Who leaves and has nobody to leave its slots to may go, and decides what it holds, if it owes nothing to others. Who
    /// is only missed may be there again in a moment: going would split every trace that is undecided here.
    fn let_go_without_heirs(&mut self) {
        let is_heir = |known: &Known| {
            known.record.state == MemberState::Active && !self.deaths.is_dead(&known.record.life)
        };
        let has_heirs = self.sight.borrow().view.others.values().any(is_heir);
        let owes = self.core.accounting.held.get() > 0;
        if !has_heirs && !owes || !self.has_identity() {
            self.state.may_exit |= self.state.leaving.is_some();
            self.tell_leaver();
        }
    }

    fn tell_leaver(&mut self) {
        if self.state.may_exit
            && let Some(done) = self.state.leaving.take()
        {
            let _ = done.send(());
        }
    }
}
