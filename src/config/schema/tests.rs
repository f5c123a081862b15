//! The schemas against the readers, in both directions.

mod accepted;
mod defaults;
mod keys;
mod refused;

use jsonschema::Validator;
use serde_json::{Map, Number, Value, json};

use crate::config::finding::Findings;
use crate::config::yaml::{self, Node, Resolved};
use crate::config::{policy_file, server};

/// A kind of file: its schema, and its reader.
struct Kind {
    schema: Value,
    validator: Validator,
    read: fn(&str) -> Result<(), String>,
}

fn server_file() -> Kind {
    Kind::new(super::of_server_file().to_value(), |text| {
        let read = server::parse("t.yaml", text, &environment);
        read.map(drop).map_err(|errors| errors.to_string())
    })
}

fn policy_file() -> Kind {
    Kind::new(super::of_policy_file().to_value(), |text| {
        let read = policy_file::parse("t.yaml", text, &environment);
        read.map(drop).map_err(|errors| errors.to_string())
    })
}

impl Kind {
    fn new(schema: Value, read: fn(&str) -> Result<(), String>) -> Self {
        Self {
            validator: jsonschema::draft202012::new(&schema).unwrap(),
            schema,
            read,
        }
    }

    /// What the schema has against a file.
    fn complaint(&self, text: &str) -> Option<String> {
        let file = as_json(text)?;
        let complaint = self.validator.iter_errors(&file).next()?;
        Some(format!("{}: {complaint}", complaint.instance_path()))
    }

    /// What the reader says of a file that it refuses.
    fn message(&self, text: &str) -> String {
        match (self.read)(text) {
            Ok(()) => panic!("taken:\n{text}"),
            Err(message) => message,
        }
    }
}

fn environment(name: &str) -> Option<String> {
    (name == "NUMBER").then(|| "5".to_owned())
}

/// A file as other programs see it, before variables are replaced; `None` if it is no YAML.
fn as_json(text: &str) -> Option<Value> {
    let findings = Findings::new("t.yaml");
    yaml::parse(text, &findings).map(|root| value(&root))
}

fn value(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Sequence(items) => items.iter().map(value).collect(),
        yaml::Value::Mapping(entries) => {
            let entries = entries.iter();
            let pairs = entries.map(|entry| (entry.key.text.clone(), value(&entry.value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        yaml::Value::Scalar(scalar) => match scalar.resolve() {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => value.into(),
            Resolved::Int(value) => match i64::try_from(value) {
                Ok(value) => value.into(),
                Err(_) => json!(u64::try_from(value).unwrap()),
            },
            // JSON has no infinity.
            Resolved::Float(value) => Number::from_f64(value.clamp(f64::MIN, f64::MAX))
                .map_or_else(|| "not a number".into(), Value::Number),
            Resolved::Text(text) => text.into(),
        },
    }
}

/// What a schema refers to, or itself.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
        return schema;
    };
    let pointer = reference.strip_prefix('#').unwrap();
    resolved(root, root.pointer(pointer).unwrap())
}

/// The alternatives of a schema, those of alternatives included.
fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(root, schema);
    let lists = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|key| schema.get(key)?.as_array());
    let below = lists.flatten().flat_map(|one| alternatives(root, one));
    std::iter::once(schema).chain(below).collect()
}
