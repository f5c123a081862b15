//! Reads frames. The payload stays where it arrived.

use bytes::Bytes;
use prost::Message as _;

use super::super::super::replica::BatchName;
use super::super::message::Pieces;
use super::super::wire::{HeaderMessage, NameMessage, TraceMessage, required};
use super::super::{MESSAGE_BYTES_MAX, Malformed};
use super::encode::{HEADER_KEY, PAYLOAD_KEY, TICKET_KEY};
use super::{Frame, FrameHeader, FrameKind, HOPS_MAX, HandedOverTrace, Mark, StreamMark};
use crate::otlp::ids::TraceId;

/// Bytes at the begin of a frame in which its ticket is.
pub const TICKET_BYTES_MAX: usize = 11;

/// A frame that may still be compressed: its receiver makes room for what it will be first.
#[derive(Debug, Clone)]
pub struct Received {
    header: FrameHeader,
    payload: Bytes,
    inflated_bytes: Option<usize>,
}

/// Reads the ticket off the begin of a frame.
///
/// # Errors
/// [`Malformed`]; whom to answer is not known then.
pub fn read_ticket(frame: &mut Pieces) -> Result<u64, Malformed> {
    if frame.byte() != Some(TICKET_KEY) {
        return Err(Malformed::new("a frame does not begin with its ticket"));
    }
    varint(frame)
}

impl Received {
    /// Reads what follows the ticket.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(mut frame: Pieces) -> Result<Self, Malformed> {
        let mut header = None;
        let mut payload = None;
        while !frame.is_empty() {
            let key = varint(&mut frame)?;
            match u8::try_from(key) {
                Ok(HEADER_KEY) => header = Some(delimited(&mut frame)?),
                Ok(PAYLOAD_KEY) => payload = Some(delimited(&mut frame)?),
                _ => skip(&mut frame, key)?,
            }
        }
        let header = HeaderMessage::decode(required(header, "the frame's header")?)
            .map_err(|error| Malformed(format!("the frame's header: {error}")))?;
        let inflated_bytes = match header.compression {
            0 => None,
            1 => Some(inflated_bytes(header.uncompressed_bytes)?),
            other => return Err(Malformed(format!("compression {other} is not known"))),
        };
        Ok(Self {
            header: read_header(header)?,
            payload: payload.unwrap_or_default(),
            inflated_bytes,
        })
    }

    /// Who is to take it.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Bytes that inflating it takes beside those that it has; 0 if it is not compressed.
    #[must_use]
    pub fn inflated_bytes(&self) -> usize {
        self.inflated_bytes.unwrap_or_default()
    }

    /// The frame, inflated.
    ///
    /// # Errors
    /// [`Malformed`] when the payload is no lz4 block of the length that the header says.
    pub fn inflate(self) -> Result<Frame, Malformed> {
        let payload = match self.inflated_bytes {
            None => self.payload,
            Some(bytes) => inflate(&self.payload, bytes)?,
        };
        Ok(Frame {
            header: self.header,
            payload,
        })
    }
}

/// Inflates a block of what was `bytes` bytes.
pub(super) fn inflate(block: &[u8], bytes: usize) -> Result<Bytes, Malformed> {
    let inflated = lz4_flex::block::decompress(block, bytes)
        .map_err(|error| Malformed(format!("the frame's lz4 block: {error}")))?;
    if inflated.len() != bytes {
        return Err(Malformed::new("the frame's lz4 block has another length"));
    }
    Ok(Bytes::from(inflated))
}

fn inflated_bytes(declared: u64) -> Result<usize, Malformed> {
    let bytes = usize::try_from(declared).ok();
    bytes
        .filter(|bytes| *bytes <= MESSAGE_BYTES_MAX)
        .ok_or_else(|| Malformed(format!("a payload would inflate to {declared} bytes")))
}

fn read_header(message: HeaderMessage) -> Result<FrameHeader, Malformed> {
    let mark = message.mark.map(|mark| {
        Ok(Mark {
            of: mark.read_move()?,
            target: required(mark.target, "mark.target")?.read("mark.target")?,
        })
    });
    let kind = match message.kind {
        0 => FrameKind::Spans,
        1 => FrameKind::HandedOver(
            message
                .traces
                .into_iter()
                .map(read_trace)
                .collect::<Result<_, _>>()?,
        ),
        other => return Err(Malformed(format!("a frame of unknown kind {other}"))),
    };
    if message.path.len() > HOPS_MAX {
        return Err(Malformed(format!("path: more than {HOPS_MAX} replicas")));
    }
    let path = message.path.into_iter().map(|life| life.read("path"));
    let marks = message.marks.into_iter().map(|mark| StreamMark {
        stream: mark.stream,
        low_water: mark.low_water,
    });
    Ok(FrameHeader {
        name: required(message.name, "name")?.read("name")?,
        low_water: message.low_water,
        marks: marks.collect(),
        addressee: required(message.addressee, "addressee")?.read("addressee")?,
        path: path.collect::<Result<_, _>>()?,
        mark: mark.transpose()?,
        first_names: read_names(message.first_names, "first_names")?,
        metadata: message.metadata.map(|metadata| metadata.into_metadata()),
        kind,
    })
}

fn read_trace(trace: TraceMessage) -> Result<HandedOverTrace, Malformed> {
    let trace_id = TraceId::from_wire(&trace.trace_id);
    Ok(HandedOverTrace {
        trace_id: required(trace_id, "traces.trace_id")?,
        age_ms: trace.age_ms,
        remaining_ms: trace.remaining_ms,
        names: read_names(trace.names, "traces.names")?,
    })
}

fn read_names(names: Vec<NameMessage>, field: &str) -> Result<Vec<BatchName>, Malformed> {
    names.into_iter().map(|name| name.read(field)).collect()
}

fn varint(frame: &mut Pieces) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for index in 0..10 {
        let byte = frame.byte();
        let byte = byte.ok_or_else(|| Malformed::new("a frame is cut short"))?;
        value |= u64::from(byte & 0x7f).wrapping_shl(7 * index);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed::new("a number in a frame does not end"))
}

fn delimited(frame: &mut Pieces) -> Result<Bytes, Malformed> {
    let length = varint(frame)?;
    let length = usize::try_from(length).map_err(|_| Malformed::new("a frame is cut short"))?;
    frame.take(length)
}

/// Passes over a field that this version does not know.
fn skip(frame: &mut Pieces, key: u64) -> Result<(), Malformed> {
    match key & 7 {
        0 => varint(frame).map(drop),
        1 => frame.take(8).map(drop),
        2 => delimited(frame).map(drop),
        5 => frame.take(4).map(drop),
        other => Err(Malformed(format!("a frame has a field of type {other}"))),
    }
}
