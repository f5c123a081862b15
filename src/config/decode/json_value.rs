//! Any value as JSON: what is handed to others as it stands.

use serde_json::{Map, Number, Value as Json};

use super::Place;
use crate::config::yaml::{Resolved, Value};

impl Place<'_> {
    /// The value as JSON. Numbers that JSON does not have are reported.
    pub(crate) fn json_value(&self) -> Json {
        match &self.node.value {
            Value::Sequence(_) => self.items().iter().map(Self::json_value).collect(),
            Value::Mapping(_) => {
                let entries = self.fields().all().into_iter();
                let entries = entries.map(|(key, value)| (key.to_owned(), value.json_value()));
                Json::Object(entries.collect::<Map<String, Json>>())
            }
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => Json::Null,
                Resolved::Bool(value) => Json::Bool(value),
                Resolved::Int(value) => self.number(Number::from_i128(value)),
                Resolved::Float(value) => self.number(Number::from_f64(value)),
                Resolved::Text(text) => Json::String(text.to_owned()),
            },
        }
    }

    fn number(&self, number: Option<Number>) -> Json {
        if number.is_none() {
            self.error("is no number that JSON has", "put it in quotes");
        }
        number.map_or(Json::Null, Json::Number)
    }
}
