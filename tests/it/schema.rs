//! `tailsieve schema` prints a JSON Schema of each kind of file.

use std::process::Command;

use serde_json::Value;

use crate::support::replica::BINARY;

/// What `tailsieve schema` prints.
fn schema(arguments: &[&str]) -> Value {
    let mut command = Command::new(BINARY);
    let output = command.arg("schema").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_schema_of_each_kind_of_file_says_which_draft_it_is_of() {
    for kind in ["policies", "server"] {
        let schema = schema(&[kind]);
        let draft = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!(schema["$schema"], draft);
        let file = if kind == "server" { "server" } else { "policy" };
        assert_eq!(schema["title"], format!("Tailsieve {file} file"));
        assert!(
            schema["$defs"]
                .as_object()
                .is_some_and(|defs| defs.len() > 10)
        );
    }
}

#[test]
fn without_a_kind_it_is_that_of_policy_files() {
    assert_eq!(schema(&[]), schema(&["policies"]));
}
