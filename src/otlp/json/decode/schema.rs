//! The trace messages of OTLP, as opentelemetry-proto 0.33 has them, as a table: each field's JSON name, proto name,
//! number and type.
//!
//! Profiles' `stringValueStrindex` and `keyStrindex` mean nothing in traces; they are passed on as they came.

use opentelemetry_proto::tonic::trace::v1::{span::SpanKind, status::StatusCode};

use Kind::{
    Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int32, Int64, Object, Objects, Text, Texts,
    Uint32,
};

/// One message type.
pub(super) struct Message {
    /// What an error says was expected.
    pub(super) expected: &'static str,
    pub(super) fields: &'static [Field],
    /// All fields are members of one `oneof`: at most one is set, and it is written even where it is zero.
    pub(super) is_oneof: bool,
}

/// One field of a message.
pub(super) struct Field {
    pub(super) json_name: &'static str,
    /// The name in the `.proto` file, which protobuf's JSON parsers take as well.
    pub(super) proto_name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
}

/// A field's type: which JSON is read and which wire form is written.
pub(super) enum Kind {
    Text,
    Texts,
    /// Bytes as hexadecimal digits, of any length: only the receiver can refuse a single span.
    Id,
    /// Bytes as base64.
    Bytes,
    Bool,
    Int32,
    Int64,
    Uint32,
    Fixed32,
    Fixed64,
    Double,
    /// An enum, and the numbers of its names.
    Enum(fn(&str) -> Option<i32>),
    /// One nested message.
    Object(&'static Message),
    Objects(&'static Message),
}

const fn field(
    json_name: &'static str,
    proto_name: &'static str,
    number: u32,
    kind: Kind,
) -> Field {
    Field {
        json_name,
        proto_name,
        number,
        kind,
    }
}

const fn message(expected: &'static str, fields: &'static [Field]) -> Message {
    assert!(fields.len() <= 32, "readers keep one bit for each field");
    Message {
        expected,
        fields,
        is_oneof: false,
    }
}

const fn oneof(expected: &'static str, members: &'static [Field]) -> Message {
    Message {
        expected,
        fields: members,
        is_oneof: true,
    }
}

// One row a line: it is a table.

#[rustfmt::skip]
pub(super) static EXPORT_TRACE_SERVICE_REQUEST: Message = message("an ExportTraceServiceRequest object", &[
    field("resourceSpans", "resource_spans", 1, Objects(&RESOURCE_SPANS)),
]);

#[rustfmt::skip]
static RESOURCE_SPANS: Message = message("a ResourceSpans object", &[
    field("resource", "resource", 1, Object(&RESOURCE)),
    field("scopeSpans", "scope_spans", 2, Objects(&SCOPE_SPANS)),
    field("schemaUrl", "schema_url", 3, Text),
]);

#[rustfmt::skip]
static RESOURCE: Message = message("a Resource object", &[
    field("attributes", "attributes", 1, Objects(&KEY_VALUE)),
    field("droppedAttributesCount", "dropped_attributes_count", 2, Uint32),
    field("entityRefs", "entity_refs", 3, Objects(&ENTITY_REF)),
]);

#[rustfmt::skip]
static ENTITY_REF: Message = message("an EntityRef object", &[
    field("schemaUrl", "schema_url", 1, Text),
    field("type", "type", 2, Text),
    field("idKeys", "id_keys", 3, Texts),
    field("descriptionKeys", "description_keys", 4, Texts),
]);

#[rustfmt::skip]
static SCOPE_SPANS: Message = message("a ScopeSpans object", &[
    field("scope", "scope", 1, Object(&SCOPE)),
    field("spans", "spans", 2, Objects(&SPAN)),
    field("schemaUrl", "schema_url", 3, Text),
]);

#[rustfmt::skip]
static SCOPE: Message = message("an InstrumentationScope object", &[
    field("name", "name", 1, Text),
    field("version", "version", 2, Text),
    field("attributes", "attributes", 3, Objects(&KEY_VALUE)),
    field("droppedAttributesCount", "dropped_attributes_count", 4, Uint32),
]);

#[rustfmt::skip]
static SPAN: Message = message("a Span object", &[
    field("traceId", "trace_id", 1, Id),
    field("spanId", "span_id", 2, Id),
    field("traceState", "trace_state", 3, Text),
    field("parentSpanId", "parent_span_id", 4, Id),
    field("name", "name", 5, Text),
    field("kind", "kind", 6, Enum(span_kind)),
    field("startTimeUnixNano", "start_time_unix_nano", 7, Fixed64),
    field("endTimeUnixNano", "end_time_unix_nano", 8, Fixed64),
    field("attributes", "attributes", 9, Objects(&KEY_VALUE)),
    field("droppedAttributesCount", "dropped_attributes_count", 10, Uint32),
    field("events", "events", 11, Objects(&EVENT)),
    field("droppedEventsCount", "dropped_events_count", 12, Uint32),
    field("links", "links", 13, Objects(&LINK)),
    field("droppedLinksCount", "dropped_links_count", 14, Uint32),
    field("status", "status", 15, Object(&STATUS)),
    field("flags", "flags", 16, Fixed32),
]);

#[rustfmt::skip]
static EVENT: Message = message("an Event object", &[
    field("timeUnixNano", "time_unix_nano", 1, Fixed64),
    field("name", "name", 2, Text),
    field("attributes", "attributes", 3, Objects(&KEY_VALUE)),
    field("droppedAttributesCount", "dropped_attributes_count", 4, Uint32),
]);

#[rustfmt::skip]
static LINK: Message = message("a Link object", &[
    field("traceId", "trace_id", 1, Id),
    field("spanId", "span_id", 2, Id),
    field("traceState", "trace_state", 3, Text),
    field("attributes", "attributes", 4, Objects(&KEY_VALUE)),
    field("droppedAttributesCount", "dropped_attributes_count", 5, Uint32),
    field("flags", "flags", 6, Fixed32),
]);

#[rustfmt::skip]
static STATUS: Message = message("a Status object", &[
    field("message", "message", 2, Text),
    field("code", "code", 3, Enum(status_code)),
]);

#[rustfmt::skip]
static KEY_VALUE: Message = message("a KeyValue object", &[
    field("key", "key", 1, Text),
    field("value", "value", 2, Object(&ANY_VALUE)),
    field("keyStrindex", "key_strindex", 3, Int32),
]);

#[rustfmt::skip]
static ANY_VALUE: Message = oneof("an AnyValue object", &[
    field("stringValue", "string_value", 1, Text),
    field("boolValue", "bool_value", 2, Bool),
    field("intValue", "int_value", 3, Int64),
    field("doubleValue", "double_value", 4, Double),
    field("arrayValue", "array_value", 5, Object(&ARRAY_VALUE)),
    field("kvlistValue", "kvlist_value", 6, Object(&KEY_VALUE_LIST)),
    field("bytesValue", "bytes_value", 7, Bytes),
    field("stringValueStrindex", "string_value_strindex", 8, Int32),
]);

#[rustfmt::skip]
static ARRAY_VALUE: Message = message("an ArrayValue object", &[
    field("values", "values", 1, Objects(&ANY_VALUE)),
]);

#[rustfmt::skip]
static KEY_VALUE_LIST: Message = message("a KeyValueList object", &[
    field("values", "values", 1, Objects(&KEY_VALUE)),
]);

fn span_kind(name: &str) -> Option<i32> {
    SpanKind::from_str_name(name).map(i32::from)
}

fn status_code(name: &str) -> Option<i32> {
    StatusCode::from_str_name(name).map(i32::from)
}
