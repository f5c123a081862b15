//! The bounded queue in front of a shard, with reservation and few wake-ups.
//!
//! A request is admitted whole or not at all, so room is reserved in all the inboxes it goes to before anything is
//! handed over. What is in an inbox is as safe as what is in the buffer (same process), so nobody waits for the shard:
//! it may sleep through several arrivals and take them together. Under load it looks every few milliseconds and is
//! woken between only when its inbox fills; idle, it sleeps until it is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::shard::Control;
use crate::batch::sub_batch::SubBatch;

const CONTROL_MESSAGES_MAX: usize = 256;
const SUB_BATCHES_DOZED_MAX: usize = 16;

/// The way into a shard. Clones lead to the same one.
#[derive(Debug, Clone)]
pub struct Inbox {
    sub_batches: Sender<SubBatch>,
    control: Sender<Control>,
    shared: Arc<Shared>,
}

/// The shard's end of its inbox.
#[derive(Debug)]
pub struct InboxReceiver {
    sub_batches: Receiver<SubBatch>,
    control: Receiver<Control>,
    shared: Arc<Shared>,
}

/// Room for one sub-batch, given back when dropped unused.
#[derive(Debug)]
pub struct Permit<'a> {
    inbox: &'a Inbox,
    is_used: bool,
}

#[derive(Debug)]
struct Shared {
    /// Sub-batches queued or reserved.
    taken: AtomicUsize,
    capacity: usize,
    /// Sub-batches that end a doze: few enough that their bytes are still in the processor's caches.
    wake_at: usize,
    rest: AtomicU8,
    thread: Mutex<Option<Thread>>,
    is_abandoned: AtomicBool,
}

/// The shard is at work and will look again before it sleeps.
const AWAKE: u8 = 0;
/// It looks again by itself within milliseconds.
const DOZING: u8 = 1;
/// It must be woken.
const ASLEEP: u8 = 2;

/// Makes an inbox for at most `capacity` sub-batches.
#[must_use]
pub fn inbox(capacity: usize) -> (Inbox, InboxReceiver) {
    let (sub_batches, sub_batches_out) = bounded(capacity);
    let (control, control_out) = bounded(CONTROL_MESSAGES_MAX);
    let shared = Arc::new(Shared {
        taken: AtomicUsize::new(0),
        capacity,
        wake_at: (capacity / 2).min(SUB_BATCHES_DOZED_MAX),
        rest: AtomicU8::new(AWAKE),
        thread: Mutex::new(None),
        is_abandoned: AtomicBool::new(false),
    });
    let inbox = Inbox {
        sub_batches,
        control,
        shared: Arc::clone(&shared),
    };
    let receiver = InboxReceiver {
        sub_batches: sub_batches_out,
        control: control_out,
        shared,
    };
    (inbox, receiver)
}

impl Inbox {
    /// Reserves room for one sub-batch; `None` when the inbox is full.
    #[must_use]
    pub fn reserve(&self) -> Option<Permit<'_>> {
        self.shared
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |taken| {
                (taken < self.shared.capacity).then_some(taken + 1)
            })
            .ok()?;
        Some(Permit {
            inbox: self,
            is_used: false,
        })
    }

    /// Whether no sub-batch waits in it, and no room is reserved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.taken.load(Ordering::Acquire) == 0
    }

    /// Tells the shard something other than spans; returns whether it can still hear.
    pub fn control(&self, message: Control) -> bool {
        let sent = self.control.send(message).is_ok();
        self.wake();
        sent
    }

    /// Wakes the shard, for instance because an exporter has room again.
    pub fn wake(&self) {
        self.shared.wake_from(ASLEEP);
    }

    /// Tells the shard to end now, whatever it holds.
    pub fn abandon(&self) {
        self.shared.is_abandoned.store(true, Ordering::Release);
        self.wake();
    }
}

impl Permit<'_> {
    /// Hands a sub-batch over; there is room for it.
    pub fn send(mut self, sub_batch: SubBatch) {
        self.is_used = self.inbox.sub_batches.send(sub_batch).is_ok();
        let shared = &self.inbox.shared;
        match shared.rest.load(Ordering::SeqCst) {
            ASLEEP => shared.wake_from(ASLEEP),
            DOZING if shared.taken.load(Ordering::Relaxed) >= shared.wake_at => {
                shared.wake_from(DOZING);
            }
            _ => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.inbox.shared.taken.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl InboxReceiver {
    /// The next sub-batch, if any.
    pub fn take_sub_batch(&self) -> Option<SubBatch> {
        let taken = self.sub_batches.try_recv().ok()?;
        self.shared.taken.fetch_sub(1, Ordering::AcqRel);
        Some(taken)
    }

    /// The next control message, if any.
    pub fn take_control(&self) -> Option<Control> {
        self.control.try_recv().ok()
    }

    /// Whether the shard was told to end now.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned.load(Ordering::Acquire)
    }

    /// Names the thread to wake; called by that thread before it first sleeps.
    pub fn wake_this_thread(&self) {
        *self.shared.thread.lock() = Some(std::thread::current());
    }

    /// Sleeps for `time`, or less when the inbox fills.
    pub fn doze(&self, time: Duration) {
        self.rest(DOZING, time, || false);
    }

    /// Sleeps for `time`, or less when anything arrives.
    pub fn sleep(&self, time: Duration) {
        self.rest(ASLEEP, time, || {
            !self.sub_batches.is_empty() || !self.control.is_empty() || self.is_abandoned()
        });
    }

    fn rest(&self, kind: u8, time: Duration, must_wake: impl Fn() -> bool) {
        self.shared.rest.store(kind, Ordering::SeqCst);
        // What came before the store did not see that it should wake this thread.
        if !must_wake() && self.shared.rest.load(Ordering::SeqCst) == kind {
            std::thread::park_timeout(time);
        }
        self.shared.rest.store(AWAKE, Ordering::SeqCst);
    }
}

impl Shared {
    /// Wakes the shard from `deepest` or a lighter sleep, once.
    fn wake_from(&self, deepest: u8) {
        let rest = self.rest.load(Ordering::SeqCst);
        if rest == AWAKE || rest > deepest {
            return;
        }
        if self.rest.swap(AWAKE, Ordering::SeqCst) != AWAKE
            && let Some(thread) = &*self.thread.lock()
        {
            thread.unpark();
        }
    }
}
