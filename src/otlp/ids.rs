//! Trace and span identifiers, as OTLP carries them: 16 and 8 bytes, all zeros is no identifier.

use std::fmt;
use std::str::FromStr;

/// A trace ID: 16 bytes, never trusted to be random (64-bit IDs padded with zeros are common).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TraceId(pub [u8; 16]);

/// A span ID: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanId(pub [u8; 8]);

/// The text was not the hexadecimal form of an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits, found {found:?}")]
pub struct ParseIdError {
    expected: usize,
    found: String,
}

impl TraceId {
    /// Reads an identifier from its wire form; `None` unless it is 16 bytes and not all zeros.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let id: [u8; 16] = bytes.try_into().ok()?;
        (u128::from_ne_bytes(id) != 0).then_some(Self(id))
    }
}

impl SpanId {
    /// Reads an identifier from its wire form; `None` unless it is 8 bytes and not all zeros.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let id: [u8; 8] = bytes.try_into().ok()?;
        (u64::from_ne_bytes(id) != 0).then_some(Self(id))
    }
}

/// One of 2^64 identifiers that have the same hash by rapidhash's public secrets: the first half is one of them.
#[cfg(test)]
pub(crate) fn colliding_for_tests(number: u64) -> TraceId {
    let second_secret = 0x8bb8_4b93_962e_acc9_u64;
    let halves = [second_secret.to_le_bytes(), number.to_le_bytes()];
    let mut id = TraceId::default();
    id.0.copy_from_slice(halves.as_flattened());
    id
}

/// Appends `bytes` to `out` as lower-case hexadecimal digits.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xf] {
            out.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}

/// Reads hexadecimal digits in either case; `None` for an odd number of digits or another character.
#[must_use]
pub fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}

macro_rules! hex_identifier {
    ($type:ident, $bytes:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $type {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError {
                        expected: $bytes * 2,
                        found: text.to_owned(),
                    })
            }
        }
    };
}

hex_identifier!(TraceId, 16);
hex_identifier!(SpanId, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_form_is_read_in_either_case_and_written_in_lower() {
        let id: TraceId = "4BF92F3577B34DA6A3CE929D0E0E4736".parse().unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!("4bf9".parse::<TraceId>().is_err());
        assert!("zz00000000000000".parse::<SpanId>().is_err());
    }

    #[test]
    fn zeros_and_wrong_lengths_are_no_identifiers() {
        assert_eq!(TraceId::from_wire(&[0; 16]), None);
        assert_eq!(TraceId::from_wire(&[1; 15]), None);
        assert_eq!(SpanId::from_wire(&[0; 8]), None);
        assert_eq!(SpanId::from_wire(&[1; 8]), Some(SpanId([1; 8])));
    }
}
