//! Whatever a reader takes, its schema takes.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::{Kind, policy_file, server_file};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The key `config` of every line of a fixture, with its `id`.
pub(super) fn recorded(file: &str) -> Vec<(String, String)> {
    let bytes = fs::read(root().join("tests/fixtures").join(file)).unwrap();
    let mut text = String::new();
    if file.ends_with(".gz") {
        let mut inflated = GzDecoder::new(bytes.as_slice());
        inflated.read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let lines = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        (text("id"), text("config"))
    });
    lines.collect()
}

/// The YAML files of a folder.
fn files_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    paths.sort();
    paths
}

/// The YAML examples of a document.
fn examples(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

fn assert_taken(kind: &Kind, name: &str, text: &str) {
    if let Some(complaint) = kind.complaint(text) {
        panic!("{name}: {complaint}\n{text}");
    }
}

/// Those of the reader's configurations that the schema takes as well: all, and how many there were.
fn taken_by_both(kind: &Kind, configs: &[(String, String)]) -> usize {
    let taken = configs.iter().filter(|(_, text)| (kind.read)(text).is_ok());
    taken
        .map(|(name, text)| assert_taken(kind, name, text))
        .count()
}

#[test]
fn every_configuration_of_the_collector_that_is_taken_validates() {
    let kind = policy_file();
    let configs = recorded("tail_sampling_configs.jsonl");
    assert_eq!(taken_by_both(&kind, &configs), 40);
    let cases = recorded("tail_sampling_conformance.jsonl.gz");
    assert_eq!(taken_by_both(&kind, &cases), 569);
}

#[test]
fn the_policies_that_come_with_tailsieve_validate() {
    let kind = policy_file();
    let files = files_in("policies");
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_taken(&kind, &file.display().to_string(), &text);
    }
}

#[test]
fn the_server_file_of_the_deployment_validates() {
    let text = fs::read_to_string(root().join("deploy/tailsieve.yaml")).unwrap();
    assert_taken(&server_file(), "deploy/tailsieve.yaml", &text);
}

#[test]
fn every_example_of_the_documentation_validates() {
    let kinds = [server_file(), policy_file()];
    let examples = [("docs/configuration.md", 0), ("docs/policies.md", 1)];
    for (file, kind) in examples {
        let texts = self::examples(file);
        assert!(!texts.is_empty(), "{file}");
        for text in texts {
            assert_taken(&kinds[kind], file, &text);
        }
    }
}

#[test]
fn all_three_forms_of_a_policy_file_validate() {
    let kind = policy_file();
    let forms = [
        "",
        "{}",
        "policies: [{name: a, type: always_sample}]",
        "tail_sampling: {policies: [{name: a, type: always_sample}]}",
        "tail_sampling/errors: {decision_wait: 1s}",
        "receivers: {otlp: {}}\nprocessors: {batch: , tail_sampling/x: {decision_wait: 1s}}\nservice: {}",
    ];
    for form in forms {
        assert_eq!((kind.read)(form), Ok(()), "{form}");
        assert_taken(&kind, "form", form);
    }
}

#[test]
fn values_from_the_environment_validate_wherever_they_stand() {
    let policies = "\
decision_wait: ${env:NUMBER}s
num_traces: ${env:NUMBER}
strict: ${env:STRICT:-true}
compat: ${env:COMPAT:-latest}
policies:
- {name: '${env:NUMBER}', type: latency, threshold_ms: '${NUMBER}', mode: '${env:M:-shadow}'}
- {name: b, type: status_code, status_code: ['${env:S:-ERROR}']}
";
    assert_eq!((policy_file().read)(policies), Ok(()));
    assert_taken(&policy_file(), "policies", policies);
    let server = "\
shards: ${env:NUMBER}
memory: {limit: '${env:NUMBER}GiB'}
batch: {timeout: '${NUMBER}s'}
admin: {endpoint: '127.0.0.1:${env:NUMBER}'}
log: {format: '${env:FORMAT:-json}'}
";
    assert_eq!((server_file().read)(server), Ok(()));
    assert_taken(&server_file(), "server", server);
}

#[test]
fn every_notation_of_a_value_validates() {
    let kind = server_file();
    for size in [
        "1048576", "2MiB", "2 MiB", "2mib", "1.5GiB", "5000KB", "2Mi", "2000000B",
    ] {
        let text = format!("memory: {{limit: {size}}}");
        assert_eq!((kind.read)(&text), Ok(()), "{text}");
        assert_taken(&kind, "size", &text);
    }
    for duration in [
        "1s", "1.5s", ".5s", "1m30s", "+2h", "5\u{b5}s", "5us", "1d12h",
    ] {
        let text = format!("batch: {{timeout: {duration}}}");
        assert_eq!((kind.read)(&text), Ok(()), "{text}");
        assert_taken(&kind, "duration", &text);
    }
    for address in ["localhost:1", "0.0.0.0:0", "'[::1]:4317'"] {
        let text = format!("admin: {{endpoint: {address}}}");
        assert_eq!((kind.read)(&text), Ok(()), "{text}");
        assert_taken(&kind, "address", &text);
    }
    let kind = policy_file();
    for window in ["30s", "-1s", "0", "1d", "30000000000", "1.5e9"] {
        let text = format!("decision_wait: {window}");
        assert_eq!((kind.read)(&text), Ok(()), "{text}");
        assert_taken(&kind, "window", &text);
    }
    for time in ["2026-08-01T12:00:00Z", "'2026-08-01 12:00:00.25+02:00'"] {
        let text = format!("policies: [{{name: a, type: trace_flags, expires_at: {time}}}]");
        assert_eq!((kind.read)(&text), Ok(()), "{text}");
        assert_taken(&kind, "time", &text);
    }
}
