//! Writes single protobuf fields, nested messages in place: their length goes in front once it is known.

use prost::encoding::{WireType, encode_key, encode_varint};

/// Appends one field to the encoding of the message it belongs to.
pub(super) struct FieldWriter<'a> {
    pub(super) protobuf: &'a mut Vec<u8>,
    pub(super) number: u32,
    /// Zeros and empty strings are written. They are for lists and members of a `oneof`; else they mean "not set".
    pub(super) writes_zero: bool,
}

impl FieldWriter<'_> {
    pub(super) fn varint(self, value: u64) {
        if value == 0 && !self.writes_zero {
            return;
        }
        encode_key(self.number, WireType::Varint, self.protobuf);
        encode_varint(value, self.protobuf);
    }

    pub(super) fn fixed32(self, value: u32) {
        if value == 0 && !self.writes_zero {
            return;
        }
        encode_key(self.number, WireType::ThirtyTwoBit, self.protobuf);
        self.protobuf.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn fixed64(self, value: u64) {
        if value == 0 && !self.writes_zero {
            return;
        }
        encode_key(self.number, WireType::SixtyFourBit, self.protobuf);
        self.protobuf.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(self, value: &[u8]) {
        if value.is_empty() && !self.writes_zero {
            return;
        }
        encode_key(self.number, WireType::LengthDelimited, self.protobuf);
        encode_varint(value.len() as u64, self.protobuf);
        self.protobuf.extend_from_slice(value);
    }

    /// Writes what `body` appends as a nested message. Most are shorter than 128 bytes, so that the one byte kept for the
    /// length is enough and nothing moves.
    pub(super) fn nested<E>(
        self,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        encode_key(self.number, WireType::LengthDelimited, self.protobuf);
        let length_at = self.protobuf.len();
        self.protobuf.push(0);
        body(self.protobuf)?;
        let body_bytes = self.protobuf.len() - length_at - 1;
        let mut length = Vec::with_capacity(5);
        encode_varint(body_bytes as u64, &mut length);
        self.protobuf.splice(length_at..=length_at, length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(body_bytes: usize) -> Vec<u8> {
        let mut protobuf = b"before".to_vec();
        let writer = FieldWriter {
            protobuf: &mut protobuf,
            number: 1,
            writes_zero: false,
        };
        writer
            .nested(|body| {
                body.resize(body.len() + body_bytes, 7);
                Ok::<(), ()>(())
            })
            .unwrap();
        protobuf.split_off(6)
    }

    #[test]
    fn the_length_of_a_nested_message_takes_as_many_bytes_as_it_needs() {
        assert_eq!(nested(0), [10, 0]);
        assert_eq!(nested(127)[..3], [10, 127, 7]);
        assert_eq!(nested(128)[..4], [10, 0x80, 1, 7]);
        assert_eq!(nested(20_000)[..5], [10, 0xa0, 0x9c, 1, 7]);
        assert_eq!(nested(20_000).len(), 20_004);
    }
}
