//! Where and why bytes are no `ExportTraceServiceRequest`.

use std::fmt;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// The bytes end within the field.
    #[error("the bytes end within it")]
    Truncated,
    /// More than ten bytes, or more than 64 bits.
    #[error("invalid varint")]
    InvalidVarint,
    /// Field number 0 or above 2^29 - 1.
    #[error("invalid field number")]
    InvalidFieldNumber,
    /// Wire type 6 or 7.
    #[error("invalid wire type {0}")]
    InvalidWireType(u8),
    /// A known field has another wire type than its declaration.
    #[error("wire type {found} where {expected} is declared")]
    UnexpectedWireType {
        /// What the bytes say.
        found: u8,
        /// What OTLP declares.
        expected: u8,
    },
    /// An end-group tag that closes no group.
    #[error("end of a group that was not begun")]
    UnexpectedEndGroup,
    /// A string field that is not UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// More than 100 levels of messages.
    #[error("nested more than 100 levels deep")]
    TooDeep,
}

/// A fault, the field it is in and the byte offset at which the field's content begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// What is wrong.
    pub fault: WireFault,
    /// Offset in the inflated body, in bytes.
    pub byte_offset: usize,
    path: Vec<&'static str>,
}

impl WireError {
    pub(super) fn at(byte_offset: usize, fault: WireFault) -> Box<Self> {
        Box::new(Self {
            fault,
            byte_offset,
            path: Vec::new(),
        })
    }

    /// Notes the field that the fault is in; callers do so from the inside out.
    pub(super) fn within(mut self: Box<Self>, field: &'static str) -> Box<Self> {
        self.path.push(field);
        self
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field ")?;
        if self.path.is_empty() {
            f.write_str("(top level)")?;
        }
        for (index, field) in self.path.iter().rev().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{field}")?;
        }
        write!(f, " at byte {}: {}", self.byte_offset, self.fault)
    }
}

impl std::error::Error for WireError {}
