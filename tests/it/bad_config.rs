//! A wrong file or flag ends the process at once, with its own exit code and file, line and column of what is wrong.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::replica::BINARY;

const POLICIES: &str = "policies: [{name: all, type: always_sample}]";

/// Runs a replica that must end by itself.
fn run(server_file: &str, policy_file: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tailsieve.yaml"), server_file).unwrap();
    fs::write(folder.path().join("policies.yaml"), policy_file).unwrap();
    Command::new(BINARY)
        .args([
            "run",
            "--config",
            "tailsieve.yaml",
            "--policies",
            "policies.yaml",
        ])
        .args([
            "--grpc-endpoint",
            "127.0.0.1:0",
            "--http-endpoint",
            "127.0.0.1:0",
        ])
        .args(["--admin-endpoint", "127.0.0.1:0"])
        .args(more)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap()
}

fn assert_refused(output: &Output, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn an_unknown_key_of_the_server_file_is_named_with_its_place_and_the_nearest_right_one() {
    let server_file = "memory: {limit: 1GiB}\nexporters:\n  otlp:\n    endpoint: http://127.0.0.1:1\n    compresion: gzip\n";
    let output = run(server_file, POLICIES, &[]);
    assert_refused(
        &output,
        &[
            "tailsieve.yaml:5:5",
            "exporters.otlp.compresion",
            "compression",
        ],
    );
}

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let output = run("shards: many\nmemory: {limit: 3 apples}\n", POLICIES, &[]);
    assert_refused(
        &output,
        &[
            "tailsieve.yaml:1:9",
            "shards",
            "tailsieve.yaml:2:17",
            "memory.limit",
        ],
    );
}

#[test]
fn an_unknown_policy_type_is_named_with_its_place() {
    let policy_file = "decision_wait: 1s\npolicies:\n  - name: a\n    type: latncy\n";
    let output = run("", policy_file, &[]);
    assert_refused(&output, &["policies.yaml:4:11", "latncy", "latency"]);
}

#[test]
fn a_file_that_is_no_yaml_is_told_with_its_place() {
    let output = run("receivers: [\n", POLICIES, &[]);
    assert_refused(&output, &["tailsieve.yaml:"]);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let server_file = "exporters:\n  otlp: {endpoint: \"${env:BACKEND}\"}\n";
    assert_refused(
        &run(server_file, POLICIES, &[]),
        &["tailsieve.yaml:2:", "BACKEND"],
    );
}

#[test]
fn a_missing_file_is_named() {
    let output = run("", POLICIES, &["--config", "elsewhere.yaml"]);
    assert_eq!(output.status.code(), Some(2), "the flag stands twice");
    let server_file = "policies: {path: elsewhere.yaml}";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tailsieve.yaml"), server_file).unwrap();
    let output = Command::new(BINARY)
        .args(["run", "--config", "tailsieve.yaml"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    assert_refused(&output, &["elsewhere.yaml"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    for (flag, others) in [
        ("--grpc-endpoint", ["--http-endpoint", "--admin-endpoint"]),
        ("--http-endpoint", ["--grpc-endpoint", "--admin-endpoint"]),
        ("--admin-endpoint", ["--grpc-endpoint", "--http-endpoint"]),
    ] {
        let output = Command::new(BINARY)
            .args(["run", flag, &address])
            .args([others[0], "127.0.0.1:0", others[1], "127.0.0.1:0"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        assert_refused(&output, &[&address]);
    }
}

#[test]
fn a_wrong_flag_has_an_exit_code_of_its_own() {
    let output = run("", POLICIES, &["--sharts", "3"]);
    assert_eq!(output.status.code(), Some(2));
}
