//! Writes OTLP/JSON from the generated types, by forms that name each field once.
//!
//! Defaults are left out, as protobuf's JSON mapping has it, but for messages that are present (`"status":{}`) and the one
//! member of an attribute value that is set.

mod forms;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use prost::Message;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One line of OTLP/JSON, without the newline, from the protobuf encoding of an `ExportTraceServiceRequest`.
///
/// Fields unknown to this version of OTLP are lost: JSON has no place for them.
///
/// # Errors
/// Where `protobuf` is no such encoding.
pub fn encode_request(protobuf: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    let request = ExportTraceServiceRequest::decode(protobuf)?;
    let mut json = Vec::with_capacity(protobuf.len() * 2);
    // Cannot fail: the writer is memory and the keys are strings.
    let _ = serde_json::to_writer(&mut json, &AsJson(&request));
    Ok(json)
}

/// A generated type that has a JSON form.
trait JsonForm {
    fn write<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error>;
}

/// Lends a generated type its JSON form where serde asks for one.
struct AsJson<'a, T>(&'a T);

impl<T: JsonForm> Serialize for AsJson<'_, T> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        self.0.write(json)
    }
}

impl JsonForm for AnyValue {
    fn write<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let mut object = json.serialize_map(None)?;
        match &self.value {
            None => {}
            Some(Value::StringValue(text)) => object.serialize_entry("stringValue", text)?,
            Some(Value::BoolValue(value)) => object.serialize_entry("boolValue", value)?,
            Some(Value::IntValue(value)) => {
                object.serialize_entry("intValue", &value.to_string())?;
            }
            Some(Value::DoubleValue(value)) => match name_of_special(*value) {
                Some(name) => object.serialize_entry("doubleValue", name)?,
                None => object.serialize_entry("doubleValue", value)?,
            },
            Some(Value::ArrayValue(list)) => {
                object.serialize_entry("arrayValue", &AsJson(list))?;
            }
            Some(Value::KvlistValue(list)) => {
                object.serialize_entry("kvlistValue", &AsJson(list))?;
            }
            Some(Value::BytesValue(bytes)) => {
                object.serialize_entry("bytesValue", &STANDARD.encode(bytes))?;
            }
            Some(Value::StringValueStrindex(index)) => {
                object.serialize_entry("stringValueStrindex", index)?;
            }
        }
        object.end()
    }
}

/// The doubles that JSON has no number for.
fn name_of_special(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ if value.is_nan() => Some("NaN"),
        _ => None,
    }
}
