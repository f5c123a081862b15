//! Looks after the policies' source: when something hints at a change, and now and then without a hint.
//!
//! Nothing that is being written is taken: what is read must be the same twice, a tenth of a second apart.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Reloader, Trigger};
use crate::config::policy_source::Snapshot;
use crate::file_watch::FileWatch;

/// From a hint to the first look, and from one look to the next.
const SETTLE: Duration = Duration::from_millis(100);
/// Looks at content that keeps changing before it is taken as it is.
const LOOKS_MAX: u32 = 6;
/// From one look without a hint to the next: network file systems, say, hint at nothing.
const POLL: Duration = Duration::from_secs(5);

struct Watching {
    reloader: Reloader,
    /// Absent while a look is under way.
    watch: Option<FileWatch>,
    hint: Arc<Notify>,
    /// Whether it was said already that there will be no hints.
    has_warned: bool,
}

/// Starts a task that goes on until `stop`. What cannot change is not watched.
pub(in crate::replica) fn start(reloader: Reloader, stop: CancellationToken) {
    if !reloader.0.can_change {
        return;
    }
    let watch = FileWatch::default();
    let watching = Watching {
        reloader,
        hint: watch.hint(),
        watch: Some(watch),
        has_warned: false,
    };
    tokio::spawn(async move {
        tokio::select! {
            () = watching.run() => {}
            () = stop.cancelled() => {}
        }
    });
}

impl Watching {
    async fn run(mut self) {
        loop {
            if let Some(snapshot) = self.settled().await {
                self.reloader.attempt(Trigger::Watch, Some(snapshot)).await;
            }
            tokio::select! {
                () = self.hint.notified() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// What stands there now, if it is another than what was read last; as soon as it stands still.
    async fn settled(&mut self) -> Option<Snapshot> {
        let mut seen = self.look().await?;
        for _ in 1..LOOKS_MAX {
            if seen.hash == self.reloader.0.state.load().hash() {
                return None;
            }
            tokio::time::sleep(SETTLE).await;
            let again = self.look().await?;
            if again.hash == seen.hash {
                return Some(again);
            }
            seen = again;
        }
        Some(seen)
    }

    /// Watches what is to be watched now, then looks: what changes after it is hinted at.
    async fn look(&mut self) -> Option<Snapshot> {
        let mut watch = self.watch.take().unwrap_or_default();
        let parts = Arc::clone(&self.reloader.0);
        let look = tokio::task::spawn_blocking(move || {
            let files = &parts.state.load().active.files;
            let path = parts.source.0.as_deref();
            let watched = path.map_or(Ok(()), |path| watch.watch(path, files));
            (Snapshot::of(&parts.source), watch, watched)
        });
        let (snapshot, watch, watched) = look.await.ok()?;
        self.hint = watch.hint();
        self.watch = Some(watch);
        match watched {
            Ok(()) => self.has_warned = false,
            Err(error) if !self.has_warned => {
                tracing::warn!(
                    %error,
                    "changes of the policies are not notified; looking every {} s instead",
                    POLL.as_secs()
                );
                self.has_warned = true;
            }
            Err(_) => {}
        }
        Some(snapshot)
    }
}
