//! gRPC's framing: a byte that says whether a message is compressed, four of its length, the message.
//!
//! A declared length is checked before anything is kept for it. Messages come out as the pieces that they arrived in:
//! what arrived in one piece is never copied.

use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Malformed;

/// Bytes before a message.
pub const PREFIX_BYTES: usize = 5;

/// Cuts what arrives into messages.
#[derive(Debug)]
pub struct MessageReader {
    bytes_max: usize,
    pieces: VecDeque<Bytes>,
    available: usize,
    declared: Option<usize>,
    /// Of a message that is not wanted, what has not arrived yet.
    skipped: usize,
}

/// A message, or the part of one, in the pieces that it arrived in.
#[derive(Debug, Clone, Default)]
pub struct Pieces(VecDeque<Bytes>);

/// The prefix of a message of `length` bytes.
///
/// # Errors
/// [`Malformed`] when the length does not fit into four bytes.
pub fn prefix(length: usize) -> Result<[u8; PREFIX_BYTES], Malformed> {
    let length = u32::try_from(length)
        .map_err(|_| Malformed(format!("{length} bytes do not fit into a gRPC message")))?;
    let [a, b, c, d] = length.to_be_bytes();
    Ok([0, a, b, c, d])
}

/// A short message with its prefix.
#[must_use]
pub fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_slice(&prefix(message.len()).unwrap_or_default());
    framed.put_slice(message);
    framed.freeze()
}

impl MessageReader {
    /// Of messages of `bytes_max` bytes at most.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            pieces: VecDeque::new(),
            available: 0,
            declared: None,
            skipped: 0,
        }
    }

    /// Takes what has arrived.
    pub fn push(&mut self, mut piece: Bytes) {
        let skipped = self.skipped.min(piece.len());
        piece.advance(skipped);
        self.skipped -= skipped;
        if !piece.is_empty() {
            self.available += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// The length of the message under way, once its prefix has arrived.
    ///
    /// # Errors
    /// [`Malformed`] when it is longer than allowed or compressed as gRPC has it; the stream cannot go on.
    pub fn declared(&mut self) -> Result<Option<usize>, Malformed> {
        if self.declared.is_some() || self.available < PREFIX_BYTES {
            return Ok(self.declared);
        }
        let mut prefix = self.cut(PREFIX_BYTES);
        let flag = prefix.byte().unwrap_or(1);
        if flag != 0 {
            return Err(Malformed::new(
                "a gRPC message is compressed or its prefix is broken",
            ));
        }
        let declared = prefix.take(4)?.get_u32() as usize;
        if declared > self.bytes_max {
            return Err(Malformed(format!(
                "a message of {declared} bytes is announced, at most {} are taken",
                self.bytes_max
            )));
        }
        self.declared = Some(declared);
        Ok(self.declared)
    }

    /// Whether nothing of a message is here.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.available == 0 && self.declared.is_none() && self.skipped == 0
    }

    /// The message under way, once all of it is there.
    ///
    /// # Errors
    /// Those of [`MessageReader::declared`].
    pub fn take(&mut self) -> Result<Option<Pieces>, Malformed> {
        let declared = self.declared()?;
        Ok(declared
            .filter(|declared| *declared <= self.available)
            .map(|declared| {
                self.declared = None;
                self.cut(declared)
            }))
    }

    /// The first `bytes` of the message under way, or all of a shorter one, once they are there; the rest of it is
    /// thrown away as it arrives. For a message that there is no room for.
    ///
    /// # Errors
    /// Those of [`MessageReader::declared`].
    pub fn take_begin(&mut self, bytes: usize) -> Result<Option<Pieces>, Malformed> {
        let Some(declared) = self.declared()? else {
            return Ok(None);
        };
        let wanted = bytes.min(declared);
        if self.available < wanted {
            return Ok(None);
        }
        self.declared = None;
        let begin = self.cut(wanted);
        let here = (declared - wanted).min(self.available);
        drop(self.cut(here));
        self.skipped = declared - wanted - here;
        Ok(Some(begin))
    }

    /// Takes `bytes`, which are there.
    fn cut(&mut self, mut bytes: usize) -> Pieces {
        self.available -= bytes;
        let mut taken = VecDeque::with_capacity(2);
        while bytes > 0 {
            let Some(mut piece) = self.pieces.pop_front() else {
                break;
            };
            if piece.len() > bytes {
                taken.push_back(piece.split_to(bytes));
                self.pieces.push_front(piece);
                return Pieces(taken);
            }
            bytes -= piece.len();
            taken.push_back(piece);
        }
        Pieces(taken)
    }
}

impl Pieces {
    /// Bytes left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let first = self.0.front_mut()?;
        let byte = first.get_u8();
        if first.is_empty() {
            self.0.pop_front();
        }
        Some(byte)
    }

    /// The next `bytes`, copied only where they arrived in several pieces.
    ///
    /// # Errors
    /// [`Malformed`] when there are fewer.
    pub fn take(&mut self, bytes: usize) -> Result<Bytes, Malformed> {
        if bytes == 0 {
            return Ok(Bytes::new());
        }
        if let Some(first) = self.0.front_mut().filter(|first| first.len() >= bytes) {
            let taken = first.split_to(bytes);
            if first.is_empty() {
                self.0.pop_front();
            }
            return Ok(taken);
        }
        if self.len() < bytes {
            return Err(Malformed::new("a message is cut short"));
        }
        let mut joined = BytesMut::with_capacity(bytes);
        while joined.len() < bytes {
            let missing = bytes - joined.len();
            let Some(mut piece) = self.0.pop_front() else {
                break;
            };
            if piece.len() > missing {
                joined.extend_from_slice(&piece.split_to(missing));
                self.0.push_front(piece);
            } else {
                joined.extend_from_slice(&piece);
            }
        }
        Ok(joined.freeze())
    }

    /// All that is left, as one piece.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        let bytes = self.len();
        self.take(bytes).unwrap_or_default()
    }
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        Self(VecDeque::from_iter((!bytes.is_empty()).then_some(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn push_in_parts(reader: &mut MessageReader, stream: &[u8], part: usize) -> Vec<Bytes> {
        let mut messages = Vec::new();
        for part in stream.chunks(part) {
            reader.push(Bytes::copy_from_slice(part));
            while let Some(message) = reader.take().unwrap() {
                messages.push(message.into_bytes());
            }
        }
        messages
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_arrive(
            messages in vec(vec(any::<u8>(), 0..50), 0..10),
            part in 1_usize..60,
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
            let mut reader = MessageReader::new(50);
            let read = push_in_parts(&mut reader, &stream, part);
            prop_assert!(reader.is_between_messages());
            prop_assert_eq!(read, messages.into_iter().map(Bytes::from).collect::<Vec<_>>());
        }

        #[test]
        fn a_message_without_room_is_skipped_and_the_next_one_read(
            unwanted in 0_usize..200,
            begin in 0_usize..50,
            part in 1_usize..60,
        ) {
            let mut stream = framed(&vec![7; unwanted]).to_vec();
            stream.extend_from_slice(&framed(b"next"));
            let mut reader = MessageReader::new(1_000);
            let (mut taken, mut next) = (None, None);
            for part in stream.chunks(part) {
                reader.push(Bytes::copy_from_slice(part));
                if taken.is_none() {
                    taken = reader.take_begin(begin).unwrap();
                }
                if taken.is_some() && next.is_none() {
                    next = reader.take().unwrap();
                }
            }
            prop_assert_eq!(taken.unwrap().len(), begin.min(unwanted));
            prop_assert_eq!(next.unwrap().into_bytes(), Bytes::from_static(b"next"));
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_by_its_prefix_alone() {
        let mut reader = MessageReader::new(1_000);
        reader.push(Bytes::copy_from_slice(&prefix(1_001).unwrap()));
        assert!(reader.take().unwrap_err().0.contains("1001 bytes"));
    }

    #[test]
    fn what_arrives_in_one_piece_is_not_copied() {
        let mut reader = MessageReader::new(1_000);
        let piece = Bytes::from(vec![3; 100]);
        reader.push(Bytes::copy_from_slice(&prefix(104).unwrap()));
        reader.push(Bytes::from_static(b"head"));
        reader.push(piece.clone());
        let mut message = reader.take().unwrap().unwrap();
        assert_eq!(message.take(4).unwrap(), "head");
        assert_eq!(message.into_bytes().as_ptr(), piece.as_ptr());
    }
}
