//! Reads JSON along the schema and writes protobuf as it goes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::Track;

use super::error::JsonError;
use super::protobuf::FieldWriter;
use super::scalar::{Double, EnumValue, FromText, Integer, parse_base64};
use super::schema::{EXPORT_TRACE_SERVICE_REQUEST, Field, Kind, Message};
use crate::otlp::ids::parse_hex;

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

/// Reads the value of one field; gives whether it was set, that is, not `null`.
struct FieldReader<'a> {
    field: &'static Field,
    is_set_already: bool,
    writer: FieldWriter<'a>,
}

/// Reads an array: each element becomes one occurrence of the field.
struct ListReader<'a> {
    field: &'static Field,
    protobuf: &'a mut Vec<u8>,
}

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

impl<'de> DeserializeSeed<'de> for FieldReader<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for FieldReader<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a field")
    }

    fn visit_none<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        if self.is_set_already {
            return Err(D::Error::custom("the field is set already"));
        }
        self.read_value(json)?;
        Ok(true)
    }
}

impl FieldReader<'_> {
    fn read_value<'de, D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let writer = self.writer;
        match self.field.kind {
            Kind::Text => read_text(json, writer)?,
            Kind::TextList | Kind::MessageList(_) => json.deserialize_seq(ListReader {
                field: self.field,
                protobuf: writer.protobuf,
            })?,
            Kind::Message(message) => read_message(json, writer, message)?,
            Kind::Id => writer.bytes(&read_bytes(
                json,
                "hexadecimal digits, two to a byte",
                parse_hex,
            )?),
            Kind::Bytes => writer.bytes(&read_bytes(json, "base64", parse_base64)?),
            Kind::Bool => writer.varint(serde::Deserialize::deserialize(json).map(bool::into)?),
            Kind::Double => writer.fixed64(Double.deserialize(json)?.to_bits()),
            // The casts keep the low bits: what is negative becomes its two's complement, as varints have it.
            Kind::Int32 => writer.varint(Integer::INT32.deserialize(json)? as u64),
            Kind::Int64 => writer.varint(Integer::INT64.deserialize(json)? as u64),
            Kind::Uint32 => writer.varint(Integer::UINT32.deserialize(json)? as u64),
            Kind::Fixed32 => writer.fixed32(Integer::UINT32.deserialize(json)? as u32),
            Kind::Fixed64 => writer.fixed64(Integer::UINT64.deserialize(json)? as u64),
            Kind::Enum(number_of) => {
                writer.varint(EnumValue { number_of }.deserialize(json)? as u64)
            }
        }
        Ok(())
    }
}

fn read_text<'de, D: Deserializer<'de>>(json: D, writer: FieldWriter<'_>) -> Result<(), D::Error> {
    let text = FromText {
        expected: "a string",
        read: |text: &str| {
            writer.bytes(text.as_bytes());
            Some(())
        },
    };
    text.deserialize(json)
}

fn read_bytes<'de, D: Deserializer<'de>>(
    json: D,
    expected: &'static str,
    read: fn(&str) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, D::Error> {
    FromText { expected, read }.deserialize(json)
}

fn read_message<'de, D: Deserializer<'de>>(
    json: D,
    writer: FieldWriter<'_>,
    message: &'static Message,
) -> Result<(), D::Error> {
    writer.nested(|protobuf| MessageReader { message, protobuf }.deserialize(json))
}

/// Reads one element of an array.
struct ElementReader<'a> {
    field: &'static Field,
    writer: FieldWriter<'a>,
}

impl<'de> DeserializeSeed<'de> for ElementReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.field.kind {
            Kind::MessageList(message) => read_message(json, self.writer, message),
            _ => read_text(json, self.writer),
        }
    }
}

impl<'de> Visitor<'de> for ListReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        loop {
            let element = ElementReader {
                field: self.field,
                writer: FieldWriter {
                    protobuf: &mut *self.protobuf,
                    number: self.field.number,
                    writes_zero: true,
                },
            };
            if array.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }
}
