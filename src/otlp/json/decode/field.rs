//! Reads the value of a field by the field's type.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::MessageReader;
use super::protobuf::FieldWriter;
use super::scalar::{Double, FromText, Integer, parse_base64};
use super::schema::{Field, Kind, Message};
use crate::otlp::ids::parse_hex;

/// Reads the value of one field; gives whether it was set, that is, not `null`.
pub(super) struct FieldReader<'a> {
    pub(super) field: &'static Field,
    pub(super) is_set_already: bool,
    pub(super) writer: FieldWriter<'a>,
}

/// Reads an array: each element becomes one occurrence of the field.
struct ListReader<'a> {
    field: &'static Field,
    protobuf: &'a mut Vec<u8>,
}

/// Reads one element of an array.
struct ElementReader<'a> {
    field: &'static Field,
    writer: FieldWriter<'a>,
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
            Kind::Texts | Kind::Objects(_) => json.deserialize_seq(ListReader {
                field: self.field,
                protobuf: writer.protobuf,
            })?,
            Kind::Object(message) => read_message(json, writer, message)?,
            Kind::Id => writer.bytes(&read_bytes(
                json,
                "hexadecimal digits, two to a byte",
                parse_hex,
            )?),
            Kind::Bytes => writer.bytes(&read_bytes(json, "base64", parse_base64)?),
            Kind::Bool => writer.varint(bool::deserialize(json)?.into()),
            Kind::Double => writer.fixed64(Double.deserialize(json)?.to_bits()),
            // The casts keep the low bits: what is negative becomes its two's complement, as varints have it.
            Kind::Int32 => writer.varint(Integer::INT32.deserialize(json)? as u64),
            Kind::Int64 => writer.varint(Integer::INT64.deserialize(json)? as u64),
            Kind::Uint32 => writer.varint(Integer::UINT32.deserialize(json)? as u64),
            Kind::Fixed32 => writer.fixed32(Integer::UINT32.deserialize(json)? as u32),
            Kind::Fixed64 => writer.fixed64(Integer::UINT64.deserialize(json)? as u64),
            Kind::Enum(number_of_name) => {
                writer.varint(Integer::of_enum(number_of_name).deserialize(json)? as u64);
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ElementReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.field.kind {
            Kind::Objects(message) => read_message(json, self.writer, message),
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
