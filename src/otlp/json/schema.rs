//! The trace messages of OTLP 1.9 as a table: each field's JSON name, proto name, number and type.
//!
//! Profiles' `stringValueStrindex` and `keyStrindex` mean nothing in traces; they are passed on as they came.

use opentelemetry_proto::tonic::trace::v1::{span::SpanKind, status::StatusCode};

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
    TextList,
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
    Message(&'static Message),
    MessageList(&'static Message),
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

pub(super) static EXPORT_TRACE_SERVICE_REQUEST: Message = message(
    "an ExportTraceServiceRequest object",
    &[field(
        "resourceSpans",
        "resource_spans",
        1,
        Kind::MessageList(&RESOURCE_SPANS),
    )],
);

static RESOURCE_SPANS: Message = message(
    "a ResourceSpans object",
    &[
        field("resource", "resource", 1, Kind::Message(&RESOURCE)),
        field(
            "scopeSpans",
            "scope_spans",
            2,
            Kind::MessageList(&SCOPE_SPANS),
        ),
        field("schemaUrl", "schema_url", 3, Kind::Text),
    ],
);

static RESOURCE: Message = message(
    "a Resource object",
    &[
        field("attributes", "attributes", 1, Kind::MessageList(&KEY_VALUE)),
        field(
            "droppedAttributesCount",
            "dropped_attributes_count",
            2,
            Kind::Uint32,
        ),
        field(
            "entityRefs",
            "entity_refs",
            3,
            Kind::MessageList(&ENTITY_REF),
        ),
    ],
);

static ENTITY_REF: Message = message(
    "an EntityRef object",
    &[
        field("schemaUrl", "schema_url", 1, Kind::Text),
        field("type", "type", 2, Kind::Text),
        field("idKeys", "id_keys", 3, Kind::TextList),
        field("descriptionKeys", "description_keys", 4, Kind::TextList),
    ],
);

static SCOPE_SPANS: Message = message(
    "a ScopeSpans object",
    &[
        field("scope", "scope", 1, Kind::Message(&SCOPE)),
        field("spans", "spans", 2, Kind::MessageList(&SPAN)),
        field("schemaUrl", "schema_url", 3, Kind::Text),
    ],
);

static SCOPE: Message = message(
    "an InstrumentationScope object",
    &[
        field("name", "name", 1, Kind::Text),
        field("version", "version", 2, Kind::Text),
        field("attributes", "attributes", 3, Kind::MessageList(&KEY_VALUE)),
        field(
            "droppedAttributesCount",
            "dropped_attributes_count",
            4,
            Kind::Uint32,
        ),
    ],
);

static SPAN: Message = message(
    "a Span object",
    &[
        field("traceId", "trace_id", 1, Kind::Id),
        field("spanId", "span_id", 2, Kind::Id),
        field("traceState", "trace_state", 3, Kind::Text),
        field("parentSpanId", "parent_span_id", 4, Kind::Id),
        field("name", "name", 5, Kind::Text),
        field("kind", "kind", 6, Kind::Enum(span_kind)),
        field(
            "startTimeUnixNano",
            "start_time_unix_nano",
            7,
            Kind::Fixed64,
        ),
        field("endTimeUnixNano", "end_time_unix_nano", 8, Kind::Fixed64),
        field("attributes", "attributes", 9, Kind::MessageList(&KEY_VALUE)),
        field(
            "droppedAttributesCount",
            "dropped_attributes_count",
            10,
            Kind::Uint32,
        ),
        field("events", "events", 11, Kind::MessageList(&EVENT)),
        field(
            "droppedEventsCount",
            "dropped_events_count",
            12,
            Kind::Uint32,
        ),
        field("links", "links", 13, Kind::MessageList(&LINK)),
        field("droppedLinksCount", "dropped_links_count", 14, Kind::Uint32),
        field("status", "status", 15, Kind::Message(&STATUS)),
        field("flags", "flags", 16, Kind::Fixed32),
    ],
);

static EVENT: Message = message(
    "an Event object",
    &[
        field("timeUnixNano", "time_unix_nano", 1, Kind::Fixed64),
        field("name", "name", 2, Kind::Text),
        field("attributes", "attributes", 3, Kind::MessageList(&KEY_VALUE)),
        field(
            "droppedAttributesCount",
            "dropped_attributes_count",
            4,
            Kind::Uint32,
        ),
    ],
);

static LINK: Message = message(
    "a Link object",
    &[
        field("traceId", "trace_id", 1, Kind::Id),
        field("spanId", "span_id", 2, Kind::Id),
        field("traceState", "trace_state", 3, Kind::Text),
        field("attributes", "attributes", 4, Kind::MessageList(&KEY_VALUE)),
        field(
            "droppedAttributesCount",
            "dropped_attributes_count",
            5,
            Kind::Uint32,
        ),
        field("flags", "flags", 6, Kind::Fixed32),
    ],
);

static STATUS: Message = message(
    "a Status object",
    &[
        field("message", "message", 2, Kind::Text),
        field("code", "code", 3, Kind::Enum(status_code)),
    ],
);

static KEY_VALUE: Message = message(
    "a KeyValue object",
    &[
        field("key", "key", 1, Kind::Text),
        field("value", "value", 2, Kind::Message(&ANY_VALUE)),
        field("keyStrindex", "key_strindex", 3, Kind::Int32),
    ],
);

static ANY_VALUE: Message = Message {
    expected: "an AnyValue object",
    is_oneof: true,
    fields: &[
        field("stringValue", "string_value", 1, Kind::Text),
        field("boolValue", "bool_value", 2, Kind::Bool),
        field("intValue", "int_value", 3, Kind::Int64),
        field("doubleValue", "double_value", 4, Kind::Double),
        field("arrayValue", "array_value", 5, Kind::Message(&ARRAY_VALUE)),
        field(
            "kvlistValue",
            "kvlist_value",
            6,
            Kind::Message(&KEY_VALUE_LIST),
        ),
        field("bytesValue", "bytes_value", 7, Kind::Bytes),
        field(
            "stringValueStrindex",
            "string_value_strindex",
            8,
            Kind::Int32,
        ),
    ],
};

static ARRAY_VALUE: Message = message(
    "an ArrayValue object",
    &[field("values", "values", 1, Kind::MessageList(&ANY_VALUE))],
);

static KEY_VALUE_LIST: Message = message(
    "a KeyValueList object",
    &[field("values", "values", 1, Kind::MessageList(&KEY_VALUE))],
);

fn span_kind(name: &str) -> Option<i32> {
    SpanKind::from_str_name(name).map(i32::from)
}

fn status_code(name: &str) -> Option<i32> {
    StatusCode::from_str_name(name).map(i32::from)
}
