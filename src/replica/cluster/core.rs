//! What the parts of a clustered replica share: its life, its routes, and the way to whoever drives its holders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use crate::accounting::Accounting;
use crate::batch::key::ShardId;
use crate::batch::peer::frame::Mark;
use crate::batch::replica::{Incarnation, Life, MoveId};
use crate::batch::slot_set::SlotSet;
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::Report;
use crate::clock::Heartbeat;
use crate::router::holders::{Mark as RouteMark, Route, Routes};

/// Shared by everything in a replica that knows of the cluster.
#[derive(Debug)]
pub(in crate::replica) struct Core {
    pub(super) inboxes: Arc<[Inbox]>,
    pub(super) accounting: Arc<Accounting>,
    pub(super) heartbeat: Heartbeat,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    /// Whether it has found its place among the others.
    is_active: AtomicBool,
    life: RwLock<Life>,
    routes: RwLock<Arc<Routes>>,
}

/// What the driver of the holders is told.
#[derive(Debug)]
pub(super) enum Command {
    /// An order has arrived; its sender waits until it is taken.
    Order(Life, Bytes, oneshot::Sender<()>),
    /// Which of these slots are to be taken for bearing this mark?
    Heed {
        move_id: MoveId,
        to: Incarnation,
        slots: Box<SlotSet>,
        heeded: oneshot::Sender<SlotSet>,
    },
    /// A shard has come to a step of a move.
    Report(ShardId, Box<Report>),
    /// Leave; tell when nobody needs this replica any more.
    Leave(oneshot::Sender<()>),
    /// Hand undecided traces over from now on.
    HandOver,
}

/// Where the spans of a trace go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Shard(ShardId),
    /// Another replica, by its place among the lanes of the request at hand.
    There(u16),
    Nobody,
}

impl Core {
    pub(super) fn new(
        life: Life,
        inboxes: Arc<[Inbox]>,
        accounting: Arc<Accounting>,
        heartbeat: Heartbeat,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Self {
        Self {
            inboxes,
            accounting,
            heartbeat,
            commands,
            is_active: AtomicBool::new(false),
            life: RwLock::new(life),
            routes: RwLock::new(Arc::new(Routes::all(Route::Nobody))),
        }
    }

    /// This replica's present life.
    pub(super) fn life(&self) -> Life {
        self.life.read().clone()
    }

    pub(super) fn set_life(&self, life: Life) {
        *self.life.write() = life;
    }

    /// Whether clients' spans are taken: who joins does not know yet who holds what, and would sit on them meanwhile.
    pub(super) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    pub(super) fn set_active(&self) {
        self.is_active.store(true, Ordering::Relaxed);
    }

    /// Where spans go now.
    pub(super) fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read())
    }

    pub(super) fn set_routes(&self, routes: Arc<Routes>) {
        *self.routes.write() = routes;
    }

    /// Of `slots`, those whose spans are to be taken here for bearing `mark` (rule 2).
    pub(super) async fn heed(&self, mark: &Mark, slots: SlotSet) -> SlotSet {
        if mark.target.replica != self.life().replica {
            return SlotSet::default();
        }
        let (heeded, answer) = oneshot::channel();
        let command = Command::Heed {
            move_id: mark.of.clone(),
            to: mark.target.incarnation,
            slots: Box::new(slots),
            heeded,
        };
        if self.commands.send(command).is_err() {
            return SlotSet::default();
        }
        answer.await.unwrap_or_default()
    }

    /// The mark that a route gives, as frames bear it.
    pub(super) fn mark_of(route: &Route) -> Option<Mark> {
        let Route::There {
            replica,
            mark: Some(RouteMark { id, to }),
        } = route
        else {
            return None;
        };
        Some(Mark {
            of: id.clone(),
            target: Life {
                replica: replica.clone(),
                incarnation: *to,
            },
        })
    }
}
