//! Looks after the policies' source: when something hints at a change, and now and then without a hint.
//!
//! Nothing that is being written is taken: what is read must be the same twice, a tenth of a second apart, and what goes
//! on changing is not taken at all; a signal or a request takes what it finds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Reloader, Trigger};
use crate::file_watch::FileWatch;

/// From a hint to the first look, and from one look to the next.
const SETTLE: Duration = Duration::from_millis(100);
/// Looks that must find the same.
const LOOKS: u32 = 2;
/// Looks that must, where a file is empty: that is how writing one begins, and it would keep nothing.
const LOOKS_IF_EMPTY: u32 = 6;
/// Looks after one hint.
const LOOKS_MAX: u32 = 12;
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

/// What stands there.
struct Look {
    hash: String,
    is_empty: bool,
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
            if let Some(hash) = self.settled().await {
                self.reloader.attempt(Trigger::Watch, Some(hash)).await;
            }
            tokio::select! {
                () = self.hint.notified() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Looks until what stands there is known or stands still; its hash then. `None` if it is known, or goes on changing:
    /// there will be another hint, or the next look without one.
    async fn settled(&mut self) -> Option<String> {
        let mut last = None;
        let mut looks_alike = 0;
        for _ in 0..LOOKS_MAX {
            let look = self.look().await?;
            if look.hash == self.reloader.0.state.load().hash() {
                return None;
            }
            let is_alike = last.as_ref() == Some(&look.hash);
            looks_alike = if is_alike { looks_alike + 1 } else { 1 };
            let wanted = if look.is_empty { LOOKS_IF_EMPTY } else { LOOKS };
            if looks_alike == wanted {
                return Some(look.hash);
            }
            last = Some(look.hash);
            tokio::time::sleep(SETTLE).await;
        }
        None
    }

    /// Watches what is to be watched now, then looks, so that what changes later is hinted at. `None` when looking itself
    /// failed.
    async fn look(&mut self) -> Option<Look> {
        let mut watch = self.watch.take().unwrap_or_default();
        let parts = Arc::clone(&self.reloader.0);
        let looking = tokio::task::spawn_blocking(move || {
            let state = parts.state.load();
            let path = parts.source.0.as_deref();
            let watched = path.map_or(Ok(()), |path| watch.watch(path, &state.files()));
            let snapshot = state.snapshot(&parts.source);
            let look = Look {
                is_empty: snapshot.has_empty_file(),
                hash: snapshot.hash,
            };
            (look, watch, watched)
        });
        let (look, watch, watched) = looking.await.ok()?;
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
        Some(look)
    }
}
