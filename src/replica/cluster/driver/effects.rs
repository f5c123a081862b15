//! What the holders want done.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::decisions::decode_decisions;
use super::Driver;
use crate::batch::peer::frame::Mark;
use crate::batch::peer::names::{AppliedBatch, decode_names};
use crate::batch::peer::order::{ChunkAck, Decisions, Order};
use crate::batch::replica::{Life, MoveId};
use crate::buffer::shard::{Fence, SlotOrder, SlotState as ShardState};
use crate::router::forward::Forwarder;
use crate::router::holders::{Effect, SlotState};
use crate::router::member::MemberState;

/// How long the shards may take to hear that they should remember.
const HEARING_MAX: Duration = Duration::from_secs(10);

impl Driver {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.do_one(effect);
        }
    }

    fn do_one(&mut self, effect: Effect) {
        match effect {
            Effect::Record(record) => {
                self.figures.note_record(&record, self.clock.now());
                self.membership.publish_record((*record).clone());
            }
            Effect::Digest(digest) => {
                self.state.digest = Some(digest);
                self.publish_digest();
            }
            Effect::Send { to, order } => send(&self.forwarder, &to, &order),
            Effect::SetSlots { slots, state } => {
                self.shards.set(slots, shard_state(state));
            }
            Effect::Routes(routes) => {
                self.core.set_routes(routes);
                self.forwarder.table_changed();
            }
            Effect::CollectDecisions { id, parcel, slots } => {
                self.shards.collect(id, parcel, slots);
            }
            Effect::Freeze {
                id,
                target,
                parcel,
                slots,
            } => {
                let mark = Arc::new(Mark { of: id, target });
                self.shards.freeze(mark, parcel, slots);
            }
            Effect::TakeDecisions { from, decisions } => self.take_decisions(from, &decisions),
            Effect::MergeNames { slots, names } => {
                if let Some(names) = read_names(names) {
                    self.shards.tell(&SlotOrder::Merge(names, slots));
                }
            }
            Effect::ForgetNames { slots, names } => {
                if let Some(names) = read_names(names) {
                    self.shards.tell(&SlotOrder::Unname(names, slots));
                }
            }
            Effect::HandOver(slots) => self.shards.tell(&SlotOrder::HandOver(slots)),
            Effect::NewLife(life) => self.live_on_as(life),
            Effect::Unsure(true) => tracing::warn!("paused: asking the others before going on"),
            Effect::Unsure(false) => self.core.heartbeat.go_on(),
            Effect::Died(life) => {
                let _ = self.deaths.adopt_named(&life);
            }
            Effect::WentActive => {
                self.core.set_active();
                tracing::info!(replica = %self.holders.life(), "active: may own slots");
            }
            Effect::MayExit => {
                self.state.may_exit = true;
                self.tell_leaver();
            }
        }
    }

    /// Remembers a chunk of decisions in every shard, and then says so.
    fn take_decisions(&self, from: Life, decisions: &Decisions) {
        let remembered = match decode_decisions(&decisions.entries) {
            Ok(remembered) => remembered,
            Err(problem) => {
                tracing::error!(%from, %problem, "decisions of another replica cannot be read");
                return;
            }
        };
        let (told, heard) = oneshot::channel::<Infallible>();
        let fence = Fence::of(told);
        self.shards.remember(&remembered, &fence);
        drop(fence);
        let ack = Order::DecisionsAck(ChunkAck {
            id: decisions.id.clone(),
            parcel: decisions.parcel,
            chunk: decisions.chunk,
        });
        let forwarder = self.forwarder.clone();
        tokio::spawn(async move {
            // It ends with an error when the fence is gone, which is what is waited for.
            if tokio::time::timeout(HEARING_MAX, heard).await.is_ok() {
                send(&forwarder, &from, &ack);
            }
        });
    }

    /// Rule 18: a new life, and everything goes back to its holders.
    fn live_on_as(&mut self, life: Life) {
        tracing::warn!(%life, "begins a new life; undecided traces go to their holders");
        self.figures.note_new_life();
        self.deaths.reborn();
        self.core.set_life(life.clone());
        self.forwarder.set_life(life);
        self.shards.tell(&SlotOrder::GiveBack);
    }

    /// Brings status, metrics and the share of limits up to date.
    pub(super) fn update_status(&mut self) {
        let is_ready = self.holders.state() == MemberState::Active && !self.holders.is_unsure();
        let view = Arc::clone(&self.sight.borrow().view);
        let now = self.clock.now();
        let (holders, deaths, figures) = (&self.holders, &self.deaths, &mut self.figures);
        let others = view.others.values();
        let live = || {
            let others = others.clone();
            others.filter(|known| {
                let record = &known.record;
                record.state != MemberState::Left && !deaths.is_dead(&record.life)
            })
        };
        figures.share_limits(holders.holds().len(), live(), now);
        let own = holders.record();
        let disagreement = figures.compare(own.policy_hash, holders.table().hash(), live(), now);
        let others = live().map(|known| (known.record.state, known.is_suspect));
        figures.show_members(others.chain([(own.state, false)]));
        let metrics = &figures.metrics;
        metrics.is_ready.set(f64::from(is_ready));
        metrics.is_unsure.set(f64::from(holders.is_unsure()));
        metrics.has_majority.set(f64::from(deaths.has_majority()));
        let alone = deaths.decided_alone().len();
        metrics.deaths_alone.set(alone as f64);
        let mut status = self.status.write();
        status.update(holders, deaths, &view, is_ready);
        status.update_figures(figures, &disagreement);
    }
}

/// Orders may get lost: who sends them repeats them.
fn send(forwarder: &Forwarder, to: &Life, order: &Order) {
    let (forwarder, replica) = (forwarder.clone(), to.replica.clone());
    let encoded: Bytes = order.encode(to.incarnation);
    tokio::spawn(async move {
        if let Err(error) = forwarder.order(&replica, encoded).await {
            tracing::debug!(%replica, %error, "an order did not arrive");
        }
    });
}

fn read_names(names: Bytes) -> Option<Arc<[AppliedBatch]>> {
    match decode_names(names) {
        Ok(names) => Some(names.into()),
        Err(problem) => {
            tracing::error!(%problem, "names of another replica cannot be read");
            None
        }
    }
}

fn shard_state(state: SlotState) -> ShardState {
    let mark = |of: MoveId, target: Life| Arc::new(Mark { of, target });
    match state {
        SlotState::Here => ShardState::Here,
        SlotState::Giving { id, target } => ShardState::Giving(mark(id, target)),
        SlotState::Target { .. } => ShardState::Awaiting,
        SlotState::Frozen { id, target } => ShardState::Frozen(mark(id, target)),
        SlotState::Elsewhere => ShardState::Elsewhere,
    }
}
