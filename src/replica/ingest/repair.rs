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

    /// Counts and logs what a request was taken without, and adds it to the answer. Offsets of `rejected` spans are those
    /// in the repaired body; their identifiers are what a client finds them by.
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
    use prost::encoding::encode_varint;

    use super::*;
    use crate::accounting::Accounting;
    use crate::buffer::inbox::{InboxReceiver, inbox};
    use crate::buffer::shard::Pressure;
    use crate::clock::Clock;
    use crate::memory::Budget;
    use crate::metrics::Registry;
    use crate::receiver::ingest::Accepted;

    fn delimited(key: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![key];
        encode_varint(content.len() as u64, &mut field);
        field.extend_from_slice(content);
        field
    }

    /// A request of one span with identifiers and, behind them, `rest`.
    fn request(rest: &[u8]) -> Bytes {
        let span = [&[0x0a, 16][..], &[7; 16], &[0x12, 8], &[7; 8], rest].concat();
        Bytes::from(delimited(0x0a, &delimited(0x12, &delimited(0x12, &span))))
    }

    fn ingest(accounting: &Arc<Accounting>) -> (ReplicaIngest, InboxReceiver) {
        let (sender, receiver) = inbox(8);
        let ingest = ReplicaIngest::new(
            Arc::from([sender]),
            Arc::new(Pressure::new(Budget::new(1 << 20))),
            Arc::clone(accounting),
            Registry::new().router(),
            None,
            Clock::manual(),
        );
        (ingest, receiver)
    }

    fn take(ingest: &ReplicaIngest, body: Bytes, budget: &Budget) -> Result<Accepted, Refusal> {
        let charge = budget.reserve(body.len() as u64).unwrap();
        let request = ReceivedRequest {
            body,
            metadata: None,
            charge,
        };
        ingest.take(request).map(|(accepted, _)| accepted)
    }

    #[test]
    fn a_repair_takes_no_memory_that_is_not_there_and_keeps_none() {
        const MALFORMED_BYTES: usize = 10_000;
        let accounting = Arc::default();
        let (ingest, receiver) = ingest(&accounting);
        let malformed = request(&delimited(0x4a, &[0xff; MALFORMED_BYTES]));
        let whole = request(&[]);
        let room = |spare: usize| Budget::new((malformed.len() + spare) as u64);

        let budget = room(MALFORMED_BYTES - 1);
        assert_eq!(
            take(&ingest, whole.clone(), &budget),
            Ok(Accepted::default())
        );
        drop(receiver.take_sub_batch());
        accounting.not_sampled.add(1);
        let refused = take(&ingest, malformed.clone(), &budget);
        assert!(
            matches!(refused, Err(Refusal::Overloaded(_))),
            "{refused:?}"
        );
        assert_eq!(budget.used_bytes(), 0);
        assert_eq!(accounting.snapshot().unaccounted(), 0);

        let budget = room(2 * MALFORMED_BYTES);
        let warning = take(&ingest, malformed.clone(), &budget).unwrap().rejected;
        assert_eq!(warning.unwrap().spans, 0);
        let sub_batch = receiver.take_sub_batch().unwrap();
        assert_eq!(sub_batch.request.body, whole);
        // The new body's allocation is as large as the old one's.
        let used = budget.used_bytes() as usize;
        assert!(
            (malformed.len()..2 * MALFORMED_BYTES).contains(&used),
            "{used}"
        );
        drop(sub_batch);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn a_warning_stands_beside_what_is_said_of_rejected_spans() {
        let (ingest, _receiver) = ingest(&Arc::default());
        let no_trace_id = delimited(0x0a, &[]);
        let span = [no_trace_id, delimited(0x4a, &[0xff]), vec![0x48, 1]].concat();
        let answer = take(&ingest, request(&span), &Budget::new(1 << 20));
        let rejected = answer.unwrap().rejected.unwrap();
        assert_eq!(rejected.spans, 1);
        let (spans, attributes) = rejected.message.split_once("; 2 malformed").unwrap();
        assert!(spans.starts_with("1 spans rejected"), "{spans}");
        assert!(
            attributes.contains("spans.attributes at byte"),
            "{attributes}"
        );
    }

    #[test]
    fn what_cannot_be_repaired_is_answered_with_the_first_error() {
        let (ingest, _receiver) = ingest(&Arc::default());
        let malformed = delimited(0x4a, &[0xff]);
        let name = [malformed.clone(), delimited(0x2a, &[0xff])].concat();
        let cut = [malformed, vec![0x4a, 9]].concat();
        for body in [request(&name), request(&cut)] {
            let answer = take(&ingest, body, &Budget::new(1 << 20));
            let Err(Refusal::Undecodable(problem)) = answer else {
                panic!("{answer:?}");
            };
            assert!(problem.contains("spans.attributes at byte"), "{problem}");
        }
    }
}
