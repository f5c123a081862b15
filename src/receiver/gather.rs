//! Gathers the frames of a body into one piece, charged before memory is taken for it.
//!
//! A body that arrives in a single frame is not copied: it stays a slice of the connection's read buffer. Otherwise
//! memory grows with what has arrived and not with what was announced, so that an announcement alone reserves nothing
//! worth naming.

use bytes::Bytes;

use super::admission::Held;
use super::status::{Failure, SizeKnown};

/// Most that is reserved on the word of a client about how much is to come, in bytes.
const ANNOUNCED_BYTES_MAX: usize = 1 << 20;

/// A body on its way in.
#[derive(Debug)]
pub(super) struct Gather {
    held: Held,
    announced_bytes: Option<usize>,
    bytes_max: usize,
    first: Bytes,
    joined: Vec<u8>,
}

impl Gather {
    /// Starts with nothing. `announced_bytes` is the length that the client gave, if it did.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] when the announcement is beyond `bytes_max`.
    pub(super) fn new(
        held: Held,
        announced_bytes: Option<u64>,
        bytes_max: usize,
    ) -> Result<Self, Failure> {
        let announced_bytes = match announced_bytes {
            None => None,
            Some(size) => Some(
                usize::try_from(size)
                    .ok()
                    .filter(|size| *size <= bytes_max)
                    .ok_or(Failure::TooLarge {
                        size: SizeKnown::Exactly(size),
                        state: "as sent",
                        limit: bytes_max,
                    })?,
            ),
        };
        Ok(Self {
            held,
            announced_bytes,
            bytes_max,
            first: Bytes::new(),
            joined: Vec::new(),
        })
    }

    /// Bytes gathered so far.
    pub(super) fn len(&self) -> usize {
        if self.joined.is_empty() {
            self.first.len()
        } else {
            self.joined.len()
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] beyond the limit, [`Failure::Overloaded`] without room.
    pub(super) fn push(&mut self, frame: Bytes) -> Result<(), Failure> {
        let total = self.len().saturating_add(frame.len());
        if total > self.bytes_max {
            return Err(Failure::TooLarge {
                size: SizeKnown::Beyond(self.bytes_max),
                state: "as sent",
                limit: self.bytes_max,
            });
        }
        if self.len() == 0 {
            self.held.grow(frame.len())?;
            self.first = frame;
            return Ok(());
        }
        if self.joined.is_empty() {
            self.make_room(total)?;
            self.joined.extend_from_slice(&self.first);
            self.first = Bytes::new();
        } else if self.joined.capacity() < total {
            self.make_room(total)?;
        }
        self.joined.extend_from_slice(&frame);
        Ok(())
    }

    /// The body in one piece, and the hold on exactly its bytes.
    pub(super) fn finish(mut self) -> (Bytes, Held) {
        self.held.set(self.first.len() + self.joined.capacity());
        if self.joined.is_empty() {
            return (self.first, self.held);
        }
        (Bytes::from(self.joined), self.held)
    }

    /// Charges and reserves room for `total` bytes or more.
    fn make_room(&mut self, total: usize) -> Result<(), Failure> {
        let capacity = self.joined.capacity();
        let wanted = match self.announced_bytes {
            Some(announced) if announced <= ANNOUNCED_BYTES_MAX => announced.max(total),
            Some(announced) => doubled(capacity, total).min(announced.max(total)),
            None => doubled(capacity, total),
        };
        let wanted = wanted.min(self.bytes_max).max(total);
        let charged = capacity + self.first.len();
        self.held.grow(wanted.saturating_sub(charged))?;
        self.joined.reserve_exact(wanted - self.joined.len());
        Ok(())
    }
}

fn doubled(capacity: usize, total: usize) -> usize {
    capacity.max(total).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Budget;
    use crate::receiver::admission::Admission;

    fn gather(memory: &Budget, announced_bytes: Option<u64>) -> Result<Gather, Failure> {
        let admission = Admission::new(1 << 30, memory.clone());
        Gather::new(admission.hold(), announced_bytes, 100 << 20)
    }

    #[test]
    fn a_body_in_a_single_frame_is_not_copied() {
        let frame = Bytes::from(vec![7; 64]);
        let mut gather = gather(&Budget::new(1_000), Some(64)).unwrap();
        gather.push(frame.clone()).unwrap();
        let (body, _held) = gather.finish();
        assert_eq!(body.as_ptr(), frame.as_ptr());
    }

    #[test]
    fn frames_are_joined_in_order_and_charged_exactly() {
        let memory = Budget::new(1_000);
        let mut gather = gather(&memory, Some(9)).unwrap();
        for frame in ["abc", "", "def", "ghi"] {
            gather.push(Bytes::from(frame)).unwrap();
        }
        let (body, held) = gather.finish();
        assert_eq!(body, "abcdefghi");
        assert_eq!(memory.used_bytes(), 9);
        drop(held);
        assert_eq!(memory.used_bytes(), 0);
    }

    #[test]
    fn an_announcement_alone_takes_no_room() {
        let memory = Budget::new(4 << 20);
        let mut gather = gather(&memory, Some(64 << 20)).unwrap();
        assert_eq!(memory.used_bytes(), 0);
        gather.push(Bytes::from(vec![0; 1_000])).unwrap();
        gather.push(Bytes::from(vec![0; 1_000])).unwrap();
        assert!(memory.used_bytes() <= 4_000);
    }

    #[test]
    fn without_room_for_the_next_frame_it_is_overload() {
        let mut gather = gather(&Budget::new(1_000), None).unwrap();
        gather.push(Bytes::from(vec![0; 900])).unwrap();
        let failure = gather.push(Bytes::from(vec![0; 900])).unwrap_err();
        assert!(matches!(failure, Failure::Overloaded(_)));
    }

    #[test]
    fn a_body_beyond_the_limit_is_too_large_whether_announced_or_not() {
        let memory = Budget::new(u64::MAX);
        assert!(matches!(
            gather(&memory, Some((100 << 20) + 1)).unwrap_err(),
            Failure::TooLarge { .. }
        ));
        let mut unannounced = gather(&memory, None).unwrap();
        unannounced.push(Bytes::from(vec![0; 100 << 20])).unwrap();
        assert!(matches!(
            unannounced.push(Bytes::from_static(b"x")).unwrap_err(),
            Failure::TooLarge { .. }
        ));
    }
}
