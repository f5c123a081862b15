//! The task beside the library: publishes, reads what has changed, and tells who watches.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chitchat::{Chitchat, ChitchatHandle, ChitchatId};

use super::Shared;
use super::book::{Book, DIGEST_KEY, RECORD_KEY};
use super::identity::IdentityWatch;
use crate::clock::Heartbeat;
use crate::router::membership::{Identity, Sight};

/// How often to read what has changed.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// The task that publishes and reads.
pub(super) struct Reader {
    own: ChitchatId,
    chitchat: Arc<ChitchatHandle>,
    shared: Arc<Shared>,
    heartbeat: Heartbeat,
    book: Book,
    identity: IdentityWatch,
    may_publish: bool,
}

impl Reader {
    /// For the process `own` of the library, whose ID `identity` watches.
    pub(super) fn new(
        own: ChitchatId,
        chitchat: Arc<ChitchatHandle>,
        shared: Arc<Shared>,
        identity: IdentityWatch,
        heartbeat: Heartbeat,
    ) -> Self {
        Self {
            own,
            chitchat,
            shared,
            heartbeat,
            identity,
            book: Book::default(),
            may_publish: false,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.shared.publish.notified() => {}
            }
            let chitchat = self.chitchat.chitchat();
            let mut chitchat = chitchat.lock().await;
            self.read(&chitchat);
            self.publish(&mut chitchat);
        }
    }

    fn read(&mut self, chitchat: &Chitchat) {
        // After a pause nobody was heard for as long, which is nobody's fault: first it is taken off the clock.
        let _may_act = self.heartbeat.beat();
        let now = self.heartbeat.clock().now();
        let live: BTreeSet<ChitchatId> = chitchat.live_nodes().cloned().collect();
        self.book
            .read(chitchat.node_states(), &live, &self.own, now);
        let has_contact = self.book.has_contact();
        self.shared
            .has_contact
            .store(has_contact, Ordering::Relaxed);
        let same = self.book.under_same_id(&self.own);
        let identity = self.identity.look(&same, has_contact, now);
        self.may_publish |= identity == Identity::Own;
        let view = self.book.view(&self.own);
        self.shared.sight.send_if_modified(|sight| {
            let is_new = *sight.view != view || sight.identity != identity;
            if is_new {
                let view = Arc::new(view);
                *sight = Sight { view, identity };
            }
            is_new
        });
    }

    /// Nothing before the ID is known to be this process's own: whoever sees a record of a new life takes the old one
    /// for dead.
    fn publish(&self, chitchat: &mut Chitchat) {
        if !self.may_publish {
            return;
        }
        let unpublished = std::mem::take(&mut *self.shared.unpublished.lock());
        for (key, text) in [
            (RECORD_KEY, unpublished.record),
            (DIGEST_KEY, unpublished.digest),
        ] {
            if let Some(text) = text {
                chitchat.self_node_state().set(key, text);
            }
        }
    }
}
