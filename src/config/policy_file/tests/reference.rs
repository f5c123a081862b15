//! The reference against the code: every key and every type is explained.

use super::{environment, parse};
use crate::config::policies::TYPES;

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

#[test]
fn the_reference_explains_every_type_and_every_setting() {
    let reference = include_str!("../../../../docs/policies.md");
    for type_name in TYPES {
        let row = format!("\n| `{type_name}` | ");
        assert!(reference.contains(&row), "{type_name}");
        let text =
            format!("policies: [{{name: a, type: {type_name}, {type_name}: {{qqqqqqqq: 1}}}}]");
        let message = parse("p.yaml", &text, &environment)
            .unwrap_err()
            .to_string();
        let unknown = message
            .lines()
            .find(|line| line.contains("unknown key"))
            .unwrap();
        let Some((_, known)) = unknown.split_once("known here: ") else {
            continue;
        };
        for key in known.split(", ") {
            assert!(
                reference.contains(&format!("`{key}`")),
                "{type_name}: {key}"
            );
        }
    }
}
