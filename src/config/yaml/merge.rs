//! Merge keys: `<<: *defaults` adds the entries of another mapping that the mapping itself does not have.
//!
//! Source of the rules: the YAML merge key type. A key of the mapping itself wins wherever it stands; in a list of
//! mappings the earlier wins.

use std::collections::{HashMap, HashSet};

use super::{Entry, Node, Value};
use crate::config::finding::{Findings, Position};

/// The entries of a mapping with its merge keys resolved, and doubled keys reported.
pub(super) fn resolve(entries: Vec<Entry>, findings: &Findings) -> Vec<Entry> {
    let mut own: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut merged: Vec<Node> = Vec::new();
    let mut merge_at = None;
    for entry in entries {
        if entry.key.is_plain && entry.key.text == "<<" {
            if let Some(first) = merge_at {
                report_twice(findings, "<<", first, entry.key.position);
                continue;
            }
            merge_at = Some(entry.key.position);
            merged = sources(entry.value, findings);
            continue;
        }
        own.push(entry);
    }
    let mut own = without_doubles(own, findings);
    let mut taken: HashSet<String> = own.iter().map(|entry| entry.key.text.clone()).collect();
    for source in merged {
        let Value::Mapping(entries) = source.value else {
            continue;
        };
        let missing = entries.into_iter();
        own.extend(missing.filter(|entry| taken.insert(entry.key.text.clone())));
    }
    own
}

fn sources(value: Node, findings: &Findings) -> Vec<Node> {
    let candidates = match value.value {
        Value::Sequence(items) => items,
        _ => vec![value],
    };
    let (mappings, others): (Vec<Node>, Vec<Node>) = candidates
        .into_iter()
        .partition(|node| matches!(node.value, Value::Mapping(_)));
    for other in others {
        let problem = format!("expected a mapping, found {}", other.describe());
        let advice = "<< takes a mapping or a list of mappings, for example *defaults";
        findings.error(Some(other.position), "<<", problem, advice);
    }
    mappings
}

fn without_doubles(entries: Vec<Entry>, findings: &Findings) -> Vec<Entry> {
    let mut seen = HashMap::new();
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        let position = entry.key.position;
        if let Some(first) = seen.insert(entry.key.text.clone(), position) {
            report_twice(findings, &entry.key.text, first, position);
            seen.insert(entry.key.text, first);
            continue;
        }
        kept.push(entry);
    }
    kept
}

fn report_twice(findings: &Findings, key: &str, first: Position, second: Position) {
    let Position { line, column } = first;
    let problem = format!("this key stands already at {line}:{column}");
    findings.error(
        Some(second),
        &super::scalar::shortened(key),
        problem,
        "keep one of them",
    );
}
