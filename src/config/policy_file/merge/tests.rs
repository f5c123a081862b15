//! Several files as one: what comes together, what contradicts, and that every finding is told where it stands.

use std::time::Duration;

use super::*;
use crate::config::policy_file::parse;

fn environment(name: &str) -> Option<String> {
    (name == "WAIT").then(|| "45s".to_owned())
}

/// Reads files named `a.yaml`, `b.yaml` and so on.
fn read(texts: &[&str]) -> Result<Checked<PolicyFile>, ConfigErrors> {
    let named = ('a'..).zip(texts).map(|(letter, text)| {
        let name = format!("{letter}.yaml");
        (name, (*text).to_owned())
    });
    parse_all(&named.collect::<Vec<_>>(), &environment, &Rc::default())
}

fn errors(texts: &[&str]) -> Vec<String> {
    let errors = read(texts).unwrap_err().errors;
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn policies_come_in_the_order_of_the_files_and_every_other_key_from_the_one_that_has_it() {
    let whole = read(&[
        "decision_wait: ${env:WAIT}\npolicies: [{name: x, type: always_sample}]\n",
        "",
        "tail_sampling:\n  num_traces: 7\n  policies:\n    - {name: y, type: latency, latency: {threshold_ms: 5}}\n",
        "processors: {tail_sampling/a: {policies: [{name: z, type: always_sample}]}}\n",
    ]);
    let whole = whole.unwrap();
    assert_eq!(whole.warnings, []);
    let one = "decision_wait: 45s\nnum_traces: 7\npolicies:\n  - {name: x, type: always_sample}\n  - {name: y, type: latency, threshold_ms: 5}\n  - {name: z, type: always_sample}\n";
    assert_eq!(
        whole.config,
        parse("one.yaml", one, &environment).unwrap().config
    );
}

#[test]
fn a_key_may_stand_in_two_files_with_the_same_value() {
    let texts = [
        "decision_wait: 5s\ndecision_cache: {sampled_cache_size: 1, non_sampled_cache_size: 2}\npolicies: [{name: x, type: always_sample}]\n",
        "decision_wait: '5s'\ndecision_cache:\n  non_sampled_cache_size: 2\n  sampled_cache_size: 1\nnum_traces:\n",
        "num_traces: 8\n",
    ];
    let file = read(&texts).unwrap().config;
    assert_eq!(file.windows.decision_wait, Duration::from_secs(5));
    assert_eq!(file.windows.num_traces, Some(8));
}

#[test]
fn a_key_with_two_values_is_told_with_both_places() {
    let texts = [
        "\n\ndecision_wait: 5s\n",
        "tail_sampling:\n  decision_wait: 6s\n",
    ];
    assert_eq!(
        errors(&texts),
        [
            "b.yaml:2:3: tail_sampling.decision_wait: has another value in a.yaml:3:1; set it in one file, or to the same value"
        ]
    );
}

#[test]
fn a_name_in_two_files_is_told_with_both_places() {
    let texts = [
        "policies:\n  - {name: x, type: always_sample}\n",
        "policies:\n  - {name: y, type: always_sample}\n  - {name: x, type: always_sample}\n",
    ];
    assert_eq!(
        errors(&texts),
        [
            "b.yaml:3:12: policies[1].name: a policy of this name stands in a.yaml:2:5; give each policy a name of its own"
        ]
    );
}

#[test]
fn every_file_s_mistakes_are_told_in_one_run_at_their_own_places() {
    let texts = [
        "policies:\n  - {name: x, type: always_sample}\n  - {name: x, type: always_sample}\n",
        "- no mapping\n",
        "policies: [\n",
        "tail_sampling:\n\n  policies:\n    - name: z\n      type: latncy\n  decision_wai: 5s\n  decision_wait: ${env:NO}\n",
        "policies: 5\n",
    ];
    let errors = errors(&texts);
    let places: Vec<&str> = errors
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "a.yaml:3:12",
            "b.yaml:1:1",
            "c.yaml:2:1",
            "d.yaml:5:13",
            "d.yaml:6:3",
            "d.yaml:7:18",
            "e.yaml:1:11"
        ],
        "{errors:#?}"
    );
    assert!(
        errors[3].contains(" tail_sampling.policies[0].type: "),
        "{}",
        errors[3]
    );
    assert!(
        errors[4].contains(" tail_sampling.decision_wai: "),
        "{}",
        errors[4]
    );
    assert!(errors[5].contains("NO is not set"), "{}", errors[5]);
}

#[test]
fn many_files_are_not_larger_than_one_may_be() {
    let bomb = format!(
        "a: &a [{}]\nb: &b [{}]\nc: [{}]\n",
        "1,".repeat(50),
        "*a,".repeat(50),
        "*b,".repeat(30)
    );
    let errors = errors(&[bomb.as_str(), &bomb, &bomb]);
    assert!(
        errors
            .iter()
            .any(|error| error.starts_with("c.yaml:1:1: the files together are too large")),
        "{errors:?}"
    );
    assert!(
        !errors
            .iter()
            .any(|error| error.starts_with("b.yaml:1:1: the files together")),
        "{errors:?}"
    );
}

#[test]
fn warnings_are_told_at_their_own_places_too() {
    let texts = [
        "policies: [{name: x, type: always_sample}]\n",
        "# nothing\n\nnum_shards: 5\n",
    ];
    let warnings = read(&texts).unwrap().warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["b.yaml:3:13: num_shards: has no effect; shards of the server file replaces it"]
    );
}

proptest::proptest! {
    #[test]
    fn whatever_stands_in_the_files_findings_are_in_lines_that_they_have(
        texts in proptest::collection::vec("(policies: )?[axz:, \n\r\t\u{85}\u{2028}{}\\[\\]&*-]{0,40}", 2..5),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (errors, warnings) = match read(&texts) {
            Ok(checked) => (Vec::new(), checked.warnings),
            Err(errors) => (errors.errors, errors.warnings),
        };
        for finding in errors.into_iter().chain(warnings) {
            let (_, text) = ('a'..)
                .zip(&texts)
                .find(|(letter, _)| finding.file == format!("{letter}.yaml"))
                .unwrap();
            let lines = text.matches(['\n', '\r']).count() + 2;
            let line = finding.position.map_or(1, |position| position.line);
            proptest::prop_assert!((1..=lines).contains(&line), "{finding} of {lines} lines");
        }
    }
}
