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
        let walked =
            walk_counted(&repaired.body, counted).map_err(|_| undecodable(&error))?;
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
