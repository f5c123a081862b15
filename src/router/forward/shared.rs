//! What the destinations of a replica share, and which there are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::destination::Destination;
use super::stream::{NameStream, OwnName};
use super::{Dial, ForwardConfig, ForwardParts, Reroute};
use crate::accounting::Accounting;
use crate::batch::peer::frame::StreamMark;
use crate::batch::replica::{Life, ReplicaId};
use crate::clock::{Clock, Moment};
use crate::memory::Budget;
use crate::metrics::ForwardMetrics;

/// The forwarder's inside, that its tasks hold.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    pub(super) dial: Arc<dyn Dial>,
    pub(super) reroute: Arc<dyn Reroute>,
    /// Ends every task.
    pub(super) closed: CancellationToken,
    destinations: RwLock<BTreeMap<ReplicaId, Arc<Destination>>>,
    /// Of slots without a holder: a destination that is never reached.
    nobody: Arc<Destination>,
    /// Of the names of what is owed.
    owed: Arc<NameStream>,
}

/// What a destination needs of the outside.
pub(super) struct Context {
    pub(super) config: ForwardConfig,
    pub(super) clock: Clock,
    pub(super) memory: Budget,
    pub(super) hold: Budget,
    pub(super) metrics: ForwardMetrics,
    pub(super) accounting: Arc<Accounting>,
    life: watch::Sender<Life>,
    streams: Mutex<Vec<Weak<NameStream>>>,
    streams_made: AtomicU32,
}

/// What waits for a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardStatus {
    /// Whom; `None` for slots without a holder.
    pub replica: Option<ReplicaId>,
    /// Whether frames are sent there now.
    pub is_reachable: bool,
    /// Connections that have greeted.
    pub connections: usize,
    /// Bytes that wait or are in flight, and that callers wait for.
    pub waiting_bytes: u64,
    /// Bytes held, that this replica owes.
    pub held_bytes: u64,
    /// Age of the oldest of these.
    pub held_age: Duration,
    /// Spans acknowledged by it since it was made known.
    pub spans_acked: u64,
}

impl Context {
    pub(super) fn life(&self) -> Life {
        self.life.borrow().clone()
    }

    /// This replica's life, and the ones after it.
    pub(super) fn lives(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// A stream of names of its own for a destination.
    pub(super) fn new_stream(&self) -> Arc<NameStream> {
        let number = self.streams_made.fetch_add(1, Ordering::Relaxed);
        let stray_time = self.config.stray_time;
        let stream = Arc::new(NameStream::new(number, stray_time, self.clock.clone()));
        self.streams.lock().push(Arc::downgrade(&stream));
        stream
    }

    /// How far all streams are finished.
    pub(super) fn marks(&self, now: Moment) -> Vec<StreamMark> {
        let mut streams = self.streams.lock();
        streams.retain(|stream| stream.strong_count() > 0);
        let streams = streams.iter().filter_map(Weak::upgrade);
        streams.map(|stream| stream.mark(now)).collect()
    }
}

impl Shared {
    pub(super) fn start(parts: ForwardParts) -> Arc<Self> {
        let context = Arc::new(Context {
            config: parts.config,
            clock: parts.clock,
            memory: parts.memory,
            hold: parts.hold,
            metrics: parts.metrics,
            accounting: parts.accounting,
            life: watch::Sender::new(parts.life),
            streams: Mutex::default(),
            streams_made: AtomicU32::new(0),
        });
        let nobody = Arc::new(Destination::new(None, Arc::clone(&context)));
        let shared = Arc::new(Self {
            owed: context.new_stream(),
            context,
            dial: parts.dial,
            reroute: parts.reroute,
            closed: CancellationToken::new(),
            destinations: RwLock::default(),
            nobody,
        });
        shared.nobody.start(&shared);
        shared
    }

    pub(super) fn draw_owed_name(&self) -> Arc<OwnName> {
        self.owed.draw(&self.context.life())
    }

    pub(super) fn set_life(&self, life: Life) {
        self.context.life.send_replace(life);
    }

    pub(super) fn set_destination(
        shared: &Arc<Self>,
        life: &Life,
        address: SocketAddr,
        is_suspect: bool,
    ) {
        let mut destinations = shared.destinations.write();
        let destination = destinations.entry(life.replica.clone()).or_insert_with(|| {
            let replica = Some(life.replica.clone());
            let made = Arc::new(Destination::new(replica, Arc::clone(&shared.context)));
            made.start(shared);
            made
        });
        destination.set(life, address, is_suspect);
    }

    pub(super) fn remove_destination(&self, replica: &ReplicaId) {
        let removed = self.destinations.write().remove(replica);
        if let Some(destination) = removed {
            destination.remove();
        }
    }

    pub(super) fn table_changed(&self) {
        for destination in self.all() {
            destination.table_changed();
        }
    }

    /// The destination called `replica`, or nobody.
    pub(super) fn destination(&self, replica: &ReplicaId) -> Arc<Destination> {
        let destinations = self.destinations.read();
        Arc::clone(destinations.get(replica).unwrap_or(&self.nobody))
    }

    pub(super) fn nobody(&self) -> &Arc<Destination> {
        &self.nobody
    }

    pub(super) fn is_idle(&self) -> bool {
        self.context.hold.used_bytes() == 0 && self.all().iter().all(|it| it.is_idle())
    }

    pub(super) fn status(&self) -> Vec<ForwardStatus> {
        self.all().iter().map(|it| it.status()).collect()
    }

    /// Sets the gauges of the hold queue.
    pub(super) fn report_held(&self) {
        let metrics = &self.context.metrics;
        metrics
            .held_bytes
            .set(self.context.hold.used_bytes() as f64);
        let ages = self.all().into_iter().map(|it| it.status().held_age);
        let oldest = ages.max().unwrap_or_default();
        metrics.held_age_seconds.set(oldest.as_secs_f64());
    }

    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    pub(super) fn all(&self) -> Vec<Arc<Destination>> {
        let destinations = self.destinations.read();
        let known = destinations.values().cloned();
        known.chain([Arc::clone(&self.nobody)]).collect()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}
