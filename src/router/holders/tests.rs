//! Random schedules of joins, leaves, crashes, pauses and false deaths over a network that loses, delays and reorders,
//! and a few steps by hand.

#![allow(clippy::large_enum_variant, reason = "tests hold few of them")]

mod delivery;
mod schedule;
mod shards;
mod steps;
mod world;

use std::collections::BTreeMap;

use schedule::{Faults, run};

/// How many schedules of each kind; `TAILSIEVE_SCHEDULES` for more.
fn schedules(usual: u64) -> u64 {
    let wanted = std::env::var("TAILSIEVE_SCHEDULES").ok();
    wanted.and_then(|it| it.parse().ok()).unwrap_or(usual)
}

/// Runs schedules, and makes sure that what they are about does happen in them.
fn search(usual: u64, faults: Faults, expected: &[&str]) {
    let first: u64 = std::env::var("TAILSIEVE_SEED").map_or(1, |it| it.parse().unwrap());
    let mut events: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + schedules(usual) {
        match run(seed, faults) {
            Ok(seen) => {
                for (event, _) in seen {
                    *events.entry(event).or_default() += 1;
                }
            }
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    println!("schedules with each event: {events:?}");
    let missing: Vec<_> = expected
        .iter()
        .filter(|it| !events.contains_key(**it))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn graceful_changes_leave_one_holder_and_one_decision() {
    let expected = [
        "went active",
        "left",
        "took a release",
        "handed traces over",
        "claimed",
        "was unsure after a pause",
    ];
    search(16, Faults::default(), &expected);
}

#[test]
fn crashes_lose_only_what_the_dead_had() {
    let crashes = Faults {
        crashes: true,
        ..Faults::default()
    };
    let expected = ["took a release", "claimed", "refused a promise"];
    search(16, crashes, &expected);
}

#[test]
fn false_deaths_come_to_rest_with_one_holder() {
    let false_deaths = Faults {
        crashes: true,
        false_deaths: true,
    };
    let expected = ["came back from a false death", "took a release"];
    search(16, false_deaths, &expected);
}
