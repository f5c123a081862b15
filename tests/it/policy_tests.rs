//! `tailsieve test`: the example tests in `policies/tests` succeed, failures are told, bad files have their place told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::replica::BINARY;

fn test_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(BINARY)
        .arg("test")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

/// Writes a test file into a folder of its own and runs it.
fn test(text: &str, more: &[&str]) -> (Option<i32>, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), text).unwrap();
    let output = test_in(folder.path(), &[&["a.yaml"], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text, folder)
}

/// The files of a folder that end in `.yaml`, by name.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

const POLICIES: &str = "policies: [{name: errors, type: status_code, status_codes: [ERROR]}]\n";

#[test]
fn every_example_policy_file_has_tests_and_they_succeed() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let tests = yaml_files(&policies.join("tests"));
    let names = |files: &[PathBuf]| {
        let names = files
            .iter()
            .map(|file| file.file_name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&yaml_files(&policies)), names(&tests));
    let tests: Vec<&str> = tests.iter().map(|file| file.to_str().unwrap()).collect();
    let output = test_in(&policies, &tests);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("  SUCCESS\n").count(), tests.len(), "{text}");
}

#[test]
fn a_test_that_fails_says_expected_got_and_votes_with_values() {
    let file = format!(
        "{POLICIES}tests:\n  - name: errors are kept\n    traces: [{{spans: [{{status: ok}}], decision: sampled}}]\n"
    );
    let (code, text, folder) = test(&file, &["--junit", "results.xml"]);
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(
        text,
        "Unit Testing:  a.yaml
  FAILED:
    name: errors are kept
      trace 1 (00000000000000000000000000000001), decided at 0s:
          exp: sampled
          got: not_sampled
              errors  status_code  not_sampled  OK

"
    );
    let results = fs::read_to_string(folder.path().join("results.xml")).unwrap();
    assert!(results.contains("<testcase classname=\"a.yaml\" name=\"errors are kept\">"));
    assert!(results.contains("<failure message=\"expected sampled, got not_sampled\">"));
}

#[test]
fn a_bad_test_file_is_told_with_line_and_column_and_an_exit_code_of_its_own() {
    let traces = |trace: &str| {
        format!(
            "{POLICIES}tests:\n  - name: a\n    traces:\n      - {{decision: sampled, {trace}}}\n"
        )
    };
    let bad = [
        ("tests: [", "a.yaml:"),
        (
            &traces("spans: [{kind: servr}]"),
            "a.yaml:5:44: tests[0].traces[0].spans[0].kind",
        ),
        (
            &traces("otlp: gone.jsonl"),
            "a.yaml:5:9: a: cannot read the spans: cannot open gone.jsonl",
        ),
        (
            &traces("otlp: a.yaml"),
            "a.yaml:5:9: a: cannot read the spans: a.yaml:1 is no OTLP/JSON",
        ),
        (
            &traces("jaeger: a.yaml"),
            "a.yaml:5:9: a: cannot read the spans: a.yaml is no trace of",
        ),
    ];
    for (file, message) in bad {
        let (code, text, _) = test(file, &[]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("  FAILED:\n"), "{text}");
        assert!(text.contains(message), "{message}\n{text}");
    }
}

#[test]
fn bad_policies_are_told_by_their_own_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(
        folder.path().join("p.yaml"),
        "policies:\n  - {name: a, type: latncy}\n",
    )
    .unwrap();
    let test =
        "policies: ../p.yaml\ntests: [{name: a, traces: [{spans: [{}], decision: dropped}]}]\n";
    fs::write(folder.path().join("tests/a.yaml"), test).unwrap();
    let output = test_in(folder.path(), &["tests/a.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("tests/../p.yaml:2:"), "{text}");
}

#[test]
fn spans_come_from_otlp_and_jaeger_files_and_one_trace_can_be_picked() {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/tests/traces");
    let traces = traces.to_str().unwrap();
    let file = format!(
        "{POLICIES}tests:
  - name: an error of a later line counts
    traces:
      - {{otlp: {traces}/failed-payment.jsonl, policy: errors}}
      - {{jaeger: {traces}/slow-checkout.jaeger.json, decision: not_sampled}}
  - name: picked
    traces:
      - {{otlp: [{traces}/failed-payment.jsonl], trace_id: 5b8efff798038103d269b633813fc60c, policy: errors}}
"
    );
    let (code, text, _) = test(&file, &[]);
    assert_eq!(code, Some(0), "{text}");
    let missing = file.replace("269b633813fc60c", "269b633813fc60d");
    let (code, text, _) = test(&missing, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("holds no span of trace 5b8efff798038103d269b633813fc60d"),
        "{text}"
    );
}
