//! The table in `docs/metrics.md` and the registry agree: names, types, labels, meaning.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const REFERENCE: &str = include_str!("../../docs/metrics.md");

/// A row of the table: type, labels, meaning.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

/// A registry in which every metric has a series.
fn everything() -> Registry {
    let registry = Registry::new();
    registry.describe_build(1);
    let _gauge = registry.memory_used();
    let _counter = registry.invariant_violations("I2");
    registry.receiver().grpc.request_duration.record(0.1);
    let _handles = registry.router();
    registry.buffer(0).decision_lag_seconds.record(0.1);
    let _handles = registry.sampler(["errors"].into_iter(), ["errors"].into_iter());
    let _handles = registry.policies();
    let labels = PluginLabels {
        verdicts: vec!["sample"],
        failures: vec!["trap"],
        rebuilds: vec!["failure"],
        breakers: vec!["open"],
    };
    registry.plugin("errors", &labels).call_seconds.record(0.1);
    let _handles = (registry.gossip(), registry.forward(), registry.peer());
    registry.cluster().release_seconds.record(0.1);
    let exporter = registry.exporter("otlp");
    exporter.spans_failed("unavailable").increment(1);
    exporter.requests_retried("unavailable").increment(1);
    exporter.request_duration_seconds.record(0.1);
    registry
}

fn registered() -> BTreeMap<String, Row> {
    let text = everything().render();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, meaning)) = header(line, "# HELP ") {
            let row = rows.entry(name.to_owned()).or_default();
            row.meaning = meaning.trim_end_matches('.').to_owned();
        } else if let Some((name, kind)) = header(line, "# TYPE ") {
            kind.clone_into(&mut rows.entry(name.to_owned()).or_default().kind);
        } else if let Some((series, labels)) = line.split_once('{') {
            let parts = ["_bucket", "_sum", "_count"];
            let histogram = parts.iter().find_map(|part| series.strip_suffix(part));
            let name = histogram.unwrap_or(series);
            let names = labels.split(['{', ',']).filter_map(|it| it.split_once('='));
            let names = names.map(|(name, _)| name.to_owned());
            let row = rows.get_mut(name).unwrap();
            row.labels.extend(names.filter(|name| name != "le"));
        }
    }
    rows
}

fn header<'a>(line: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(prefix)?.split_once(' ')
}

fn documented() -> BTreeMap<String, Row> {
    let rows = REFERENCE.lines().filter_map(|line| {
        let name = line.strip_prefix("| `tailsieve_")?.split('`').next()?;
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, kind, labels, meaning] = cells[..] else {
            return None;
        };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned);
        let row = Row {
            kind: kind.to_owned(),
            labels: labels.collect(),
            meaning: meaning.to_owned(),
        };
        Some((format!("tailsieve_{name}"), row))
    });
    rows.collect()
}

#[test]
fn every_metric_is_documented_as_it_is() {
    let (registered, documented) = (registered(), documented());
    for (name, row) in &registered {
        let labels: Vec<String> = row
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let line = format!(
            "| `{name}` | {} | {} | {} |",
            row.kind,
            labels.join(", "),
            row.meaning
        );
        assert_eq!(
            documented.get(name),
            Some(row),
            "docs/metrics.md should say:\n{line}"
        );
    }
    let unknown: Vec<_> = documented
        .keys()
        .filter(|name| !registered.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "documented, but not there: {unknown:?}");
}

#[test]
fn names_say_stage_and_unit_and_counters_end_in_total() {
    for (name, row) in registered() {
        let is_counter = row.kind == "counter";
        assert_eq!(name.ends_with("_total"), is_counter, "{name}");
        assert!(!row.meaning.is_empty(), "{name}");
        if row.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
        }
    }
}
