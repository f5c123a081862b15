//! Values of attributes in test files: whatever YAML has a notation for.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::Place;
use crate::config::yaml::{Resolved, Value};

impl Place<'_> {
    /// A value of OTLP; null is an empty one. Integers above the signed range are reported.
    pub(crate) fn any_value(&self) -> AnyValue {
        let value = match &self.node.value {
            Value::Sequence(_) => {
                let values = self.items();
                let values = values.iter().map(Self::any_value).collect();
                Some(Any::ArrayValue(ArrayValue { values }))
            }
            Value::Mapping(_) => {
                let entries = self.fields().all().into_iter();
                let values = entries.map(|(key, value)| KeyValue {
                    key: key.to_owned(),
                    value: Some(value.any_value()),
                    ..KeyValue::default()
                });
                let values = values.collect();
                Some(Any::KvlistValue(KeyValueList { values }))
            }
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => None,
                Resolved::Bool(value) => Some(Any::BoolValue(value)),
                Resolved::Int(value) => {
                    let value = i64::try_from(value).ok();
                    if value.is_none() {
                        self.error("is no 64-bit integer", "attributes have no greater ones");
                    }
                    value.map(Any::IntValue)
                }
                Resolved::Float(value) => Some(Any::DoubleValue(value)),
                Resolved::Text(text) => Some(Any::StringValue(text.to_owned())),
            },
        };
        AnyValue { value }
    }
}
