//! The protocol of holders and hand-over as a program of its own: what `router::holders` must agree with.
//!
//! A schedule is a list of actions: one replica does one thing, one message arrives. Random schedules are drawn from a
//! seed; then faults stop, everything pending is delivered, and the invariants are checked at rest. A schedule that fails
//! is shrunk by leaving actions out. Every rule can be switched off by name, and bugs can be switched on, which shows the
//! schedule that needs the rule. The rules, by their numbers, are in `docs/protocol.md`.
//!
//! `cargo test` runs a few thousand schedules of each kind. For a search, in a build that is worth it:
//!
//! ```text
//! TAILSIEVE_SCHEDULES=1000000 cargo test --release --test protocol_model
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    clippy::too_many_arguments,
    clippy::type_complexity,
    reason = "a model of four replicas in arrays: a wrong index is a wrong model, and fails the test"
)]

mod protocol_model {
    pub(crate) mod actions;
    pub(crate) mod faults;
    pub(crate) mod membership;
    pub(crate) mod messages;
    pub(crate) mod moves;
    pub(crate) mod rest;
    pub(crate) mod rules;
    pub(crate) mod search;
    pub(crate) mod spans;
    pub(crate) mod state;
    pub(crate) mod world;
}

use protocol_model::rules::Rules;
use protocol_model::search::{Faults, replay, run, shrink};

const STEPS: usize = 160;
const GRACEFUL: Faults = Faults {
    crashes: false,
    false_deaths: false,
};
const CRASHES: Faults = Faults {
    crashes: true,
    false_deaths: false,
};
const FALSE_DEATHS: Faults = Faults {
    crashes: true,
    false_deaths: true,
};

/// Rules switched off, and planted bugs, with a seed that shows what comes of it. A change of the model makes other seeds
/// of them: then the search finds new ones, and says which.
const NEEDED: [(&str, Faults, u64); 22] = [
    ("window_per_trace", GRACEFUL, 21),
    ("window_moves", GRACEFUL, 11),
    ("given_mark", GRACEFUL, 151),
    ("given_ends", GRACEFUL, 9220),
    ("refuse_at_limit", GRACEFUL, 18359),
    ("claim_by_promise", GRACEFUL, 728),
    ("exit_when_unneeded", GRACEFUL, 99),
    ("join_seen_by_all", GRACEFUL, 461),
    ("confirm_after_pause", FALSE_DEATHS, 2998),
    ("release_once", GRACEFUL, 6364),
    ("freeze_at_release", GRACEFUL, 505),
    ("join_finds_active", GRACEFUL, 942),
    ("names_follow_trace", GRACEFUL, 126),
    ("target_claims_first", CRASHES, 52),
    ("orders_name_addressee", CRASHES, 2899),
    ("wait_when_promised", CRASHES, 160),
    ("promise_per_incarnation", FALSE_DEATHS, 43045),
    ("bug_timer_release", GRACEFUL, 11),
    ("bug_release_before_decisions", GRACEFUL, 6),
    ("bug_no_incarnation", GRACEFUL, 21940),
    ("bug_decide_after_pause", FALSE_DEATHS, 2998),
    ("bug_drop_at_limit", GRACEFUL, 13406),
];

/// A second line: the other rules cover for these in all schedules that were drawn so far.
const COVERED: [&str; 5] = [
    "fence_dead",
    "unsure_takes_nothing",
    "giver_forgets_names",
    EITHER.0[0],
    EITHER.0[1],
];

/// Each covers for the other: without both there is a violation.
const EITHER: ([&str; 2], Faults, u64) = (
    ["return_hears_first", "return_forgets_dead"],
    FALSE_DEATHS,
    17637,
);

/// How many schedules; `TAILSIEVE_SCHEDULES` for more.
fn schedules(usual: u64) -> u64 {
    let wanted = std::env::var("TAILSIEVE_SCHEDULES").ok();
    wanted.and_then(|it| it.parse().ok()).unwrap_or(usual)
}

/// Runs schedules with all rules on; a violation is shown with its shortest schedule.
fn search(faults: Faults) -> Result<(), String> {
    let rules = Rules::correct();
    for seed in 1..=schedules(1_500) {
        let (actions, world) = run(&rules, seed, STEPS, faults);
        let Some(violation) = world.violation else {
            continue;
        };
        let kind = violation.split(':').next().unwrap();
        let shortest = shrink(&rules, seed, actions, kind);
        let log = replay(&rules, seed, &shortest, true).log.unwrap();
        return Err(format!("seed {seed}: {violation}\n{}", log.join("\n")));
    }
    Ok(())
}

#[test]
fn graceful_changes_lose_split_and_double_nothing() {
    assert_eq!(search(GRACEFUL), Ok(()));
}

#[test]
fn crashes_lose_only_what_the_dead_had() {
    assert_eq!(search(CRASHES), Ok(()));
}

#[test]
fn false_deaths_lose_nothing_that_was_not_decided() {
    assert_eq!(search(FALSE_DEATHS), Ok(()));
}

#[test]
fn every_rule_is_needed_and_every_planted_bug_is_caught() {
    let alone = NEEDED.map(|(name, faults, seed)| (vec![name], faults, seed));
    let together = (EITHER.0.to_vec(), EITHER.1, EITHER.2);
    for (names, faults, known) in alone.into_iter().chain([together]) {
        let mut rules = Rules::correct();
        for name in &names {
            rules.flip(name);
        }
        let fails = |seed: &u64| {
            let (_, world) = run(&rules, *seed, STEPS, faults);
            world.violation.is_some()
        };
        if !fails(&known) {
            let other = (1..60_000).find(fails);
            panic!("{names:?}: seed {known} shows nothing any more; now {other:?} does");
        }
    }
}

#[test]
fn every_switch_is_in_a_list() {
    let mut rules = Rules::correct();
    let switches: Vec<&str> = rules.named().iter().map(|(name, _)| *name).collect();
    let is_listed = |name: &&str| COVERED.contains(name) || NEEDED.iter().any(|it| it.0 == *name);
    assert!(switches.iter().all(is_listed));
    assert_eq!(switches.len(), NEEDED.len() + COVERED.len());
}
