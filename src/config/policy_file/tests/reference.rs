//! The reference against the code: its table of top-level keys.

use super::{environment, parse};

#[test]
fn the_reference_lists_the_keys_of_the_top_level() {
    let reference = include_str!("../../../../docs/policies.md");
    let table = reference.split("## How policies decide").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let error = parse("p.yaml", "qqqqqqqq: 1", &environment).unwrap_err();
    let message = error.to_string();
    let (_, known) = message.split_once("known here: ").unwrap();
    let mut known: Vec<&str> = known.split(", ").collect();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}
