//! Fields of spans, events, scopes and resources, and their maps of attributes.

use super::convert::hex;
use super::error::Reason;
use super::value::{Map, Value};
use crate::otlp::wire::span_fields::SPAN_EVENTS;
use crate::otlp::wire::value::{
    EVENT_ATTRIBUTES, RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES, SPAN_ATTRIBUTES, fields_of,
    last_varint,
};
use crate::sampler::span_context::{AttributeSource, SpanContext};

/// Field number of links in a `Span`.
const SPAN_LINKS: u32 = 13;

/// A field that is no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    TraceId,
    TraceIdText,
    SpanId,
    SpanIdText,
    ParentSpanId,
    ParentSpanIdText,
    TraceState,
    Name,
    Kind,
    KindText,
    KindDeprecatedText,
    StartTime,
    StartTimeUnixNano,
    EndTime,
    EndTimeUnixNano,
    Status,
    StatusCode,
    StatusMessage,
    Flags,
    Events,
    Links,
    DroppedAttributesCount,
    DroppedEventsCount,
    DroppedLinksCount,
    EventName,
    EventTime,
    EventTimeUnixNano,
    EventDroppedAttributesCount,
    EventIndex,
    ResourceDroppedAttributesCount,
    ResourceSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeDroppedAttributesCount,
    ScopeSchemaUrl,
}

/// Whose attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapSource {
    Attributes(AttributeSource),
    Event,
    /// OTTL's scratchpad for statements, which is always empty for conditions.
    Cache,
}

impl MapSource {
    pub(super) fn map<'e>(self, span: &'e SpanContext<'e>) -> Map<'e> {
        match self {
            Self::Attributes(AttributeSource::Span) => Map::Encoded {
                message: span.span,
                field: SPAN_ATTRIBUTES,
            },
            Self::Attributes(AttributeSource::Resource) => Map::Enveloped {
                envelope: span.resource,
                field: RESOURCE_ATTRIBUTES,
            },
            Self::Attributes(AttributeSource::Scope) => Map::Enveloped {
                envelope: span.scope,
                field: SCOPE_ATTRIBUTES,
            },
            Self::Event => Map::Encoded {
                message: span.event.map_or(&[], |event| event.encoded),
                field: EVENT_ATTRIBUTES,
            },
            Self::Cache => Map::Entries([].into()),
        }
    }
}

impl Field {
    /// Its value.
    ///
    /// # Errors
    /// [`Reason::NoEventIndex`].
    #[inline]
    pub(super) fn read<'e>(self, span: &'e SpanContext<'e>) -> Result<Value<'e>, Reason> {
        let fields = span.fields;
        Ok(match self {
            Self::Name => Value::text(fields.name),
            Self::Kind => Value::Int(i64::from(fields.kind)),
            Self::StatusCode => Value::Int(i64::from(fields.status_code)),
            Self::StatusMessage => Value::text(fields.status_message),
            Self::TraceState => Value::text(fields.trace_state),
            Self::TraceId => Value::TraceId(identifier(fields.trace_id)),
            Self::TraceIdText => owned_text(hex(&identifier::<16>(fields.trace_id))),
            Self::SpanId => Value::SpanId(identifier(fields.span_id)),
            Self::SpanIdText => owned_text(hex(&identifier::<8>(fields.span_id))),
            Self::ParentSpanId => Value::SpanId(identifier(fields.parent_span_id)),
            Self::ParentSpanIdText => owned_text(hex(&identifier::<8>(fields.parent_span_id))),
            Self::KindText => Value::text(kind_names(fields.kind).0),
            Self::KindDeprecatedText => Value::text(kind_names(fields.kind).1),
            // Times beyond 2262 wrap around, as in the collector.
            Self::StartTime => Value::Time(fields.start_ns.cast_signed()),
            Self::StartTimeUnixNano => Value::Int(fields.start_ns.cast_signed()),
            Self::EndTime => Value::Time(fields.end_ns.cast_signed()),
            Self::EndTimeUnixNano => Value::Int(fields.end_ns.cast_signed()),
            Self::Status => Value::Opaque("status", None),
            Self::Flags => Value::Int(i64::from(fields.flags)),
            Self::Events => counted("events", span.span, SPAN_EVENTS),
            Self::Links => counted("links", span.span, SPAN_LINKS),
            Self::DroppedAttributesCount => Value::Int(i64::from(fields.dropped_attributes_count)),
            Self::DroppedEventsCount => Value::Int(i64::from(fields.dropped_events_count)),
            Self::DroppedLinksCount => Value::Int(i64::from(fields.dropped_links_count)),
            Self::EventIndex => return Err(Reason::NoEventIndex),
            other => other.read_around(span),
        })
    }

    /// Fields of the event, the scope and the resource.
    fn read_around<'e>(self, span: &'e SpanContext<'e>) -> Value<'e> {
        let event = span.event.copied().unwrap_or_default();
        match self {
            Self::EventName => Value::text(event.name),
            Self::EventTime => Value::Time(event.time_ns.cast_signed()),
            Self::EventTimeUnixNano => Value::Int(event.time_ns.cast_signed()),
            Self::EventDroppedAttributesCount => {
                Value::Int(i64::from(event.dropped_attributes_count))
            }
            Self::ResourceDroppedAttributesCount => count_within(span.resource, 2),
            Self::ResourceSchemaUrl => last_text(span.resource, 3),
            Self::ScopeName => text_within(span.scope, 1),
            Self::ScopeVersion => text_within(span.scope, 2),
            Self::ScopeDroppedAttributesCount => count_within(span.scope, 4),
            Self::ScopeSchemaUrl => last_text(span.scope, 3),
            _ => Value::Nil,
        }
    }
}

fn owned_text<'e>(text: String) -> Value<'e> {
    Value::Text(text.into_bytes().into())
}

/// An identifier; one that is left out is all zeros.
fn identifier<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    bytes.try_into().unwrap_or([0; LENGTH])
}

fn kind_names(kind: i32) -> (&'static [u8], &'static [u8]) {
    match kind {
        0 => (b"Unspecified", b"SPAN_KIND_UNSPECIFIED"),
        1 => (b"Internal", b"SPAN_KIND_INTERNAL"),
        2 => (b"Server", b"SPAN_KIND_SERVER"),
        3 => (b"Client", b"SPAN_KIND_CLIENT"),
        4 => (b"Producer", b"SPAN_KIND_PRODUCER"),
        5 => (b"Consumer", b"SPAN_KIND_CONSUMER"),
        _ => (b"", b""),
    }
}

fn counted<'e>(name: &'static str, message: &[u8], field: u32) -> Value<'e> {
    Value::Opaque(name, Some(fields_of(message, field).count()))
}

fn last_text(message: &[u8], field: u32) -> Value<'_> {
    Value::text(fields_of(message, field).last().unwrap_or_default())
}

/// A text of the resource or scope in `envelope`, whose encodings merge if there are several.
fn text_within(envelope: &[u8], field: u32) -> Value<'_> {
    let texts = fields_of(envelope, 1).filter_map(|message| fields_of(message, field).last());
    Value::text(texts.last().unwrap_or_default())
}

/// A count of the resource or scope in `envelope`.
fn count_within<'e>(envelope: &[u8], field: u32) -> Value<'e> {
    let counts = fields_of(envelope, 1).filter_map(|message| last_varint(message, field));
    Value::Int(i64::from(counts.last().unwrap_or(0) as u32))
}
