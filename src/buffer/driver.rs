//! Gives a shard an OS thread: turns while there is work, dozes while more is likely, sleeps when idle.

use std::thread::JoinHandle;
use std::time::Duration;

use super::deadlines::BUCKET;
use super::shard::{Shard, Turn};
use crate::clock::{Clock, Heartbeat, Moment};

/// How long a busy shard lets sub-batches gather. It delays no acknowledgement; decisions come in buckets as wide.
const DOZE: Duration = BUCKET;
/// Dozes without an arrival after which a shard sleeps. A sleeper must be woken, which costs the network thread more
/// than a few dozes for nothing cost the shard.
const QUIET_DOZES_MAX: u32 = 4;
/// How long an idle shard sleeps at most, to keep its gauges fresh.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Starts the thread of shard number `number`; it ends when the shard has finished or is abandoned, and returns the
/// spans that were left. With a heartbeat, it does nothing while that is in doubt.
///
/// # Errors
/// Those of starting a thread.
pub fn start(
    number: usize,
    mut shard: Shard,
    clock: Clock,
    heartbeat: Option<Heartbeat>,
) -> std::io::Result<JoinHandle<u64>> {
    std::thread::Builder::new()
        .name(format!("shard-{number}"))
        .spawn(move || {
            let _guard = EndWithPanic;
            shard.inbox().wake_this_thread();
            drive(&mut shard, &clock, heartbeat.as_ref())
        })
}

/// Ends the process if its thread panics: spans of a shard that is gone would be accepted and never decided.
struct EndWithPanic;

impl Drop for EndWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn drive(shard: &mut Shard, clock: &Clock, heartbeat: Option<&Heartbeat>) -> u64 {
    let mut quiet_dozes = QUIET_DOZES_MAX;
    while !shard.inbox().is_abandoned() {
        if heartbeat.is_some_and(|heartbeat| !heartbeat.beat()) {
            shard.inbox().doze(DOZE);
            continue;
        }
        let now = clock.now();
        let until = |next: Option<Moment>, at_most: Duration| {
            next.map_or(at_most, |next| next.since(now).min(at_most))
        };
        match shard.turn(now) {
            Turn::Again => {}
            Turn::Busy(next) => {
                quiet_dozes = 0;
                shard.inbox().doze(until(next, DOZE));
            }
            Turn::Idle(next) if quiet_dozes < QUIET_DOZES_MAX => {
                quiet_dozes += 1;
                shard.inbox().doze(until(next, DOZE));
            }
            Turn::Idle(next) => shard.inbox().sleep(until(next, SLEEP_MAX)),
            Turn::Finished => break,
        }
    }
    shard.left_spans()
}
