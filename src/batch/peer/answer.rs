//! What the receiver of a frame says of it.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use super::super::slot_set::SlotSet;
use super::Malformed;
use super::wire::AnswerMessage;

/// The receiver's word on a frame. What it does not refuse it is responsible for from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameAnswer {
    /// All spans are where they belong, or were there before.
    Applied,
    /// The spans of these slots were taken by nobody; all others were.
    PartlyRefused(Box<SlotSet>),
    /// Nothing was taken for lack of room.
    Overloaded {
        /// When to try again, in whole milliseconds.
        retry_after: Duration,
    },
    /// Nothing was taken: the frame is addressed to another life.
    NotMe,
    /// Nothing was taken, and a retry brings the same: the payload is no export request.
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
}

/// An answer and the number of the frame, on its connection, that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketAnswer {
    /// As in the frame.
    pub ticket: u64,
    /// What became of it.
    pub answer: FrameAnswer,
}

/// Longest account of a problem, in bytes.
const PROBLEM_BYTES_MAX: usize = 1_024;

impl TicketAnswer {
    /// The encoding, without gRPC's prefix.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut message = AnswerMessage {
            ticket: self.ticket,
            ..AnswerMessage::default()
        };
        match &self.answer {
            FrameAnswer::Applied => {}
            FrameAnswer::PartlyRefused(slots) => {
                message.outcome = 1;
                message.slots = slots.to_bytes().to_vec();
            }
            FrameAnswer::Overloaded { retry_after } => {
                message.outcome = 2;
                message.retry_after_ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            }
            FrameAnswer::NotMe => message.outcome = 3,
            FrameAnswer::Malformed { problem } => {
                message.outcome = 4;
                let end = problem.floor_char_boundary(PROBLEM_BYTES_MAX);
                message.problem = problem.get(..end).unwrap_or_default().to_owned();
            }
        }
        message.encode_to_vec()
    }

    /// The inverse of [`TicketAnswer::encode`].
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(encoded: Bytes) -> Result<Self, Malformed> {
        let message = AnswerMessage::decode(encoded)
            .map_err(|error| Malformed(format!("an answer: {error}")))?;
        let answer = match message.outcome {
            0 => FrameAnswer::Applied,
            1 => {
                let slots = SlotSet::from_bytes(&message.slots)
                    .ok_or_else(|| Malformed::new("an answer's slots are no set of slots"))?;
                FrameAnswer::PartlyRefused(Box::new(slots))
            }
            2 => FrameAnswer::Overloaded {
                retry_after: Duration::from_millis(message.retry_after_ms),
            },
            3 => FrameAnswer::NotMe,
            4 => FrameAnswer::Malformed {
                problem: message.problem,
            },
            other => return Err(Malformed(format!("an answer of unknown kind {other}"))),
        };
        Ok(Self {
            ticket: message.ticket,
            answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::batch::key::{SLOTS, Slot};

    fn answers() -> impl Strategy<Value = FrameAnswer> {
        let refused = vec(0..SLOTS, 0..20).prop_map(|slots| {
            FrameAnswer::PartlyRefused(Box::new(slots.into_iter().map(Slot).collect()))
        });
        let overloaded = any::<u32>().prop_map(|ms| FrameAnswer::Overloaded {
            retry_after: Duration::from_millis(u64::from(ms)),
        });
        let malformed = ".{0,40}".prop_map(|problem| FrameAnswer::Malformed { problem });
        prop_oneof![
            Just(FrameAnswer::Applied),
            Just(FrameAnswer::NotMe),
            refused,
            overloaded,
            malformed
        ]
    }

    proptest! {
        #[test]
        fn an_answer_is_read_as_it_was_written(ticket in any::<u64>(), answer in answers()) {
            let sent = TicketAnswer { ticket, answer };
            prop_assert_eq!(TicketAnswer::decode(sent.encode().into()).unwrap(), sent);
        }

        #[test]
        fn arbitrary_bytes_are_an_answer_or_an_error(bytes in vec(any::<u8>(), 0..100)) {
            let _either = TicketAnswer::decode(bytes.into());
        }
    }
}
