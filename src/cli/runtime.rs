//! The tokio runtime of the tools, and the signals that end them in order.

use std::process;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A runtime of `threads` threads. One thread is the cheapest: nothing wakes another.
pub(super) fn new(threads: usize) -> anyhow::Result<Runtime> {
    let mut builder = match threads {
        0 | 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Cancels `stop` at the first SIGINT or SIGTERM; the second ends the process at once with the shell's exit code.
pub(super) fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminations = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::spawn(async move {
        next(&mut interrupts, &mut terminations).await;
        stop.cancel();
        process::exit(next(&mut interrupts, &mut terminations).await);
    });
    Ok(())
}

/// SIGHUPs from now on; without it, one would end the process.
pub(super) fn hang_ups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen for SIGHUP")
}

async fn next(interrupts: &mut Signal, terminations: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupts.recv() => 130,
        _ = terminations.recv() => 143,
    }
}
