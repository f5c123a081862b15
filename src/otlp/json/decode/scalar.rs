//! JSON values that become scalars, each as lenient as protobuf's JSON mapping asks and no more.
//!
//! Numbers may be quoted, with an exponent too. An integer written with a fraction or an exponent goes through a double,
//! as in JavaScript, and must come out integral.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};

/// A JSON string that `read` makes something of; `None` means it isn't what was `expected`.
pub(super) struct FromText<F> {
    pub(super) expected: &'static str,
    pub(super) read: F,
}

/// An integer from `low` to `high`, as number or string; for an enum also a name.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    low: i128,
    high: i128,
    number_of_name: Option<fn(&str) -> Option<i32>>,
}

/// A double: a number or a string, `"NaN"`, `"Infinity"` and `"-Infinity"` among them.
pub(super) struct Double;

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// Reads base64, standard or URL-safe, padded or not.
pub(super) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    let engine = if text.contains(['-', '_']) {
        URL_SAFE
    } else {
        STANDARD
    };
    engine.decode(text).ok()
}

impl Integer {
    pub(super) const INT32: Self = Self::within(i32::MIN as i128, i32::MAX as i128);
    pub(super) const INT64: Self = Self::within(i64::MIN as i128, i64::MAX as i128);
    pub(super) const UINT32: Self = Self::within(0, u32::MAX as i128);
    pub(super) const UINT64: Self = Self::within(0, u64::MAX as i128);

    const fn within(low: i128, high: i128) -> Self {
        Self {
            low,
            high,
            number_of_name: None,
        }
    }

    /// A value of an enum. Its number need not be known: enums of protobuf are open.
    pub(super) const fn of_enum(number_of_name: fn(&str) -> Option<i32>) -> Self {
        Self {
            number_of_name: Some(number_of_name),
            ..Self::INT32
        }
    }

    fn in_range(self, value: i128) -> Option<i128> {
        (self.low..=self.high).contains(&value).then_some(value)
    }

    fn read_double(self, value: f64) -> Option<i128> {
        // The cast saturates, which is out of every range.
        let is_integral = value.fract() == 0.0;
        is_integral
            .then_some(value as i128)
            .and_then(|value| self.in_range(value))
    }

    fn read_text(self, text: &str) -> Option<i128> {
        if let Some(number) = self.number_of_name.and_then(|number_of| number_of(text)) {
            return Some(number.into());
        }
        let number = parse_number(text)?;
        if let Some(value) = number.as_i128() {
            return self.in_range(value);
        }
        self.read_double(number.as_f64()?)
    }
}

/// Reads what JSON's grammar calls a number, and nothing around it.
fn parse_number(text: &str) -> Option<serde_json::Number> {
    let is_trimmed = text.trim_ascii().len() == text.len();
    serde_json::from_str(text).ok().filter(|_| is_trimmed)
}

impl<'de, T, F: FnOnce(&str) -> Option<T>> DeserializeSeed<'de> for FromText<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> Option<T>> Visitor<'de> for FromText<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self.expected))
    }
}

impl<'de> DeserializeSeed<'de> for Integer {
    type Value = i128;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<i128, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Integer {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer from {} to {}", self.low, self.high)?;
        let has_names = self.number_of_name.is_some();
        f.write_str(if has_names {
            " or an enum value's name"
        } else {
            ""
        })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i128, E> {
        self.in_range(value.into())
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i128, E> {
        self.in_range(value.into())
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i128, E> {
        self.read_double(value)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        self.read_text(text)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> DeserializeSeed<'de> for Double {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<f64, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for Double {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => parse_number(text)
                .and_then(|number| number.as_f64())
                .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}
