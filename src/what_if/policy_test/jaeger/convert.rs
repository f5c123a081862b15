//! From Jaeger's model to that of OTLP.

use std::path::Path;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::Value;

use super::JaegerError;
use super::schema::{self, Download, Log, Process, Tag};

const STATUS_OK: i32 = 1;
const STATUS_ERROR: i32 = 2;

/// Converts the content of one file.
pub(super) struct Converter<'a> {
    pub(super) path: &'a Path,
}

impl Converter<'_> {
    /// A `ResourceSpans` for each span, as spans of several services arrive.
    pub(super) fn request(
        &self,
        download: Download,
    ) -> Result<ExportTraceServiceRequest, JaegerError> {
        let mut resource_spans = Vec::new();
        for trace in download.data {
            for span in trace.spans {
                let process = trace.processes.get(&span.process_id);
                let (scope, span) = self.span(span)?;
                resource_spans.push(ResourceSpans {
                    resource: process.map(resource),
                    scope_spans: vec![ScopeSpans {
                        scope: Some(scope),
                        spans: vec![span],
                        ..ScopeSpans::default()
                    }],
                    ..ResourceSpans::default()
                });
            }
        }
        Ok(ExportTraceServiceRequest { resource_spans })
    }

    fn span(&self, span: schema::Span) -> Result<(InstrumentationScope, Span), JaegerError> {
        let trace_id = self.identifier(&span.trace_id, 16)?;
        let (parent_span_id, links) = self.references(&span, &trace_id)?;
        let mut converted = Span {
            span_id: self.identifier(&span.span_id, 8)?,
            trace_id,
            parent_span_id,
            links,
            name: span.operation_name,
            flags: span.flags & 0xff,
            start_time_unix_nano: span.start_time.saturating_mul(1_000),
            end_time_unix_nano: span
                .start_time
                .saturating_add(span.duration)
                .saturating_mul(1_000),
            events: span.logs.unwrap_or_default().iter().map(event).collect(),
            ..Span::default()
        };
        let mut scope = InstrumentationScope::default();
        for tag in &span.tags {
            if !take_field(tag, &mut converted, &mut scope) {
                converted.attributes.push(attribute(tag));
            }
        }
        Ok((scope, converted))
    }

    /// The parent is the first CHILD_OF within the trace; all others are links.
    fn references(
        &self,
        span: &schema::Span,
        trace_id: &[u8],
    ) -> Result<(Vec<u8>, Vec<Link>), JaegerError> {
        let mut parent = match &span.parent_span_id {
            Some(parent) if !parent.is_empty() => self.identifier(parent, 8)?,
            _ => Vec::new(),
        };
        let mut links = Vec::new();
        for reference in &span.references {
            let of_trace = self.identifier(&reference.trace_id, 16)?;
            let span_id = self.identifier(&reference.span_id, 8)?;
            let is_child = reference.ref_type == "CHILD_OF" && of_trace == trace_id;
            if is_child && (parent.is_empty() || parent == span_id) {
                parent = span_id;
                continue;
            }
            links.push(Link {
                trace_id: of_trace,
                span_id,
                ..Link::default()
            });
        }
        Ok((parent, links))
    }

    /// An identifier of `bytes` bytes; Jaeger leaves zeros on the left out.
    fn identifier(&self, text: &str, bytes: usize) -> Result<Vec<u8>, JaegerError> {
        let digits = 2 * bytes;
        let number = u128::from_str_radix(text, 16).ok();
        let is_hex = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.filter(|_| is_hex);
        let number = number.ok_or_else(|| JaegerError::Identifier {
            path: self.path.to_owned(),
            id: text.to_owned(),
            digits,
        })?;
        let all = number.to_be_bytes();
        Ok(all.get(all.len() - bytes..).unwrap_or_default().to_vec())
    }
}

/// Whether a tag is a field of its own in OTLP; it is set then.
fn take_field(tag: &Tag, span: &mut Span, scope: &mut InstrumentationScope) -> bool {
    let text = tag.value.as_str().unwrap_or_default();
    match tag.key.as_str() {
        "span.kind" => {
            span.kind = match text {
                "internal" => 1,
                "server" => 2,
                "client" => 3,
                "producer" => 4,
                "consumer" => 5,
                _ => return false,
            }
        }
        "error" if tag.value == Value::Bool(true) || text == "true" => {
            span.status.get_or_insert_default().code = STATUS_ERROR;
        }
        "otel.status_code" => {
            span.status.get_or_insert_default().code = match text {
                "OK" => STATUS_OK,
                "ERROR" => STATUS_ERROR,
                _ => Status::default().code,
            }
        }
        "otel.status_description" => {
            text.clone_into(&mut span.status.get_or_insert_default().message);
        }
        "w3c.tracestate" => text.clone_into(&mut span.trace_state),
        "otel.scope.name" | "otel.library.name" => text.clone_into(&mut scope.name),
        "otel.scope.version" | "otel.library.version" => text.clone_into(&mut scope.version),
        _ => return false,
    }
    true
}

fn resource(process: &Process) -> Resource {
    let service = KeyValue {
        key: "service.name".to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(process.service_name.clone())),
        }),
        ..KeyValue::default()
    };
    Resource {
        attributes: std::iter::once(service)
            .chain(process.tags.iter().map(attribute))
            .collect(),
        ..Resource::default()
    }
}

/// A log is an event; its name stands in the field `event`.
fn event(log: &Log) -> Event {
    let is_name = |field: &&Tag| field.key == "event";
    let name = log.fields.iter().find(is_name);
    let name = name.and_then(|field| field.value.as_str());
    let fields = log.fields.iter().filter(|field| !is_name(field));
    Event {
        time_unix_nano: log.timestamp.saturating_mul(1_000),
        name: name.unwrap_or_default().to_owned(),
        attributes: fields.map(attribute).collect(),
        ..Event::default()
    }
}

fn attribute(tag: &Tag) -> KeyValue {
    KeyValue {
        key: tag.key.clone(),
        value: Some(AnyValue { value: value(tag) }),
        ..KeyValue::default()
    }
}

/// Numbers may be written as text, since scripts of browsers have only doubles.
fn value(tag: &Tag) -> Option<Any> {
    let text = match &tag.value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let typed = match tag.type_name.as_str() {
        "bool" => text.parse().ok().map(Any::BoolValue),
        "int64" => text.parse().ok().map(Any::IntValue),
        "float64" => text.parse().ok().map(Any::DoubleValue),
        _ => None,
    };
    Some(typed.unwrap_or(Any::StringValue(text)))
}
