//! Refills the tables of `docs/performance.md` from the latest rows: between `<!-- scenario NAME -->` and
//! `<!-- end -->` stands one table, of which every line follows from `target/scenarios.jsonl`. Where that has no row of a
//! scenario, its table stays.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::lab::target;

const BEGIN: &str = "<!-- scenario ";
const END: &str = "<!-- end -->";

type Line = Map<String, Value>;

pub(crate) fn refill() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let rows = fs::read_to_string(target().join("scenarios.jsonl"))
        .context("no rows yet: run a scenario first")?;
    let rows = rows
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Line>, _>>()?;
    let mut filled = String::new();
    let mut is_old_table = false;
    for line in text.lines() {
        if line == END {
            is_old_table = false;
        }
        if !is_old_table {
            filled.push_str(line);
            filled.push('\n');
        }
        if let Some(name) = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(" -->"))
        {
            let rows = latest(&rows, name);
            if !rows.is_empty() {
                is_old_table = true;
                filled.push_str(&table(&rows));
            }
        }
    }
    fs::write(&path, filled)?;
    println!("{} is refilled", path.display());
    Ok(())
}

/// The last row of each case, in the order in which the cases first came.
fn latest<'a>(rows: &'a [Line], scenario: &str) -> Vec<&'a Line> {
    let mut latest: Vec<&Line> = Vec::new();
    for row in rows
        .iter()
        .filter(|row| row.get("scenario").is_some_and(|name| name == scenario))
    {
        match latest
            .iter_mut()
            .find(|known| known.get("case") == row.get("case"))
        {
            Some(known) => *known = row,
            None => latest.push(row),
        }
    }
    latest
}

fn table(rows: &[&Line]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    let figures = rows.iter().filter_map(|row| row.get("figures")?.as_array());
    for name in figures.flatten().filter_map(Value::as_str) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let heads: Vec<_> = columns.iter().map(|name| name.replace('_', " ")).collect();
    let mut text = format!(
        "\n| case | {} |\n|---|{}\n",
        heads.join(" | "),
        "---:|".repeat(columns.len())
    );
    for row in rows {
        let case = row.get("case").and_then(Value::as_str).unwrap_or_default();
        let cells: Vec<_> = columns.iter().map(|name| cell(row.get(*name))).collect();
        text.push_str(&format!("| {case} | {} |\n", cells.join(" | ")));
    }
    text.push('\n');
    text
}

/// Whole numbers with thousands apart, small ones with their digits.
fn cell(value: Option<&Value>) -> String {
    let Some(number) = value.and_then(Value::as_f64) else {
        return String::new();
    };
    if number.abs() < 100.0 {
        return number.to_string();
    }
    let digits = format!("{:.0}", number.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0.0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}
