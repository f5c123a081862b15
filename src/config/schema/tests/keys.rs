//! The keys and the names that a schema has are those that its reader asks for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Kind, alternatives, policy_file, resolved, server_file};
use crate::config::policies::TYPES;

/// A key, or a value, that there is nowhere.
const WRONG: &str = "qqqqqqqq";

type Names = BTreeSet<String>;

/// What the message about the wrong key at `path` lists.
fn known_keys(message: &str, path: &str) -> Names {
    let begin = format!("{path}{WRONG}: unknown key; ");
    let found = message.lines().find_map(|line| line.split_once(&begin));
    let (_, advice) = found.unwrap_or_else(|| panic!("{path}: {message}"));
    match advice.strip_prefix("known here: ") {
        Some(keys) => keys.split(", ").map(str::to_owned).collect(),
        None => {
            assert_eq!(advice, "there are no keys here", "{path}");
            Names::new()
        }
    }
}

/// What the message about the wrong value at `path` lists.
fn known_values(message: &str, path: &str) -> Names {
    let begin = format!(" {path}: unknown ");
    let found = message.lines().find_map(|line| line.split_once(&begin));
    let (_, rest) = found.unwrap_or_else(|| panic!("{path}: {message}"));
    let (_, names) = rest.split_once("one of: ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

fn properties(schema: &Value) -> Vec<(&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().collect()
}

fn keys(schema: &Value) -> Names {
    let properties = properties(schema).into_iter();
    properties.map(|(key, _)| key.clone()).collect()
}

/// The names among which a value is chosen; empty where it is no choice.
fn names(root: &Value, schema: &Value) -> Names {
    let mut names = Names::new();
    for schema in alternatives(root, schema) {
        let listed = schema.get("enum").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().chain(schema.get("const"));
        names.extend(listed.filter_map(Value::as_str).map(str::to_owned));
    }
    // The collector takes an empty one for the default.
    names.remove("");
    names
}

/// The mappings within a schema whose keys are known: path and schema of each.
fn sections<'a>(
    root: &'a Value,
    schema: &'a Value,
    path: &str,
    found: &mut Vec<(String, &'a Value)>,
) {
    for schema in alternatives(root, schema) {
        let below = |key: &str| format!("{path}{key}.");
        if schema.get("properties").is_some() {
            found.push((path.to_owned(), schema));
        }
        for (key, value) in properties(schema) {
            sections(root, value, &below(key), found);
        }
        let named = schema.get("patternProperties").and_then(Value::as_object);
        for (pattern, value) in named.into_iter().flatten() {
            // `^otlp(/.+)?$` is the kind, with or without a suffix.
            let kind = pattern.trim_start_matches('^').split('(').next().unwrap();
            sections(root, value, &below(kind), found);
        }
        if let Some(value) = schema.get("additionalProperties").filter(|v| v.is_object()) {
            sections(root, value, &below("any"), found);
        }
    }
}

/// A file with nothing but `value` at `path`, keys with a dot after each.
fn file_with(path: &str, value: &str) -> String {
    let keys: Vec<&str> = path.trim_end_matches('.').split('.').collect();
    let open: String = keys.iter().map(|key| format!("{{{key}: ")).collect();
    format!("{open}{value}{}\n", "}".repeat(keys.len()))
}

fn check_choice(kind: &Kind, path: &str, schema: &Value, text: &str) -> usize {
    let names = names(&kind.schema, schema);
    if names.is_empty() {
        return 0;
    }
    assert_eq!(names, known_values(&kind.message(text), path), "{path}");
    1
}

#[test]
fn the_server_file_has_the_keys_and_the_choices_of_its_reader() {
    let kind = server_file();
    let mut found = Vec::new();
    sections(&kind.schema, &kind.schema, "", &mut found);
    let mut choices = 0;
    for (path, section) in &found {
        let message = kind.message(&file_with(&format!("{path}{WRONG}"), "1"));
        assert_eq!(keys(section), known_keys(&message, path), "{path}");
        for (key, value) in properties(section) {
            let path = format!("{path}{key}");
            choices += check_choice(&kind, &path, value, &file_with(&path, WRONG));
        }
    }
    // `sending_queue` stands in both kinds of exporters.
    assert_eq!((found.len(), choices), (30, 6));
}

/// The settings beside the policies.
fn settings(kind: &Kind) -> &Value {
    &kind.schema["$defs"]["Settings"]
}

#[test]
fn the_policy_file_has_the_keys_and_the_choices_of_its_reader() {
    let kind = policy_file();
    let message = kind.message(&file_with(WRONG, "1"));
    assert_eq!(keys(settings(&kind)), known_keys(&message, ""));
    let message = kind.message(&file_with(&format!("decision_cache.{WRONG}"), "1"));
    let cache = &kind.schema["$defs"]["CollectorDecisionCache"];
    assert_eq!(keys(cache), known_keys(&message, "decision_cache."));
    let choices = properties(settings(&kind)).into_iter();
    let choices =
        choices.map(|(key, value)| check_choice(&kind, key, value, &file_with(key, WRONG)));
    assert_eq!(choices.sum::<usize>(), 3);
}

#[test]
fn every_type_of_policy_has_the_keys_and_the_choices_of_its_reader() {
    let kind = policy_file();
    let mut choices = 0;
    for type_name in TYPES {
        let policy = &kind.schema["$defs"][format!("{type_name}_policy")];
        let inline = format!("policies: [{{name: a, type: {type_name}, {WRONG}: 1}}]");
        let known = known_keys(&kind.message(&inline), "policies[0].");
        assert_eq!(keys(policy), known, "{type_name}");
        let own =
            format!("policies: [{{name: a, type: {type_name}, {type_name}: {{{WRONG}: 1}}}}]");
        let path = format!("policies[0].{type_name}.");
        let known = known_keys(&kind.message(&own), &path);
        let own = alternatives(&kind.schema, &policy["properties"][type_name]);
        let own = own
            .into_iter()
            .find(|form| form.get("properties").is_some());
        let own = own.unwrap_or(&Value::Null);
        assert_eq!(keys(own), known, "{type_name}");
        for (key, value) in properties(own) {
            let value_path = format!("{path}{key}");
            let text = format!(
                "policies: [{{name: a, type: {type_name}, {type_name}: {{{key}: {WRONG}}}}}]"
            );
            let names = resolved(&kind.schema, value);
            choices += check_choice(&kind, &value_path, names, &text);
        }
    }
    // `scope` of six types, `error_mode`, `on_error`.
    assert_eq!(choices, 8);
}

#[test]
fn policies_and_their_parts_have_the_keys_of_their_reader() {
    let kind = policy_file();
    let defs = &kind.schema["$defs"];
    let mode = "policies: [{name: a, type: trace_flags, mode: qqqqqqqq}]";
    let schema = &defs["Policy"]["properties"]["mode"];
    assert_eq!(check_choice(&kind, "policies[0].mode", schema, mode), 1);
    let types = known_values(
        &kind.message("policies: [{name: a, type: qqqqqqqq}]"),
        "policies[0].type",
    );
    assert_eq!(
        names(&kind.schema, &defs["Policy"]["properties"]["type"]),
        types
    );
    let sub_policy = "policies: [{name: a, type: and, and: {and_sub_policy: [{type: trace_flags, qqqqqqqq: 1}]}}]";
    let path = "policies[0].and.and_sub_policy[0].";
    let known = known_keys(&kind.message(sub_policy), path);
    let own = keys(&defs["SubPolicy"]).into_iter();
    let own = own.filter(|key| defs["SubPolicy"]["properties"][key] != Value::Bool(false));
    let own = own.chain(["trace_flags".to_owned()]);
    assert_eq!(own.collect::<Names>(), known);
    let allocation =
        "policies: [{name: a, type: composite, composite: {rate_allocation: [{qqqqqqqq: 1}]}}]";
    let path = "policies[0].composite.rate_allocation[0].";
    let known = known_keys(&kind.message(allocation), path);
    assert_eq!(keys(&defs["Allocation"]), known);
}
