//! The JSON form of each message, field by field under the names of the generated types.
//!
//! serde writes the foreign types through these (`remote`), in camel case. They are never made.

use opentelemetry_proto::tonic::collector::trace::v1 as collector;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use serde::Serialize;
use serde::ser::Serializer;

use super::{AsJson, JsonForm};
use crate::otlp::ids::push_hex;

macro_rules! written_as {
    ($($type:path => $form:ident),* $(,)?) => {
        $(impl JsonForm for $type {
            fn write<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
                $form::serialize(self, json)
            }
        })*
    };
}

written_as! {
    collector::ExportTraceServiceRequest => ExportTraceServiceRequest,
    trace::ResourceSpans => ResourceSpans,
    resource::Resource => Resource,
    common::EntityRef => EntityRef,
    trace::ScopeSpans => ScopeSpans,
    common::InstrumentationScope => InstrumentationScope,
    trace::Span => Span,
    trace::span::Event => Event,
    trace::span::Link => Link,
    trace::Status => Status,
    common::KeyValue => KeyValue,
    common::ArrayValue => ArrayValue,
    common::KeyValueList => KeyValueList,
}

#[derive(Serialize)]
#[serde(
    remote = "collector::ExportTraceServiceRequest",
    rename_all = "camelCase"
)]
struct ExportTraceServiceRequest {
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    resource_spans: Vec<trace::ResourceSpans>,
}

#[derive(Serialize)]
#[serde(remote = "trace::ResourceSpans", rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(serialize_with = "present", skip_serializing_if = "Option::is_none")]
    resource: Option<resource::Resource>,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    scope_spans: Vec<trace::ScopeSpans>,
    #[serde(skip_serializing_if = "String::is_empty")]
    schema_url: String,
}

#[derive(Serialize)]
#[serde(remote = "resource::Resource", rename_all = "camelCase")]
struct Resource {
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<common::KeyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    entity_refs: Vec<common::EntityRef>,
}

#[derive(Serialize)]
#[serde(remote = "common::EntityRef", rename_all = "camelCase")]
struct EntityRef {
    #[serde(skip_serializing_if = "String::is_empty")]
    schema_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    r#type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    id_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    description_keys: Vec<String>,
}

#[derive(Serialize)]
#[serde(remote = "trace::ScopeSpans", rename_all = "camelCase")]
struct ScopeSpans {
    #[serde(serialize_with = "present", skip_serializing_if = "Option::is_none")]
    scope: Option<common::InstrumentationScope>,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    spans: Vec<trace::Span>,
    #[serde(skip_serializing_if = "String::is_empty")]
    schema_url: String,
}

#[derive(Serialize)]
#[serde(remote = "common::InstrumentationScope", rename_all = "camelCase")]
struct InstrumentationScope {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<common::KeyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
}

#[derive(Serialize)]
#[serde(remote = "trace::Span", rename_all = "camelCase")]
struct Span {
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    trace_id: Vec<u8>,
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    span_id: Vec<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_state: String,
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    parent_span_id: Vec<u8>,
    #[serde(skip_serializing_if = "is_zero")]
    flags: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    kind: i32,
    #[serde(serialize_with = "quoted", skip_serializing_if = "is_zero")]
    start_time_unix_nano: u64,
    #[serde(serialize_with = "quoted", skip_serializing_if = "is_zero")]
    end_time_unix_nano: u64,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<common::KeyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    events: Vec<trace::span::Event>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_events_count: u32,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    links: Vec<trace::span::Link>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_links_count: u32,
    #[serde(serialize_with = "present", skip_serializing_if = "Option::is_none")]
    status: Option<trace::Status>,
}

#[derive(Serialize)]
#[serde(remote = "trace::span::Event", rename_all = "camelCase")]
struct Event {
    #[serde(serialize_with = "quoted", skip_serializing_if = "is_zero")]
    time_unix_nano: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<common::KeyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
}

#[derive(Serialize)]
#[serde(remote = "trace::span::Link", rename_all = "camelCase")]
struct Link {
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    trace_id: Vec<u8>,
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    span_id: Vec<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_state: String,
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<common::KeyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_attributes_count: u32,
    #[serde(skip_serializing_if = "is_zero")]
    flags: u32,
}

#[derive(Serialize)]
#[serde(remote = "trace::Status", rename_all = "camelCase")]
struct Status {
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "is_zero")]
    code: i32,
}

#[derive(Serialize)]
#[serde(remote = "common::KeyValue", rename_all = "camelCase")]
struct KeyValue {
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    #[serde(serialize_with = "present", skip_serializing_if = "Option::is_none")]
    value: Option<common::AnyValue>,
    #[serde(skip_serializing_if = "is_zero")]
    key_strindex: i32,
}

#[derive(Serialize)]
#[serde(remote = "common::ArrayValue", rename_all = "camelCase")]
struct ArrayValue {
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    values: Vec<common::AnyValue>,
}

#[derive(Serialize)]
#[serde(remote = "common::KeyValueList", rename_all = "camelCase")]
struct KeyValueList {
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    values: Vec<common::KeyValue>,
}

fn list<T: JsonForm, S: Serializer>(messages: &[T], json: S) -> Result<S::Ok, S::Error> {
    json.collect_seq(messages.iter().map(AsJson))
}

fn present<T: JsonForm, S: Serializer>(message: &Option<T>, json: S) -> Result<S::Ok, S::Error> {
    message.as_ref().map(AsJson).serialize(json)
}

fn hex<S: Serializer>(bytes: &[u8], json: S) -> Result<S::Ok, S::Error> {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    json.serialize_str(&text)
}

/// 64-bit integers are strings: JavaScript's numbers are doubles.
fn quoted<S: Serializer>(value: &u64, json: S) -> Result<S::Ok, S::Error> {
    json.collect_str(value)
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
