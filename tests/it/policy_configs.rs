//! Configurations that the collector takes are taken, and those that it refuses are refused, but for the differences that
//! `docs/policies.md` lists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use tailsieve::config::policy_file;

use crate::support::files::read_lines;

const CONFIGS: &str = "tests/fixtures/tail_sampling_configs.jsonl";
const CASES: &str = "tests/fixtures/tail_sampling_conformance.jsonl.gz";

/// Refused there and taken here: any type within any other, and days.
const TAKEN_HERE_ALONE: [&str; 5] = [
    "config-composite-inside-and",
    "config-and-inside-not",
    "config-and-inside-drop",
    "config-not-inside-composite",
    "config-decision-wait-in-days",
];

/// Taken there, where it crashes, and refused here.
const REFUSED_HERE_ALONE: [&str; 1] = ["config-numeric-attribute-with-both-bounds-0"];

/// Taken with a warning, since it can only be a mistake, or has no effect.
const WARNED_OF: [&str; 22] = [
    "config-and-without-settings",
    "config-composite-allocation-names-an-unknown-policy",
    "config-composite-inside-and",
    "config-composite-negative-percent",
    "config-composite-total-as-a-fraction",
    "config-composite-without-a-total",
    "config-decision-wait-negative",
    "config-drop-without-sub-policies",
    "config-negative-latency-threshold",
    "config-not-inside-composite",
    "config-nothing-at-all",
    "config-num-traces-0",
    "config-numeric-attribute-min-above-max",
    "config-numeric-bound-over-int64",
    "config-percentage-infinite",
    "config-percentage-over-100",
    "config-rate-as-a-fraction",
    "config-rate-limiting-negative-rate",
    "config-span-count-over-int32",
    "config-string-attribute-without-key",
    "config-trace-state-key-that-is-not-valid",
    "config-unknown-mapping-key-in-a-policy",
];

/// A configuration and what the collector made of it.
#[derive(Deserialize)]
struct Recorded {
    id: String,
    config: String,
    accepted: bool,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    config: String,
}

fn lines<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let lines = read_lines(&file);
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn recorded_configurations_are_taken_or_refused_as_the_collector_did() {
    let recorded: Vec<Recorded> = lines(CONFIGS);
    assert_eq!(recorded.len(), 79);
    for Recorded {
        id,
        config,
        accepted,
    } in &recorded
    {
        let differs =
            TAKEN_HERE_ALONE.contains(&id.as_str()) || REFUSED_HERE_ALONE.contains(&id.as_str());
        let result = policy_file::parse("p.yaml", config, &|_| None);
        assert_eq!(result.is_ok(), *accepted != differs, "{id}: {result:?}");
    }
}

#[test]
fn what_is_refused_is_told_with_its_place() {
    for recorded in lines::<Recorded>(CONFIGS) {
        let Err(errors) = policy_file::parse("p.yaml", &recorded.config, &|_| None) else {
            continue;
        };
        for error in errors.errors {
            assert!(error.position.is_some(), "{}: {error}", recorded.id);
        }
    }
}

#[test]
fn what_can_only_be_a_mistake_is_warned_of() {
    let mut warned_of = BTreeSet::new();
    for recorded in lines::<Recorded>(CONFIGS) {
        if let Ok(checked) = policy_file::parse("p.yaml", &recorded.config, &|_| None)
            && !checked.warnings.is_empty()
        {
            warned_of.insert(recorded.id);
        }
    }
    let expected = WARNED_OF.iter().map(|id| (*id).to_owned());
    assert_eq!(warned_of, expected.collect());
}

#[test]
fn the_configuration_of_every_recorded_case_is_taken() {
    let cases: Vec<Case> = lines(CASES);
    assert_eq!(cases.len(), 569);
    for case in cases {
        let result = policy_file::parse("p.yaml", &case.config, &|_| None);
        assert!(result.is_ok(), "{}: {result:?}", case.id);
    }
}
