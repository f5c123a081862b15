//! The files under `deploy/` and the examples in the documentation are configurations that the parser takes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a file that is missing fails the test"
)]

use std::time::Duration;

use tailsieve::config::policy_file::{self, PolicyFile};
use tailsieve::config::server::{self, ServerConfig};

const UNIT: &str = include_str!("../deploy/tailsieve.service");
const MANIFEST: &str = include_str!("../deploy/kubernetes.yaml");
const SERVER_FILE: &str = include_str!("../deploy/tailsieve.yaml");
const DOCUMENTS: [(&str, &str); 2] = [
    ("README.md", include_str!("../README.md")),
    (
        "docs/getting-between.md",
        include_str!("../docs/getting-between.md"),
    ),
];

fn environment(name: &str) -> Option<String> {
    (name == "BACKEND_ENDPOINT").then(|| "http://tempo:4317".to_owned())
}

fn server_file(name: &str, text: &str) -> ServerConfig {
    let checked =
        server::parse(name, text, &environment).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

fn policies(name: &str, text: &str) -> PolicyFile {
    let checked = policy_file::parse(name, text, &environment)
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

/// The text of `key: |` in the manifest's ConfigMap.
fn from_config_map(key: &str) -> String {
    let (_, after) = MANIFEST.split_once(&format!("\n  {key}: |\n")).unwrap();
    let lines = after.lines().map_while(|line| line.strip_prefix("    "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The number that stands after `key` in `text`.
fn number_after(text: &str, key: &str) -> u64 {
    let (_, after) = text.split_once(key).unwrap();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The setting that is commented out by this line; prose has exactly one blank after its `#`.
fn setting(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#')?;
    let is_prose = rest.is_empty() || (rest.starts_with(' ') && !rest.starts_with("  "));
    (!is_prose).then_some(rest)
}

#[test]
fn the_server_file_is_valid() {
    let config = server_file("deploy/tailsieve.yaml", SERVER_FILE);
    assert_eq!(config.exporters.len(), 1);
}

#[test]
fn settings_that_are_commented_out_are_the_defaults() {
    let lines = SERVER_FILE.lines();
    let uncommented: Vec<&str> = lines.map(|line| setting(line).unwrap_or(line)).collect();
    let all = server_file("deploy/tailsieve.yaml", &uncommented.join("\n"));
    let plain = server_file("deploy/tailsieve.yaml", SERVER_FILE);
    assert_ne!(uncommented.join("\n"), SERVER_FILE.trim_end());
    assert_eq!(all, plain);
}

#[test]
fn the_manifests_files_are_valid_and_its_grace_is_longer_than_the_replicas() {
    let config = server_file("tailsieve.yaml", &from_config_map("tailsieve.yaml"));
    assert_eq!(
        policies("policies.yaml", &from_config_map("policies.yaml"))
            .policies
            .len(),
        3
    );
    let grace = number_after(MANIFEST, "terminationGracePeriodSeconds: ");
    assert!(Duration::from_secs(grace) > config.shutdown_grace);
}

#[test]
fn the_units_grace_is_longer_than_the_replicas() {
    let config = server_file("deploy/tailsieve.yaml", SERVER_FILE);
    let grace = number_after(UNIT, "TimeoutStopSec=");
    assert!(Duration::from_secs(grace) > config.shutdown_grace);
}

#[test]
fn examples_in_the_documentation_are_valid() {
    let mut found = 0;
    for (name, text) in DOCUMENTS {
        for block in text.split("```yaml\n").skip(1) {
            let (example, _) = block.split_once("```").unwrap();
            if example.starts_with("# tailsieve.yaml") {
                server_file(name, example);
                found += 1;
            } else if example.starts_with("# policies.yaml") {
                policies(name, example);
                found += 1;
            }
        }
    }
    assert!(found >= 2, "{found}");
}
