//! Who holds each slot, and how slots change hands: the rules of `docs/protocol.md` as a state machine without I/O, clock or
//! chance. A driver gives it [`Input`]s with the time and carries out the [`Effect`]s that come back, in their order.
//!
//! A *holder* alone takes the spans of a slot. It *gives* slots to the replica that the table names (`ownership`), by a
//! *move*: it keeps the traces that it has, passes new ones on, and *releases* each slot when nothing of it is undecided
//! and the target remembers its decisions. A slot without a holder is *claimed* with the *promise* of every live member.
//!
//! | rules      | say                                               | where       |
//! |------------|---------------------------------------------------|-------------|
//! | 2, 9, 11   | what a target takes, and from whom                | `target`    |
//! | 3          | where everybody else passes spans                 | `routes`    |
//! | 7, 8       | how a holder gives slots, parcel by parcel        | `moves`, `parcels` |
//! | 10         | a leaver hands undecided traces over              | `leaving`   |
//! | 12         | claims                                            | `claims`    |
//! | 13, 14     | promises, and what they bind                      | `promises`  |
//! | 15         | joining, and founding a cluster                   | `joining`   |
//! | 16         | when a leaver may exit                            | `leaving`   |
//! | 17         | who is alive; doubt after a pause                 | `members`, `doubt` |
//! | 18         | return from a false death                         | `doubt`     |
//!
//! Rules 1 and 4 to 6 are about spans and their names: shards and receivers keep them, as [`SlotState`] tells them to.
//!
//! # Limits
//! A parcel has at most 256 slots, a move 8 parcels before their release; of each giver 256 finished moves are remembered.
//! Everything else is bounded by slots and members. What is not answered is sent again after 250 ms.

mod claims;
mod doubt;
mod interface;
mod joining;
mod leaving;
mod members;
mod moves;
mod parcels;
mod promises;
mod publish;
mod routes;
mod target;

pub use interface::{Effect, Input, Settings, SlotState};
pub use routes::{Mark, Route, Routes};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::batch::peer::order::Order;
use crate::batch::replica::{Incarnation, Life, MoveId, ReplicaId};
use crate::batch::slot_set::SlotSet;
use crate::clock::Moment;
use claims::Claims;
use doubt::Doubt;
use members::Members;
use moves::Moves;
use promises::Promises;
use publish::Published;
use routes::Told;
use target::Incoming;

use super::member::{Digest, MemberState, Record};
use super::ownership::Ownership;

/// What is not answered is sent again after this.
pub(super) const REPEAT: Duration = Duration::from_millis(250);

/// One replica's part in the protocol.
#[derive(Debug)]
pub struct Holders {
    settings: Settings,
    life: Life,
    state: MemberState,
    /// The time of the last input.
    now: Moment,
    started: Moment,
    activated: Moment,
    members: Members,
    holds: SlotSet,
    moves: Moves,
    incoming: Incoming,
    claims: Claims,
    promises: Promises,
    doubt: Doubt,
    is_idle: bool,
    is_handing_over: bool,
    published: Published,
    told: Told,
    effects: Vec<Effect>,
}

impl Holders {
    /// A replica that starts as `life`, joining. [`Holders::handle`] with a tick gets its first record out.
    #[must_use]
    pub fn new(settings: Settings, incarnation: Incarnation, now: Moment) -> Self {
        let life = Life {
            replica: settings.replica.clone(),
            incarnation,
        };
        Self {
            published: Published::new(&settings, &life),
            settings,
            life,
            state: MemberState::Joining,
            now,
            started: now,
            activated: now,
            members: Members::default(),
            holds: SlotSet::default(),
            moves: Moves::default(),
            incoming: Incoming::default(),
            claims: Claims::default(),
            promises: Promises::default(),
            doubt: Doubt::default(),
            is_idle: false,
            is_handing_over: false,
            told: Told::default(),
            effects: Vec::new(),
        }
    }

    /// Takes one input; returns what is to be done, in this order.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Moment) -> Vec<Effect> {
        self.now = now;
        self.take(input);
        self.step();
        // True only when it was said; a span may have arrived since.
        self.is_idle = false;
        std::mem::take(&mut self.effects)
    }

    /// Of `slots`, those of which a span that bears the mark of move `id`, addressed to the incarnation `to`, is to be
    /// taken here; the others are routed as if they had no mark (rule 2). The effects come before the spans.
    #[must_use]
    pub fn heed_mark(
        &mut self,
        id: &MoveId,
        to: Incarnation,
        slots: &SlotSet,
        now: Moment,
    ) -> (SlotSet, Vec<Effect>) {
        self.now = now;
        if to != self.life.incarnation || self.doubt.is_unsure() {
            return (SlotSet::default(), Vec::new());
        }
        let (accepted, is_news) = self.heed(id, slots);
        if is_news {
            self.step();
        }
        (accepted, std::mem::take(&mut self.effects))
    }

    /// This replica's present life.
    #[must_use]
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Where it stands in its life.
    #[must_use]
    pub fn state(&self) -> MemberState {
        self.state
    }

    /// The slots that it holds.
    #[must_use]
    pub fn holds(&self) -> &SlotSet {
        &self.holds
    }

    /// The slots that it gives away, by target; the released ones are not among them.
    #[must_use]
    pub fn targets(&self) -> BTreeMap<ReplicaId, SlotSet> {
        self.moves.targets()
    }

    /// The slots that it is the target of.
    #[must_use]
    pub fn targeted(&self) -> SlotSet {
        self.incoming.slots()
    }

    /// The table of the active members, as seen here.
    #[must_use]
    pub fn table(&self) -> &Ownership {
        &self.members.table
    }

    /// Its record as last published.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.published.record
    }

    /// Its digest as last published, without votes: those are of `deaths`.
    #[must_use]
    pub fn digest(&self) -> &Arc<Digest> {
        &self.published.digest
    }

    /// Whether it is unsure of its own life after a pause (rule 17).
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        self.doubt.is_unsure()
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::View(view) => self.see(view),
            Input::Deaths(deaths) => self.learn_deaths(&deaths),
            Input::DecidedAlone(deaths) => self.decide_alone(deaths),
            Input::Order { from, to, order } => self.receive(&from, to, order),
            Input::Drained(slots) => self.moves.drained(&slots),
            Input::Collected { id, parcel, chunks } => self.collected(&id, parcel, chunks),
            Input::Frozen {
                id,
                parcel,
                names,
                refused,
            } => self.frozen(&id, parcel, names, &refused),
            Input::Idle(is_idle) => self.is_idle = is_idle,
            Input::Leave => self.leave(),
            Input::HandOver => self.is_handing_over = true,
            Input::Paused => self.doubt_own_life(),
            Input::PolicyHash(hash) => self.settings.policy_hash = hash,
        }
    }

    /// Rule 11: another incarnation ignores orders, and so does who knows the sender dead. Rule 17: so does the unsure.
    fn receive(&mut self, from: &Life, to: Incarnation, order: Order) {
        if to != self.life.incarnation || self.doubt.is_unsure() || self.members.is_dead(from) {
            return;
        }
        match order {
            Order::Decisions(decisions) => self.decisions_arrive(from, decisions),
            Order::DecisionsAck(ack) => self.decisions_acked(from, &ack),
            Order::Release(release) => self.release_arrives(from, release),
            Order::ReleaseAck(ack) => self.release_acked(from, &ack),
            Order::AskPromise(ask) => self.asked(from, ask),
            Order::Promise(promise) => self.promised(from, &promise),
        }
    }

    /// Everything that follows from what is known by now. Orders are sent after the record that they tell of.
    fn step(&mut self) {
        if self.state == MemberState::Left {
            return;
        }
        self.come_back_from_false_death();
        self.refresh_table();
        self.end_doubt();
        if !self.doubt.is_unsure() {
            self.go_active_if_ready();
            self.drop_gone();
            self.start_moves();
            self.advance_parcels();
            self.start_claims();
            self.complete_claims();
            self.exit_if_unneeded();
        }
        self.publish();
        if !self.doubt.is_unsure() {
            self.send_due();
        }
        self.tell();
    }

    /// Sends everything that has not been answered for [`REPEAT`].
    fn send_due(&mut self) {
        let now = self.now;
        let releases_and_decisions = self.moves.due(&self.life, now);
        let asks = self.claims.due(
            &self.members,
            self.published.record.version,
            &self.incoming,
            now,
        );
        for (to, order) in releases_and_decisions.into_iter().chain(asks) {
            self.effects.push(Effect::Send { to, order });
        }
    }

    /// Holds `slots` from now on: whatever stood against it is over.
    fn hold(&mut self, slots: &SlotSet) {
        self.holds |= slots;
        self.claims.end(slots);
        self.incoming.end(slots);
        self.moves.returned(slots);
    }
}

#[cfg(test)]
mod tests;
