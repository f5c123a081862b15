//! Where the settings are: at the top of the file, under `tail_sampling`, or within a whole collector configuration.

use crate::config::decode::Place;
use crate::config::finding::Findings;
use crate::config::yaml::{Entry, Node, Value};

const PROCESSOR: &str = "tail_sampling";

/// The settings and the path of their key; what is wrong is reported.
pub(super) fn find(root: Node, findings: &Findings) -> Option<(Node, String)> {
    let position = root.position;
    let Value::Mapping(entries) = root.value else {
        return Some((root, String::new()));
    };
    let has = |wanted: fn(&Entry) -> bool| entries.iter().any(wanted);
    if has(|entry| entry.key.text == "processors") {
        return within_collector(entries, findings);
    }
    if has(|entry| is_processor(&entry.key.text)) {
        return under_its_name(entries, findings);
    }
    let value = Value::Mapping(entries);
    Some((Node { value, position }, String::new()))
}

/// A whole collector configuration: nothing but its `processors` is looked at.
fn within_collector(entries: Vec<Entry>, findings: &Findings) -> Option<(Node, String)> {
    let processors = entries
        .into_iter()
        .find(|entry| entry.key.text == "processors")?
        .value;
    let place = Place::new(&processors, "processors", findings);
    let Value::Mapping(named) = &processors.value else {
        place.error(format!("{PROCESSOR} is missing"), "");
        return None;
    };
    let mut found = named.iter().filter(|entry| is_processor(&entry.key.text));
    let Some(first) = found.next() else {
        place.error(
            format!("{PROCESSOR} is missing"),
            "name a configuration that has the processor",
        );
        return None;
    };
    for another in found {
        let path = format!("processors.{}", another.key.text);
        let problem = format!("is a second {PROCESSOR} beside {}", first.key.text);
        findings.error(
            Some(another.key.position),
            &path,
            problem,
            "keep one of them",
        );
    }
    let path = format!("processors.{}", first.key.text);
    Some((first.value.clone(), path))
}

/// `tail_sampling:` and nothing beside it.
fn under_its_name(entries: Vec<Entry>, findings: &Findings) -> Option<(Node, String)> {
    let mut found: Option<(Node, String)> = None;
    for entry in entries {
        if found.is_none() && is_processor(&entry.key.text) {
            found = Some((entry.value, entry.key.text));
            continue;
        }
        findings.error(
            Some(entry.key.position),
            &entry.key.text,
            format!("unknown key beside {PROCESSOR}"),
            format!("move it below {PROCESSOR}, or remove it"),
        );
    }
    found
}

/// `tail_sampling` or `tail_sampling/name`.
fn is_processor(name: &str) -> bool {
    name == PROCESSOR
        || name
            .strip_prefix(PROCESSOR)
            .is_some_and(|rest| rest.starts_with('/'))
}
