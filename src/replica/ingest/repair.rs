//! Requests with attributes that cannot be decoded: taken without them, counted, and the client is warned.
//!
//! One repair a request, in memory charged before it is taken. Whatever the repair cannot mend is answered with what
//! the first walk said.

use std::mem;

use tracing::warn;

use super::ReplicaIngest;
use crate::otlp::wire::repair::without_malformed_attributes;
use crate::otlp::wire::{Counted, WalkedRequest, WireError, walk_counted};
use crate::receiver::ingest::{ReceivedRequest, Refusal, Rejected};

/// Attributes that a request was taken without.
#[derive(Debug)]
pub(super) struct LeftOut {
    attributes: u64,
    /// What is wrong with the first of them, and where it stands in the request as received.
    first: Box<WireError>,
}

impl ReplicaIngest {
    /// Replaces the body of a `request` at which the walk failed with `error` by one without its malformed attributes,
    /// and walks that.
    #[cold]
    pub(super) fn repair_and_walk(
        &self,
        request: &mut ReceivedRequest,
        counted: Counted,
        error: Box<WireError>,
    ) -> Result<(WalkedRequest, Option<LeftOut>), Refusal> {
        let body_bytes = request.body.len() as u64;
        // Until the old body is gone; the new one then holds as much as was charged for the old.
        let _for_two_bodies = request
            .charge
            .reserve_beside(body_bytes)
            .map_err(|exhausted| self.no_room(counted, exhausted))?;
        let undecodable = |error: &WireError| Refusal::Undecodable(error.to_string());
        let repaired =
            without_malformed_attributes(&request.body).ok_or_else(|| undecodable(&error))?;
        let walked = walk_counted(&repaired.body, counted).map_err(|_| undecodable(&error))?;
        drop(mem::replace(&mut request.body, repaired.body));
        let left_out = LeftOut {
            attributes: repaired.dropped,
            first: error,
        };
        Ok((walked, Some(left_out)))
    }

    /// Counts and logs what a request was taken without, and adds it to the answer.
    #[cold]
    pub(super) fn tell_of(&self, left_out: LeftOut, rejected: Option<Rejected>) -> Rejected {
        let LeftOut { attributes, first } = left_out;
        self.metrics.attributes_malformed.increment(attributes);
        if let Some(left_out) = self.log_malformed.admit() {
            warn!(
                attributes,
                first = %first,
                left_out,
                "malformed attributes were left out of a request"
            );
        }
        let message = format!("{attributes} malformed attributes left out; the first: {first}");
        match rejected {
            None => Rejected { spans: 0, message },
            Some(Rejected {
                spans,
                message: reason,
            }) => Rejected {
                spans,
                message: format!("{reason}; {message}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::accounting::Accounting;
    use crate::buffer::inbox::inbox;
    use crate::buffer::shard::Pressure;
    use crate::clock::Clock;
    use crate::memory::Budget;
    use crate::metrics::Registry;
    use crate::receiver::ingest::Accepted;

    const MALFORMED: [u8; 3] = [0x4a, 1, 0xff];

    /// A request of one span with identifiers and, behind them, `rest`; 110 bytes at most.
    fn request(rest: &[u8]) -> Bytes {
        let span = [&[0x0a, 16][..], &[7; 16], &[0x12, 8], &[7; 8], rest].concat();
        let around = |key: u8, content: Vec<u8>| [vec![key, content.len() as u8], content].concat();
        Bytes::from(around(0x0a, around(0x12, around(0x12, span))))
    }

    #[test]
    fn a_repair_takes_no_memory_that_is_not_there_and_keeps_none() {
        let (sender, receiver) = inbox(8);
        let accounting = Arc::new(Accounting::default());
        let ingest = ReplicaIngest::new(
            Arc::from([sender]),
            Arc::new(Pressure::new(Budget::new(1 << 20))),
            Arc::clone(&accounting),
            Registry::new().router(),
            Clock::manual(),
        );
        let take = |limit_bytes, body: Bytes| {
            let budget = Budget::new(limit_bytes);
            let charge = budget.reserve(body.len() as u64).unwrap();
            let answer = ingest.take(ReceivedRequest {
                body,
                metadata: None,
                charge,
            });
            (budget, answer)
        };
        let (_, whole) = take(1 << 20, request(&[]));
        assert_eq!(whole, Ok(Accepted::default()));
        let whole = receiver.take_sub_batch().unwrap();

        let body = request(&MALFORMED);
        let fits = (1..1 << 12).find(|extra| {
            let (budget, answer) = take(body.len() as u64 + extra, body.clone());
            if answer.is_err() {
                assert!(matches!(answer, Err(Refusal::Overloaded(_))), "{answer:?}");
                assert_eq!(budget.used_bytes(), 0);
                return false;
            }
            let sub_batch = receiver.take_sub_batch().unwrap();
            assert_eq!(sub_batch.request.body, whole.request.body);
            drop(sub_batch);
            assert_eq!(budget.used_bytes(), 0);
            true
        });
        assert!(
            fits.is_some_and(|extra| extra > body.len() as u64),
            "{fits:?}"
        );
        assert_eq!(accounting.snapshot().unaccounted(), 0);
    }

    #[test]
    fn what_cannot_be_repaired_is_answered_with_the_first_error() {
        let (sender, _receiver) = inbox(8);
        let ingest = ReplicaIngest::new(
            Arc::from([sender]),
            Arc::new(Pressure::new(Budget::new(1 << 20))),
            Arc::default(),
            Registry::new().router(),
            Clock::manual(),
        );
        let name = [&MALFORMED[..], &[0x2a, 1, 0xff]].concat();
        let cut = [&MALFORMED[..], &[0x4a, 9]].concat();
        for body in [request(&name), request(&cut)] {
            let charge = Budget::new(1 << 20).reserve(body.len() as u64).unwrap();
            let answer = ingest.take(ReceivedRequest {
                body,
                metadata: None,
                charge,
            });
            let Err(Refusal::Undecodable(problem)) = answer else {
                panic!("{answer:?}");
            };
            assert!(problem.contains("spans.attributes at byte"), "{problem}");
        }
    }
}
