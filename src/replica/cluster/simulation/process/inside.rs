//! What a simulated replica has in place of threads and files: the turns of its shards, and its policies.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::SmallRng;

use super::super::sink::Decisions;
use crate::buffer::shard::{Shard, Turn};
use crate::clock::{Clock, Heartbeat};
use crate::config::policy_file;
use crate::config::policy_source::{Known, Loaded};

/// Turns a shard now and then, as its thread does.
pub(super) async fn drive(
    mut shard: Shard,
    clock: Clock,
    heartbeat: Heartbeat,
    mut random: SmallRng,
    decisions: Decisions,
) {
    loop {
        if heartbeat.beat() {
            let turn = shard.turn(clock.now());
            decisions.note(shard.take_decisions());
            match turn {
                Turn::Again => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Turn::Finished => return,
                Turn::Busy(_) | Turn::Idle(_) => {}
            }
        }
        let pause = Duration::from_millis(random.random_range(2..=20));
        tokio::time::sleep(pause).await;
    }
}

/// Policies that decide the same in every version, and are written in another order in every other.
pub(super) fn policies(decision_wait: Duration, version: u64) -> Loaded {
    let mut policies = [
        "  - name: errors\n    type: status_code\n    status_code: {status_codes: [ERROR]}\n",
        "  - name: hours\n    type: latency\n    latency: {threshold_ms: 3600000}\n",
    ];
    if version.is_multiple_of(2) {
        policies.reverse();
    }
    let text = format!(
        "decision_wait: {}ms\npolicies:\n{}",
        decision_wait.as_millis(),
        policies.concat()
    );
    let checked = policy_file::parse("simulation.yaml", &text, &|_| None).unwrap();
    Loaded {
        file: checked.config,
        warnings: checked.warnings,
        files: Vec::new(),
        hash: format!("{version:016x}{:048x}", 0),
        modules: Known::default(),
    }
}
