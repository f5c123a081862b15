//! Counters of processes that come and go at the same addresses: looked at twice a second, summed over all lives.
//!
//! What a process counted between the last look and its end is missed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::scrape::Scrape;

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A running watch.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<&'static str, f64>>,
}

impl Watch {
    /// Watches `counters` at `admins`.
    pub(crate) fn start(admins: Vec<SocketAddr>, counters: &'static [&'static str]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut latest = BTreeMap::new();
            let mut sums = BTreeMap::new();
            while !seen.load(Ordering::Relaxed) {
                for admin in &admins {
                    let Ok(scrape) = Scrape::of(*admin) else {
                        continue;
                    };
                    for counter in counters {
                        let now = scrape.sum(counter);
                        let before = latest.insert((*admin, *counter), now).unwrap_or(0.0);
                        // One that has become less is that of a new life.
                        let more = if now < before { now } else { now - before };
                        *sums.entry(*counter).or_default() += more;
                    }
                }
                std::thread::sleep(LOOK_EVERY);
            }
            sums
        });
        Self { is_over, thread }
    }

    /// Ends it; what each counter came to.
    pub(crate) fn end(self) -> anyhow::Result<BTreeMap<&'static str, f64>> {
        self.is_over.store(true, Ordering::Relaxed);
        let sums = self.thread.join();
        sums.map_err(|_| anyhow::anyhow!("watching panicked"))
    }
}
