//! Does something every millisecond on a thread of its own: what calls of plugins are interrupted by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(1);

/// Ticks until it is dropped. A process that stands still has one tick when it goes on, not as many as it missed.
#[derive(Debug)]
pub struct Ticker {
    has_ended: Arc<AtomicBool>,
}

/// There is no thread for it. Displayed as the system's reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoThread(std::io::Error);

impl Ticker {
    /// Calls `tick` every millisecond, give or take what the system makes of it.
    ///
    /// # Errors
    /// [`NoThread`] when the system has none left.
    pub fn start(name: &str, tick: impl Fn() + Send + 'static) -> Result<Self, NoThread> {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&has_ended);
        let thread = std::thread::Builder::new().name(name.to_owned());
        let run = move || {
            while !ends.load(Ordering::Relaxed) {
                std::thread::sleep(INTERVAL);
                tick();
            }
        };
        thread.spawn(run).map_err(NoThread)?;
        Ok(Self { has_ended })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ticks_until_it_is_dropped() {
        let (tick, ticks) = crossbeam_channel::bounded(1);
        let tell = move || {
            let _ = tick.send(());
        };
        let ticker = Ticker::start("ticker", tell).unwrap();
        assert!(ticks.recv().is_ok() && ticks.recv().is_ok());
        drop(ticker);
        // The channel closes with the thread.
        while ticks.recv().is_ok() {}
    }
}
