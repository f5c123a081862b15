//! One destination: its queue, the task that looks after it, and the tasks of its connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::connection;
use super::outgoing::{Name, Outgoing, Room};
use super::queue::{Live, Queue};
use super::shared::{Context, Shared};
use super::{ForwardStatus, Pending, Route};
use crate::batch::metadata::RequestMetadata;
use crate::batch::peer::answer::TicketAnswer;
use crate::batch::peer::frame::{Encoded, FrameKind, HandedOverTrace, Payload};
use crate::batch::replica::{Life, ReplicaId};
use crate::batch::sub_batch::SubBatch;
use crate::clock::Moment;

/// Time between two looks at a queue that has something in it: the precision of deadlines and retries.
const TICK: Duration = Duration::from_millis(20);

/// How often the gauges of the hold queue are set, at least.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// A destination.
pub(super) struct Destination {
    replica: Option<ReplicaId>,
    context: Arc<Context>,
    queue: Mutex<Queue>,
    /// Connections: there may be something to send.
    to_send: Notify,
    /// The task that looks after the queue: there is something in it.
    to_look: Notify,
    /// Where it is; `None` before that is known, and when it is gone.
    address: watch::Sender<Option<SocketAddr>>,
}

impl Destination {
    pub(super) fn new(replica: Option<ReplicaId>, context: Arc<Context>) -> Self {
        Self {
            replica,
            queue: Mutex::new(Queue::new(&context)),
            context,
            to_send: Notify::new(),
            to_look: Notify::new(),
            address: watch::Sender::new(None),
        }
    }

    /// Starts its tasks.
    pub(super) fn start(self: &Arc<Self>, shared: &Arc<Shared>) {
        tokio::spawn(look_after(Arc::clone(self), Arc::clone(shared)));
        if let Some(replica) = &self.replica {
            for _ in 0..self.context.config.connections.max(1) {
                let connection = connection::run(
                    Arc::clone(self),
                    replica.clone(),
                    Arc::clone(shared),
                    self.address.subscribe(),
                );
                tokio::spawn(connection);
            }
        }
    }

    pub(super) fn set(&self, life: &Life, address: SocketAddr, is_suspect: bool) {
        let mut queue = self.queue.lock();
        let is_new_life = queue.life.as_ref() != Some(life);
        if is_new_life {
            queue.life = Some(life.clone());
        }
        queue.is_suspect = is_suspect;
        drop(queue);
        self.address.send_if_modified(|known| {
            let is_new = is_new_life || *known != Some(address);
            *known = Some(address);
            is_new
        });
        self.to_send.notify_one();
        self.to_look.notify_one();
    }

    /// It died or left: what it has not acknowledged is split anew.
    pub(super) fn remove(&self) {
        self.queue.lock().is_gone = true;
        self.address.send_replace(None);
        self.to_look.notify_one();
    }

    pub(super) fn table_changed(&self) {
        self.queue.lock().is_table_changed = true;
        self.to_look.notify_one();
    }

    /// Copies the spans of `part` into frames.
    pub(super) fn append(&self, part: &SubBatch, route: &Route) -> Pending {
        let now = self.context.clock.now();
        let mut queue = self.queue.lock();
        let pending = queue.append(part, route, now, &self.context);
        self.wake(&queue);
        pending
    }

    #[cfg(test)]
    pub(super) fn traces(&self) -> Vec<crate::otlp::ids::TraceId> {
        self.queue.lock().traces()
    }

    pub(super) fn hand_over(
        &self,
        traces: Vec<HandedOverTrace>,
        metadata: Option<Arc<RequestMetadata>>,
        payload: Bytes,
        spans: u64,
        route: Route,
    ) -> Pending {
        let now = self.context.clock.now();
        let frame = Outgoing {
            name: Name::None,
            route,
            metadata,
            kind: FrameKind::HandedOver(traces),
            payload: Payload::plain(payload),
            spans,
            room: Room::Held(self.context.hold.charge(0)),
            waiters: None,
            born: now,
            attempts: 0,
        };
        let mut queue = self.queue.lock();
        let pending = queue.append_whole(frame, now, &self.context);
        self.wake(&queue);
        pending
    }

    /// Takes a piece of a frame that was split anew, to be sent at `until`.
    pub(super) fn insert(&self, frame: Outgoing, until: Moment) -> Result<(), Box<Outgoing>> {
        let now = self.context.clock.now();
        let mut queue = self.queue.lock();
        let inserted = queue.insert(frame, until, now, &self.context);
        self.wake(&queue);
        inserted
    }

    pub(super) fn split_later(&self, frame: Outgoing, until: Moment) {
        self.queue.lock().split_later(frame, until);
        self.to_look.notify_one();
    }

    /// Whether it died or left.
    pub(super) fn is_removed(&self) -> bool {
        self.queue.lock().is_gone
    }

    pub(super) fn has_ended(&self) -> bool {
        self.queue.lock().has_ended
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.lock().is_empty()
    }

    pub(super) fn status(&self) -> ForwardStatus {
        let now = self.context.clock.now();
        self.queue.lock().status(now, &self.context)
    }

    /// A connection that has greeted; frames are given to it from now on.
    pub(super) fn connected(&self, live: Live) -> u32 {
        let connection = self.queue.lock().connect(live);
        self.context.metrics.connections.increment(1);
        self.to_send.notify_one();
        connection
    }

    pub(super) fn disconnected(&self, connection: u32) {
        let now = self.context.clock.now();
        let mut queue = self.queue.lock();
        queue.disconnected(connection, now);
        self.context.metrics.connections.decrement(1);
        self.wake(&queue);
    }

    /// A connection that orders can be sent on.
    pub(super) fn any_connection(
        &self,
    ) -> Option<hyper::client::conn::http2::SendRequest<tonic::body::Body>> {
        let queue = self.queue.lock();
        let mut alive = queue.connections.values();
        let live = alive.find(|live| !live.sender.is_closed())?;
        Some(live.sender.clone())
    }

    /// The next frame for `connection`, once there is one; `None` when the connection is to end.
    pub(super) async fn next_frame(&self, connection: u32) -> Option<Encoded> {
        loop {
            let waiting = self.to_send.notified();
            {
                let now = self.context.clock.now();
                let mut queue = self.queue.lock();
                if !queue.connections.contains_key(&connection) {
                    // Whoever else waits may have something to do.
                    self.to_send.notify_one();
                    return None;
                }
                let next = queue.take_next(connection, now, &self.context);
                self.wake(&queue);
                if next.is_some() {
                    return next;
                }
            }
            waiting.await;
        }
    }

    /// Takes an answer that `connection` brought.
    pub(super) fn answered(self: &Arc<Self>, answer: TicketAnswer, shared: &Shared) {
        let now = self.context.clock.now();
        let mut queue = self.queue.lock();
        let returned = queue.answered(answer, now, &self.context);
        self.wake(&queue);
        drop(queue);
        if let Some(returned) = returned {
            shared.split_anew(returned, self);
        }
    }

    fn wake(&self, queue: &Queue) {
        if queue.has_next(&self.context) {
            self.to_send.notify_one();
        }
        if !queue.is_looked_after {
            self.to_look.notify_one();
        }
    }

    fn look(&self) -> (Vec<super::queue::Returned>, Look) {
        let now = self.context.clock.now();
        let mut queue = self.queue.lock();
        let returned = queue.upkeep(now, &self.context);
        let look = match (queue.has_ended, queue.is_empty() && returned.is_empty()) {
            (true, _) => Look::Never,
            (false, true) => Look::WhenTold,
            (false, false) => Look::Soon,
        };
        queue.is_looked_after = matches!(look, Look::Soon);
        if queue.has_next(&self.context) {
            self.to_send.notify_one();
        }
        (returned, look)
    }
}

/// When to look at a queue again.
enum Look {
    Soon,
    WhenTold,
    Never,
}

/// Looks after a queue until its destination is gone and nothing is left in it.
async fn look_after(destination: Arc<Destination>, shared: Arc<Shared>) {
    loop {
        let (returned, look) = destination.look();
        for returned in returned {
            shared.split_anew(returned, &destination);
        }
        if destination.replica.is_none() {
            shared.report_held();
        }
        let wait = async {
            let told = destination.to_look.notified();
            match look {
                Look::Soon => tokio::time::sleep(TICK).await,
                _ if destination.replica.is_some() => told.await,
                _ => drop(tokio::time::timeout(REPORT_EVERY, told).await),
            }
        };
        if matches!(look, Look::Never) {
            return;
        }
        tokio::select! {
            biased;
            () = wait => {}
            () = shared.closed.cancelled() => return,
        }
    }
}
