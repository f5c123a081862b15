//! Writes frames: a head of some hundred bytes, then the payload as it is.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;
use prost::encoding::encode_varint;

use super::super::Malformed;
use super::super::message::{PREFIX_BYTES, prefix};
use super::super::wire::{
    HeaderMessage, MarkMessage, NameMessage, StreamMarkMessage, TraceMessage,
};
use super::decode::inflate;
use super::{FrameHeader, FrameKind, HandedOverTrace, Mark};

/// Field keys of a frame: number and wire type.
pub(super) const TICKET_KEY: u8 = 1 << 3;
pub(super) const HEADER_KEY: u8 = 2 << 3 | 2;
pub(super) const PAYLOAD_KEY: u8 = 3 << 3 | 2;

/// Keys and lengths of a frame's three fields, at most.
const FIELDS_BYTES_MAX: usize = 3 + 3 * 10;

/// A payload as it travels.
#[derive(Debug, Clone)]
pub struct Payload {
    /// What is sent: the request's encoding, compressed or not.
    pub bytes: Bytes,
    /// Length of the request's encoding where `bytes` is an lz4 block of it.
    pub compressed_from: Option<u64>,
}

/// A frame to write: `head`, prefix included, and then the payload, each as one piece.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// What goes before the payload.
    pub head: Bytes,
    /// The payload.
    pub payload: Bytes,
}

impl Payload {
    /// As it is.
    #[must_use]
    pub fn plain(bytes: Bytes) -> Self {
        Self {
            bytes,
            compressed_from: None,
        }
    }

    /// As an lz4 block, or as it is where that is no shorter.
    #[must_use]
    pub fn compressed(bytes: Bytes) -> Self {
        let block = lz4_flex::block::compress(&bytes);
        if block.len() >= bytes.len() {
            return Self::plain(bytes);
        }
        Self {
            compressed_from: Some(bytes.len() as u64),
            bytes: Bytes::from(block),
        }
    }

    /// The request's encoding again.
    ///
    /// # Errors
    /// [`Malformed`] when `bytes` is no lz4 block of what it says.
    pub fn inflated(&self) -> Result<Bytes, Malformed> {
        match self.compressed_from {
            None => Ok(self.bytes.clone()),
            Some(bytes) => inflate(&self.bytes, usize::try_from(bytes).unwrap_or(usize::MAX)),
        }
    }
}

impl FrameHeader {
    /// Puts a head before `payload`. `ticket` numbers the frame on its connection.
    ///
    /// # Errors
    /// [`Malformed`] when it is too long for a gRPC message.
    pub fn encode(&self, ticket: u64, payload: &Payload) -> Result<Encoded, Malformed> {
        let header = self.message(payload.compressed_from);
        let header_bytes = header.encoded_len();
        let mut head = BytesMut::with_capacity(PREFIX_BYTES + FIELDS_BYTES_MAX + header_bytes);
        head.put_slice(&[0; PREFIX_BYTES]);
        head.put_u8(TICKET_KEY);
        encode_varint(ticket, &mut head);
        head.put_u8(HEADER_KEY);
        encode_varint(header_bytes as u64, &mut head);
        header.encode_raw(&mut head);
        head.put_u8(PAYLOAD_KEY);
        encode_varint(payload.bytes.len() as u64, &mut head);
        let prefix = prefix(head.len() - PREFIX_BYTES + payload.bytes.len())?;
        if let Some(place) = head.first_chunk_mut() {
            *place = prefix;
        }
        Ok(Encoded {
            head: head.freeze(),
            payload: payload.bytes.clone(),
        })
    }

    fn message(&self, compressed_from: Option<u64>) -> HeaderMessage {
        let (kind, traces) = match &self.kind {
            FrameKind::Spans => (0, Vec::new()),
            FrameKind::HandedOver(traces) => {
                (1, traces.iter().map(HandedOverTrace::message).collect())
            }
        };
        let marks = self.marks.iter().map(|mark| StreamMarkMessage {
            stream: mark.stream,
            low_water: mark.low_water,
        });
        HeaderMessage {
            name: Some((&self.name).into()),
            low_water: self.low_water,
            addressee: Some((&self.addressee).into()),
            path: self.path.iter().map(Into::into).collect(),
            mark: self.mark.as_ref().map(Mark::message),
            first_names: self.first_names.iter().map(Into::into).collect(),
            metadata: self.metadata.as_deref().map(Into::into),
            kind,
            traces,
            marks: marks.collect(),
            compression: u32::from(compressed_from.is_some()),
            uncompressed_bytes: compressed_from.unwrap_or_default(),
        }
    }
}

impl Mark {
    fn message(&self) -> MarkMessage {
        MarkMessage {
            giver: Some((&self.of.giver).into()),
            number: self.of.number,
            target: Some((&self.target).into()),
        }
    }
}

impl HandedOverTrace {
    fn message(&self) -> TraceMessage {
        TraceMessage {
            trace_id: self.trace_id.0.to_vec(),
            age_ms: self.age_ms,
            remaining_ms: self.remaining_ms,
            names: self.names.iter().map(NameMessage::from).collect(),
        }
    }
}
