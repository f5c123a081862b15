//! `tailsieve validate` tells everything about every file at once, and its exit code says whether all are valid.

use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::replica::BINARY;

const VALID: &str = "policies:\n  - {name: all, type: always_sample}\n";
const ODD: &str =
    "policies:\n  - {name: a, type: probabilistic, probabilistic: {sampling_percentage: 101}}\n";
const WRONG: &str = "decision_wait: soon\npolicies:\n  - {name: a, type: latncy}\n  - {name: a, type: string_attribute, string_attribute: {key: k, values: ['a(b'], enabled_regex_matching: true}}\nnum_traces: 0\n";

/// Files by name, and `validate` run among them.
fn validate(files: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Command::new(BINARY)
        .arg("validate")
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_valid_file_is_told_in_a_line() {
    let output = validate(&[("p.yaml", VALID)], &["p.yaml"]);
    assert_eq!(stdout(&output), "p.yaml: valid: 1 policy\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn all_errors_of_all_files_are_told_with_their_places() {
    let files = [("valid.yaml", VALID), ("wrong.yaml", WRONG)];
    let output = validate(&files, &["wrong.yaml", "none.yaml", "valid.yaml"]);
    let expected = r#"wrong.yaml:1:16: error: decision_wait: expected a duration, found the string "soon"; write it like 30s, 1m30s, 500ms or 1d
wrong.yaml:3:21: error: policies[0].type: unknown policy type "latncy"; did you mean "latency"?
wrong.yaml:4:12: error: policies[1].name: a policy named "a" stands above; give each policy a name of its own
wrong.yaml:4:77: error: policies[1].string_attribute.values[0]: column 2 of the expression: missing ) for this (; write \( for a parenthesis
wrong.yaml:5:13: warning: num_traces: 0 is taken as no limit but that of the server file's memory.limit; remove it, or set the number of traces that may be held
wrong.yaml: not valid: 4 errors, 1 warning
none.yaml: error: cannot be read: No such file or directory (os error 2)
none.yaml: not valid: 1 error
valid.yaml: valid: 1 policy
"#;
    assert_eq!(stdout(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn warnings_are_errors_where_they_are_asked_to_be() {
    let message =
        "policies[0].probabilistic.sampling_percentage: is above 100, so every trace is kept";
    let output = validate(&[("p.yaml", ODD)], &["p.yaml"]);
    assert_eq!(
        stdout(&output),
        format!("p.yaml:2:73: warning: {message}\np.yaml: valid: 1 policy, 1 warning\n")
    );
    assert_eq!(output.status.code(), Some(0));
    let output = validate(&[("p.yaml", ODD)], &["--strict", "p.yaml"]);
    assert_eq!(
        stdout(&output),
        format!("p.yaml:2:73: error: {message}\np.yaml: not valid: 1 policy, 1 warning\n")
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_is_one_policy_file_and_errors_name_the_file_in_it() {
    let files = [
        ("d/1.yaml", VALID),
        ("d/2.yaml", "policies: [{name: all, type: trace_flags}]"),
    ];
    let output = validate(&files, &["d"]);
    assert!(
        stdout(&output).starts_with("d/2.yaml:1:"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_a_file_keeps_is_told_in_words() {
    let output = validate(&[("p.yaml", VALID)], &["--explain", "p.yaml"]);
    let expected = "p.yaml: valid: 1 policy\n  A trace is decided 30s after its first span.\n  It is kept if one of these says so; all are asked, in this order:\n    all: always\n  Otherwise it is not kept.\n";
    assert_eq!(stdout(&output), expected);
}

#[test]
fn json_has_an_object_a_line_for_each_file() {
    let files = [("odd.yaml", ODD), ("wrong.yaml", "policies: all")];
    let output = validate(&files, &["--format", "json", "odd.yaml", "wrong.yaml"]);
    let text = stdout(&output);
    let objects: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(
        objects,
        [
            json!({
                "file": "odd.yaml", "valid": true, "policies": 1, "errors": [],
                "warnings": [{
                    "file": "odd.yaml", "line": 2, "column": 73,
                    "key": "policies[0].probabilistic.sampling_percentage",
                    "problem": "is above 100, so every trace is kept", "advice": ""
                }]
            }),
            json!({
                "file": "wrong.yaml", "valid": false, "policies": null,
                "errors": [{
                    "file": "wrong.yaml", "line": 1, "column": 11, "key": "policies",
                    "problem": "expected a list, found the string \"all\"", "advice": ""
                }],
                "warnings": []
            }),
        ]
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn wrong_arguments_have_an_exit_code_of_their_own() {
    assert_eq!(validate(&[], &[]).status.code(), Some(2));
    assert_eq!(validate(&[], &["--stict", "p.yaml"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("p.yaml");
    fs::write(&path, VALID).unwrap();
    let commands: [&[&str]; 3] = [
        &["validate", "p.yaml"],
        &["validate", "--format", "json", "p.yaml"],
        &["schema"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(BINARY)
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.as_str()), (Some(0), ""));
    }
}
