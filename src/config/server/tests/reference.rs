//! The reference in `docs/configuration.md` and the reader agree about the keys.

use super::{environment, parse};

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");

/// The keys of the reference's tables: first cells such as `` | `exporters.otlp.timeout` | ``; `*` is every exporter.
fn documented_keys() -> Vec<String> {
    let cells = REFERENCE.lines().filter_map(|line| {
        let cell = line.strip_prefix("| `")?;
        cell.split_once('`').map(|(key, _)| key)
    });
    let mut keys: Vec<String> = cells
        .flat_map(|key| [key.replace('*', "otlp"), key.replace('*', "file")])
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// A file with nothing but `key`, with a list of mappings that fits no key.
fn file_with(key: &str) -> String {
    let mut text = String::new();
    for (depth, part) in key.split('.').enumerate() {
        let indent = "  ".repeat(depth);
        text.push_str(&format!("\n{indent}{part}:"));
    }
    text.push_str(" [{}, {}]\n");
    text
}

#[test]
fn every_documented_key_is_known() {
    let keys = documented_keys();
    assert_eq!(keys.len(), 67, "{keys:?}");
    for key in keys {
        let message = match parse("t.yaml", &file_with(&key), &environment) {
            Ok(_) => panic!("{key} takes anything"),
            Err(errors) => errors.to_string(),
        };
        assert!(!message.contains("unknown"), "{message}");
        assert!(message.contains(&format!(" {key}")), "{message}");
    }
}

#[test]
fn every_known_key_is_documented() {
    let keys = documented_keys();
    let mut sections: Vec<String> = keys
        .iter()
        .filter_map(|key| key.rsplit_once('.').map(|(section, _)| section.to_owned()))
        .collect();
    sections.sort();
    sections.dedup();
    for section in sections {
        if section.ends_with(".headers") {
            continue;
        }
        let message = parse("t.yaml", &wrong_key_in(&section), &environment)
            .unwrap_err()
            .to_string();
        let known = message
            .lines()
            .find_map(|line| line.split_once("qqqqqqqq: unknown key; known here: "));
        let (_, known) = known.unwrap_or_else(|| panic!("{section}: {message}"));
        for key in known.split(", ") {
            let key = format!("{section}.{key}");
            let below = format!("{key}.");
            let is_documented =
                keys.contains(&key) || keys.iter().any(|other| other.starts_with(&below));
            assert!(is_documented, "{key} is not documented");
        }
    }
}

fn wrong_key_in(section: &str) -> String {
    let text = file_with(&format!("{section}.qqqqqqqq"));
    text.replace(" [{}, {}]", " 1")
}
