//! What both transports do with a body once it has arrived: inflate, transcode, hand over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::clock::Clock;
use crate::metrics::ReceiverMetrics;
use crate::otlp::json;

use super::admission::{Admission, Held};
use super::inflate::{Compression, inflate};
use super::ingest::{Accepted, Ingest, ReceivedRequest};
use super::metadata::MetadataTable;
use super::status::{Encoding, Failure};

/// What the connections of both transports share.
#[derive(Debug)]
pub(super) struct Intake<I> {
    pub(super) ingest: I,
    pub(super) admission: Arc<Admission>,
    pub(super) metadata: Arc<MetadataTable>,
    pub(super) metrics: ReceiverMetrics,
    pub(super) clock: Clock,
    pub(super) retry_after: Duration,
}

/// A body as it was sent.
#[derive(Debug)]
pub(super) struct SentBody {
    pub(super) bytes: Bytes,
    pub(super) held: Held,
    pub(super) compression: Option<Compression>,
    pub(super) encoding: Encoding,
}

impl<I: Ingest> Intake<I> {
    /// Hands `sent` to the ingest and waits for its answer.
    ///
    /// # Errors
    /// [`Failure`] when nothing of it was taken.
    pub(super) async fn take(
        &self,
        sent: SentBody,
        headers: &HeaderMap,
        inflated_bytes_max: usize,
    ) -> Result<Accepted, Failure> {
        let metadata = self.metadata.of(headers)?;
        self.metrics.wire_bytes.increment(sent.bytes.len() as u64);
        let (body, held) = self.to_protobuf(sent, inflated_bytes_max)?;
        let (_in_flight_until_answered, charge) = held.into_charges();
        let request = ReceivedRequest {
            body,
            metadata,
            charge,
        };
        Ok(self.ingest.ingest(request).await?)
    }

    fn to_protobuf(
        &self,
        sent: SentBody,
        inflated_bytes_max: usize,
    ) -> Result<(Bytes, Held), Failure> {
        let (inflated, held) = match sent.compression {
            None => (sent.bytes, sent.held),
            Some(compression) => {
                let (inflated, held) = inflate(
                    compression,
                    &sent.bytes,
                    inflated_bytes_max,
                    &self.admission,
                )?;
                (Bytes::from(inflated), held)
            }
        };
        self.metrics.inflated_bytes.increment(inflated.len() as u64);
        match sent.encoding {
            Encoding::Protobuf => Ok((inflated, held)),
            Encoding::Json => self.transcode(&inflated),
        }
    }

    fn transcode(&self, json: &[u8]) -> Result<(Bytes, Held), Failure> {
        let mut held = self.admission.hold();
        // Protobuf is the shorter of the two: no value takes more bytes there than in JSON.
        held.grow(json.len())?;
        let protobuf =
            json::decode_request(json).map_err(|error| Failure::Undecodable(error.to_string()))?;
        held.set(protobuf.capacity());
        Ok((Bytes::from(protobuf), held))
    }
}
