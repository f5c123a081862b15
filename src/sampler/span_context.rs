//! What one span shows to the conditions of policies: its own fields, and the attributes that any of them asked for.
//!
//! A condition reserves a slot for every attribute that it names when it is compiled; slots are filled in the one pass
//! over a span's bytes that all policies share.

use crate::otlp::wire::span_fields::{EventFields, SpanFields};
use crate::otlp::wire::value::RawValue;

/// Whose attributes a slot is filled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AttributeSource {
    Span,
    Resource,
    Scope,
}

/// A place in [`SpanContext::slots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SlotId(pub(crate) u32);

/// Gives out slots while policies are compiled.
pub(crate) trait SlotAllocator {
    /// The slot of this attribute; the same one for all who ask.
    fn slot(&mut self, source: AttributeSource, key: &str) -> SlotId;
}

/// One span, read once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanContext<'a> {
    pub(crate) fields: &'a SpanFields<'a>,
    /// Values by slot. Of an attribute that stands twice, the first.
    pub(crate) slots: &'a [Option<RawValue<'a>>],
    /// The encoded `Span`.
    pub(crate) span: &'a [u8],
    /// Encoded fields of `ResourceSpans` other than `scope_spans`.
    pub(crate) resource: &'a [u8],
    /// Encoded fields of `ScopeSpans` other than `spans`.
    pub(crate) scope: &'a [u8],
    /// The event at hand, for conditions on events.
    pub(crate) event: Option<&'a EventFields<'a>>,
}

impl<'a> SpanContext<'a> {
    /// The value in a slot.
    #[inline]
    pub(crate) fn slot(&self, slot: SlotId) -> Option<RawValue<'a>> {
        self.slots.get(slot.0 as usize).copied().flatten()
    }
}
