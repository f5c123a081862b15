//! Random schedules of joins, leaves, crashes, pauses and false deaths over a network that loses, delays and reorders,
//! and a few steps by hand.

mod schedule;
mod shards;
mod steps;
mod world;

use schedule::{Faults, run};

/// How many schedules of each kind; `TAILSIEVE_SCHEDULES` for more.
fn schedules(usual: u64) -> u64 {
    let wanted = std::env::var("TAILSIEVE_SCHEDULES").ok();
    wanted.and_then(|it| it.parse().ok()).unwrap_or(usual)
}

fn search(usual: u64, faults: Faults) {
    let first: u64 = std::env::var("TAILSIEVE_SEED").map_or(1, |it| it.parse().unwrap());
    for seed in first..first + schedules(usual) {
        if let Err(violation) = run(seed, faults) {
            panic!("seed {seed}: {violation}");
        }
    }
}

#[test]
fn graceful_changes_leave_one_holder_and_one_decision() {
    search(12, Faults::default());
}

#[test]
fn crashes_lose_only_what_the_dead_had() {
    search(
        12,
        Faults {
            crashes: true,
            ..Faults::default()
        },
    );
}

#[test]
fn false_deaths_come_to_rest_with_one_holder() {
    search(
        12,
        Faults {
            crashes: true,
            false_deaths: true,
        },
    );
}
