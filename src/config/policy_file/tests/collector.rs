//! What the collector takes is taken, what it refuses is refused, but for the differences listed here.

use super::{environment, parse};
use crate::config::policies::{LATER_TYPES, TYPES};

/// One configuration a line with whether the collector's v0.156.0 took it.
const RECORDED: &str = include_str!("../../../../tests/fixtures/tail_sampling_configs.jsonl");

/// Taken there and refused here, or the other way round, on purpose (`docs/policies.md`).
const DIFFERENCES: [&str; 3] = [
    "config-decision-wait-negative",
    "config-decision-wait-in-days",
    "config-block-on-overflow-with-num-traces-1",
];

#[derive(serde::Deserialize)]
struct Recorded {
    id: String,
    config: String,
    accepted: bool,
}

/// Whether a later version is needed to read this configuration.
fn is_later(recorded: &Recorded) -> bool {
    let mentions = |name: &&str| recorded.config.contains(&format!("type: {name}"));
    LATER_TYPES.iter().any(mentions) || recorded.config.contains("span-ingest")
}

#[test]
fn recorded_configurations_are_taken_or_refused_as_the_collector_did() {
    let mut compared = 0;
    for line in RECORDED.lines() {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        if is_later(&recorded) {
            continue;
        }
        let is_different = DIFFERENCES.contains(&recorded.id.as_str());
        let result = parse("p.yaml", &recorded.config, &environment);
        assert_eq!(
            result.is_ok(),
            recorded.accepted != is_different,
            "{}: {result:?}",
            recorded.id
        );
        compared += 1;
    }
    assert!(compared > 35, "{compared}");
}

#[test]
fn no_type_is_both_of_this_version_and_of_a_later_one() {
    assert!(TYPES.iter().all(|name| !LATER_TYPES.contains(name)));
}

#[test]
fn the_reference_lists_the_keys_of_the_top_level() {
    let reference = include_str!("../../../../docs/policies.md");
    let table = reference.split("## How policies decide").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let error = parse("p.yaml", "qqqqqqqq: 1", &environment).unwrap_err();
    let message = error.to_string();
    let (_, known) = message.split_once("known here: ").unwrap();
    let mut known: Vec<&str> = known.split(", ").collect();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}
