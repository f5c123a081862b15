//! The defaults that a schema tells are those of its reader: setting them changes nothing.

use serde_json::{Map, Value, json};

use super::{alternatives, environment, policy_file, server_file};
use crate::config::policies::TYPES;
use crate::config::{policy_file as policies, server};
use crate::sampler::test_support::guest::evaluates;

/// Every key with a default, set to it. Of exporters, those of `kind`.
fn defaults(root: &Value, schema: &Value, kind: &str) -> Value {
    let mut found = Map::new();
    for schema in alternatives(root, schema) {
        let named = schema.get("properties").and_then(Value::as_object);
        for (key, value) in named.into_iter().flatten() {
            if let Some(default) = value.get("default") {
                found.insert(key.clone(), default.clone());
            } else {
                let below = defaults(root, value, kind);
                let has_some = below.as_object().is_some_and(|below| !below.is_empty());
                found.extend(has_some.then(|| (key.clone(), below)));
            }
        }
        let pattern = format!("^{kind}(/.+)?$");
        if let Some(value) = schema.get("patternProperties").and_then(|p| p.get(pattern)) {
            found.insert(kind.to_owned(), defaults(root, value, kind));
        }
    }
    Value::Object(found)
}

fn server(text: &str) -> server::ServerConfig {
    server::parse("t.yaml", text, &environment).unwrap().config
}

fn policies(text: &str) -> policies::PolicyFile {
    let checked = policies::parse("t.yaml", text, &environment);
    checked.unwrap().config
}

#[test]
fn a_server_file_with_all_defaults_is_as_an_empty_one() {
    let schema = server_file().schema;
    let mut file = defaults(&schema, &schema, "file");
    // A cluster is off until its section is there.
    let cluster = file.as_object_mut().unwrap().remove("cluster").unwrap();
    assert_eq!(cluster["dead_after"], "12s");
    let clustered = json!({ "cluster": cluster }).to_string();
    assert_eq!(server(&clustered), server("cluster: {}"));
    assert_eq!(file["batch"]["timeout"], "200ms");
    assert_eq!(file["exporters"]["file"]["path"], "data/kept");
    assert_eq!(server(&file.to_string()), server::ServerConfig::default());
    let mut otlp = defaults(&schema, &schema, "otlp");
    otlp.as_object_mut().unwrap().remove("cluster");
    assert_eq!(
        otlp["exporters"]["otlp"]["retry_on_failure"]["enabled"],
        true
    );
    otlp["exporters"]["otlp"]["endpoint"] = "http://a".into();
    let bare = server("exporters: {otlp: {endpoint: 'http://a'}}");
    assert_eq!(server(&otlp.to_string()), bare);
}

#[test]
fn a_policy_file_with_all_defaults_is_as_an_empty_one() {
    let schema = policy_file().schema;
    let file = defaults(&schema, &schema["$defs"]["Settings"], "");
    assert_eq!(file["decision_wait"], "30s");
    assert_eq!(policies(&file.to_string()), policies::PolicyFile::default());
}

#[test]
fn a_policy_with_all_defaults_is_as_one_without_settings() {
    let schema = policy_file().schema;
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("plugin.wasm");
    std::fs::write(&module, evaluates("", 1)).unwrap();
    for type_name in TYPES {
        let needed = match type_name {
            "numeric_attribute" => json!({ "max_value": 5 }),
            "status_code" => json!({ "status_codes": ["ERROR"] }),
            "ottl_condition" => json!({ "span": ["true"] }),
            "wasm" => json!({ "module": module }),
            "not" => json!({ "not_sub_policy": { "type": "always_sample" } }),
            _ => json!({}),
        };
        let keys = &schema["$defs"][format!("{type_name}_policy")]["properties"][type_name];
        let mut all = defaults(&schema, keys, "");
        let set = needed.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(set);
        let file = |settings: &Value| {
            let policy = json!({ "name": "a", "type": type_name, type_name: settings });
            policies(&json!({ "policies": [policy] }).to_string())
        };
        assert_eq!(file(&all), file(&needed), "{type_name}");
    }
}
