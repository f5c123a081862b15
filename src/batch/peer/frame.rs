//! A frame: one named batch of spans on its way between two replicas.
//!
//! ```text
//! message Frame { uint64 ticket = 1; Header header = 2; bytes payload = 3; }
//! ```
//! in this order, the ticket first and always there, so that a frame without room can be answered by its first bytes,
//! and the payload last, so that it can be written and read without being copied.

mod decode;
mod encode;

use std::sync::Arc;

use bytes::Bytes;

use super::super::metadata::RequestMetadata;
use super::super::replica::{BatchName, Life, MoveId};
use crate::otlp::ids::TraceId;

pub use decode::{Received, TICKET_BYTES_MAX, read_ticket};
pub use encode::{Encoded, Payload};

/// Most replicas that a frame goes through (rule 4).
pub const HOPS_MAX: usize = 3;

/// A frame as its receiver has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Everything about it.
    pub header: FrameHeader,
    /// The encoding of an `ExportTraceServiceRequest`.
    pub payload: Bytes,
}

/// Of a frame, all but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameHeader {
    /// Its name; a retry has the same (rule 5). One who passes it on keeps it.
    pub name: BatchName,
    /// Of the name's stream, every sequence below this is finished: its names may be forgotten, and a frame that still
    /// arrives under one is a stray copy, to be answered as applied and not applied.
    pub low_water: u64,
    /// The same of other streams of the name's sender, told now and then.
    pub marks: Vec<StreamMark>,
    /// Who is to take it; any other life answers that it is not meant.
    pub addressee: Life,
    /// The lives that it has gone through, its sender first; at most [`HOPS_MAX`].
    pub path: Vec<Life>,
    /// Set where a holder passes spans to the target of a move (rules 1, 2).
    pub mark: Option<Mark>,
    /// Names under which these spans came first, where whoever had taken them sends them on as its own.
    pub first_names: Vec<BatchName>,
    /// Headers of `include_metadata`; not interned yet.
    pub metadata: Option<Arc<RequestMetadata>>,
    /// What the spans are.
    pub kind: FrameKind,
}

/// A move, as frames are marked with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The move, and so the giver.
    pub of: MoveId,
    /// Its target; another incarnation of it ignores the mark (rule 11).
    pub target: Life,
}

/// How far a stream is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamMark {
    /// The stream.
    pub stream: u32,
    /// Every sequence below this is finished.
    pub low_water: u64,
}

/// What a frame's spans are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameKind {
    /// Spans on their way to the holder of their slots.
    Spans,
    /// Undecided traces that a leaving replica hands over whole (rule 10).
    HandedOver(Vec<HandedOverTrace>),
}

/// A trace that is handed over. Its times are spans of time: the clocks of two replicas are never compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOverTrace {
    /// Which.
    pub trace_id: TraceId,
    /// Time since its first span arrived, in milliseconds.
    pub age_ms: u64,
    /// Time left until its decision, in milliseconds.
    pub remaining_ms: u64,
    /// The names applied to it (rule 6).
    pub names: Vec<BatchName>,
}

#[cfg(test)]
mod tests;
