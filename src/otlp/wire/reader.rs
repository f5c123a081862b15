//! A cursor over one protobuf message within a larger body; offsets are those of the body.

use super::error::{WireError, WireFault};

pub(crate) type WireResult<T> = Result<T, Box<WireError>>;

pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const LEN: u8 = 2;
pub(crate) const START_GROUP: u8 = 3;
pub(crate) const END_GROUP: u8 = 4;
pub(crate) const FIXED32: u8 = 5;

/// Levels of nested messages below the outermost one, as in every protobuf implementation.
pub(crate) const DEPTH_MAX: u32 = 100;

/// A field's number and wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) number: u32,
    pub(crate) wire_type: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next byte in the body.
    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> WireResult<u64> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> WireResult<u64> {
        let mut value = 0_u64;
        for index in 0..10 {
            let Some(&byte) = self.bytes.get(self.at + index) else {
                return Err(self.fault(WireFault::Truncated));
            };
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                if index == 9 && byte > 1 {
                    break;
                }
                self.at += index + 1;
                return Ok(value);
            }
        }
        Err(self.fault(WireFault::InvalidVarint))
    }

    #[inline]
    pub(crate) fn tag(&mut self) -> WireResult<Tag> {
        let at = self.at;
        let key = self.varint()?;
        let wire_type = (key & 7) as u8;
        let number = key >> 3;
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(WireError::at(at, WireFault::InvalidFieldNumber));
        }
        if wire_type > FIXED32 {
            return Err(WireError::at(at, WireFault::InvalidWireType(wire_type)));
        }
        Ok(Tag {
            number: number as u32,
            wire_type,
        })
    }

    #[inline]
    pub(crate) fn fixed64(&mut self) -> WireResult<u64> {
        let Some(chunk) = self.rest().first_chunk::<8>() else {
            return Err(self.fault(WireFault::Truncated));
        };
        self.at += 8;
        Ok(u64::from_le_bytes(*chunk))
    }

    #[inline]
    pub(crate) fn fixed32(&mut self) -> WireResult<u32> {
        let Some(chunk) = self.rest().first_chunk::<4>() else {
            return Err(self.fault(WireFault::Truncated));
        };
        self.at += 4;
        Ok(u32::from_le_bytes(*chunk))
    }

    /// A length-delimited field's content.
    #[inline]
    pub(crate) fn bytes(&mut self) -> WireResult<&'a [u8]> {
        let length = self.varint()?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| self.at.checked_add(length));
        let Some(content) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.fault(WireFault::Truncated));
        };
        self.at += content.len();
        Ok(content)
    }

    /// Key and content of the next field, if it is length-delimited, has a key of one byte and less than 128 bytes of
    /// content; else stays where it is.
    #[inline]
    pub(crate) fn short_field(&mut self) -> Option<(u8, &'a [u8])> {
        match self.rest() {
            [key, length, rest @ ..] if key & 0x87 == LEN && *length < 0x80 => {
                let content = rest.get(..usize::from(*length))?;
                self.at += 2 + content.len();
                Some((*key, content))
            }
            _ => None,
        }
    }

    /// Passes over a length-delimited field if `is_fine` says so of its content; else stays where it is.
    #[inline]
    pub(crate) fn skip_content_if(&mut self, is_fine: impl FnOnce(&[u8]) -> bool) -> bool {
        let Some((&length, rest)) = self.rest().split_first() else {
            return false;
        };
        let length = usize::from(length);
        let fine = length < 0x80 && rest.get(..length).is_some_and(is_fine);
        if fine {
            self.at += 1 + length;
        }
        fine
    }

    /// A length-delimited field's content as a message to read; offsets go on counting from the body's start.
    #[inline]
    pub(crate) fn message(&mut self) -> WireResult<Reader<'a>> {
        let length = self.bytes()?.len();
        Ok(Reader {
            bytes: self.bytes.get(..self.at).unwrap_or_default(),
            at: self.at - length,
        })
    }

    #[inline]
    pub(crate) fn text(&mut self) -> WireResult<&'a [u8]> {
        let content = self.bytes()?;
        if simdutf8::basic::from_utf8(content).is_err() {
            let begin = self.at - content.len();
            return Err(WireError::at(begin, WireFault::InvalidUtf8));
        }
        Ok(content)
    }

    #[inline]
    pub(crate) fn expect(&self, tag: Tag, expected: u8) -> WireResult<()> {
        if tag.wire_type == expected {
            return Ok(());
        }
        Err(self.fault(WireFault::UnexpectedWireType {
            found: tag.wire_type,
            expected,
        }))
    }

    /// Passes over a field that this version of OTLP does not know.
    pub(crate) fn skip(&mut self, tag: Tag, depth_left: u32) -> WireResult<()> {
        self.check_depth(depth_left)?;
        match tag.wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed64().map(drop),
            LEN => self.bytes().map(drop),
            FIXED32 => self.fixed32().map(drop),
            START_GROUP => self.skip_group(tag.number, depth_left),
            END_GROUP => Err(self.fault(WireFault::UnexpectedEndGroup)),
            other => Err(self.fault(WireFault::InvalidWireType(other))),
        }
    }

    fn skip_group(&mut self, number: u32, depth_left: u32) -> WireResult<()> {
        loop {
            let inner = self.tag()?;
            if inner.wire_type != END_GROUP {
                self.skip(inner, depth_left.saturating_sub(1))?;
            } else if inner.number == number {
                return Ok(());
            } else {
                return Err(self.fault(WireFault::UnexpectedEndGroup));
            }
        }
    }

    #[inline]
    pub(crate) fn check_depth(&self, depth_left: u32) -> WireResult<()> {
        if depth_left == 0 {
            return Err(self.fault(WireFault::TooDeep));
        }
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    #[cold]
    fn fault(&self, fault: WireFault) -> Box<WireError> {
        WireError::at(self.at, fault)
    }
}
