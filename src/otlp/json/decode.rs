//! Reads JSON along the schema and writes protobuf as it goes.

mod field;
mod protobuf;
mod scalar;
mod schema;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_path_to_error::Track;

use self::field::FieldReader;
use self::protobuf::FieldWriter;
use self::schema::{EXPORT_TRACE_SERVICE_REQUEST, Field, Message};
use super::error::JsonError;

/// The protobuf encoding of an `ExportTraceServiceRequest` in OTLP/JSON.
///
/// IDs of a wrong length are passed on as they are: it is for the receiver to refuse their spans alone. `null` means "not
/// set". A field given twice, or two members of one attribute value, are errors, as protobuf's JSON parsers have it.
///
/// # Errors
/// [`JsonError`] where the text is no JSON object, or a field of the schema holds something else than its type.
pub fn decode_request(json: &[u8]) -> Result<Vec<u8>, JsonError> {
    // Real requests shrink to about half; growing to that by doubling would copy each of them once more.
    let mut protobuf = Vec::with_capacity(json.len() / 2);
    let mut reader = serde_json::Deserializer::from_slice(json);
    read_request(&mut reader, &mut protobuf)
        .and_then(|()| reader.end())
        .map_err(|error| locate(json, &error))?;
    Ok(protobuf)
}

/// Reads once more to learn the path of `error`: keeping track of it would slow down every request for the sake of few.
fn locate(json: &[u8], error: &serde_json::Error) -> JsonError {
    let mut track = Track::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let _same_error = read_request(tracked, &mut Vec::new());
    JsonError::new(json, &track.path(), error)
}

fn read_request<'de, D: Deserializer<'de>>(
    json: D,
    protobuf: &mut Vec<u8>,
) -> Result<(), D::Error> {
    let reader = MessageReader {
        message: &EXPORT_TRACE_SERVICE_REQUEST,
        protobuf,
    };
    reader.deserialize(json)
}

/// Reads an object as `message`.
struct MessageReader<'a> {
    message: &'static Message,
    protobuf: &'a mut Vec<u8>,
}

/// Finds a key among the fields of a message; gives the field's place there.
struct FieldName(&'static Message);

impl<'de> DeserializeSeed<'de> for MessageReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.expected)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut fields_set = 0_u32;
        while let Some(found) = object.next_key_seed(FieldName(self.message))? {
            let Some((place, field)) = found else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = if self.message.is_oneof { 1 } else { 1 << place };
            let reader = FieldReader {
                field,
                is_set_already: fields_set & bit != 0,
                writer: FieldWriter {
                    protobuf: &mut *self.protobuf,
                    number: field.number,
                    writes_zero: self.message.is_oneof,
                },
            };
            if object.next_value_seed(reader)? {
                fields_set |= bit;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Option<(usize, &'static Field)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Option<(usize, &'static Field)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let mut fields = self.0.fields.iter().enumerate();
        Ok(fields.find(|(_, field)| field.json_name == name || field.proto_name == name))
    }
}
