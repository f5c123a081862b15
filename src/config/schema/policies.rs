//! A policy: what all have, and by its type what its settings are, under the type's name or beside `type`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::policy_types as types;
use super::values::{Choice, Timestamp};
use crate::config::policies::TYPES;

/// A policy of the file's list.
pub(super) struct Policy;

/// A policy within another.
pub(super) struct SubPolicy;

impl JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let of_its_type = by_type(generator);
        let mode = generator.subschema_for::<Option<Choice<Mode>>>();
        let expires_at = generator.subschema_for::<Option<Timestamp>>();
        json_schema!({
            "type": "object",
            "required": ["name", "type"],
            "properties": {
                "name": {
                    "description": "Not empty, unique; names the policy in metrics and answers.",
                    "type": "string",
                    "minLength": 1,
                },
                "type": type_of_policy(),
                "mode": described(mode, "Whether it has a say.", Some("active")),
                "expires_at": described(expires_at, "From then on the policy abstains.", None),
            },
            "allOf": of_its_type,
        })
    }
}

impl JsonSchema for SubPolicy {
    fn schema_name() -> Cow<'static, str> {
        "SubPolicy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let of_its_type = by_type(generator);
        json_schema!({
            "type": "object",
            "required": ["type"],
            "properties": {
                "name": {
                    "description": "Not needed.",
                    "type": ["string", "null"],
                },
                "type": type_of_policy(),
                "mode": false,
                "expires_at": false,
            },
            "allOf": of_its_type,
        })
    }
}

/// Whether a policy has a say.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// It has.
    Active,
    /// It is judged and counted, never acted upon.
    Shadow,
}

fn type_of_policy() -> Value {
    json!({
        "description": "What it looks at.",
        "anyOf": [{ "enum": TYPES }, { "type": "string", "pattern": "\\$\\{" }],
    })
}

fn described(schema: Schema, description: &str, default: Option<&str>) -> Value {
    let mut value = schema.to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("description".to_owned(), description.into());
        if let Some(default) = default {
            object.insert("default".to_owned(), default.into());
        }
    }
    value
}

/// For each type: if a policy is of it, what its keys are.
fn by_type(generator: &mut SchemaGenerator) -> Vec<Value> {
    let cases = TYPES.iter().map(|type_name| {
        let settings = settings_of(type_name, generator);
        let keys = define(type_name, settings, generator);
        json!({
            "if": { "required": ["type"], "properties": { "type": { "const": type_name } } },
            "then": keys,
        })
    });
    cases.collect()
}

/// The settings of a type, each as the settings' own mapping has it.
fn settings_of(type_name: &str, generator: &mut SchemaGenerator) -> Schema {
    match type_name {
        "latency" => types::Latency::json_schema(generator),
        "numeric_attribute" => types::NumericAttribute::json_schema(generator),
        "probabilistic" => types::Probabilistic::json_schema(generator),
        "status_code" => types::StatusCode::json_schema(generator),
        "string_attribute" => types::StringAttribute::json_schema(generator),
        "rate_limiting" => types::RateLimiting::json_schema(generator),
        "bytes_limiting" => types::BytesLimiting::json_schema(generator),
        "span_count" => types::SpanCount::json_schema(generator),
        "boolean_attribute" => types::BooleanAttribute::json_schema(generator),
        "trace_state" => types::TraceState::json_schema(generator),
        "ottl_condition" => types::OttlCondition::json_schema(generator),
        "wasm" => types::Wasm::json_schema(generator),
        "and" => types::And::json_schema(generator),
        "not" => types::Not::json_schema(generator),
        "drop" => types::Drop::json_schema(generator),
        "composite" => types::Composite::json_schema(generator),
        _ => types::Nothing::json_schema(generator),
    }
}

/// Refers to the keys of a policy of this type, which are defined once.
fn define(type_name: &str, settings: Schema, generator: &mut SchemaGenerator) -> Value {
    let name = format!("{type_name}_policy");
    let reference = json!({ "$ref": format!("#/$defs/{name}") });
    if !generator.definitions().contains_key(&name) {
        let keys = keys_of(type_name, settings);
        generator.definitions_mut().insert(name, keys);
    }
    reference
}

fn keys_of(type_name: &str, settings: Schema) -> Value {
    let mut keys = match settings.get("properties").cloned() {
        Some(Value::Object(inline)) => inline,
        _ => Map::new(),
    };
    let has_short_form = type_name == "status_code";
    let short_form = keys.get("status_codes").cloned().filter(|_| has_short_form);
    let mut forms = vec![settings.to_value(), json!({ "type": "null" })];
    forms.extend(short_form);
    for common in ["name", "type", "mode", "expires_at"] {
        keys.insert(common.to_owned(), json!(true));
    }
    keys.insert(type_name.to_owned(), json!({ "anyOf": forms }));
    // Mappings that belong to no key or to another type have no effect, as in the collector.
    let others = json!({ "type": ["object", "null"] });
    if has_short_form {
        return json!({
            "properties": keys,
            "additionalProperties": others,
            "anyOf": [{ "required": ["status_code"] }, { "required": ["status_codes"] }],
        });
    }
    json!({ "properties": keys, "additionalProperties": others })
}
