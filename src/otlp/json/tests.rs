//! The rules of OTLP/JSON, one test each, and round trips over generated requests.

mod encoding;
mod errors;
mod nesting;
mod reading;
mod round_trip;
mod values;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::{JsonError, decode_request, encode_request};

fn request(json: &str) -> ExportTraceServiceRequest {
    let protobuf = decode_request(json.as_bytes()).unwrap();
    ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap()
}

/// A request of one span with these fields.
fn request_json(span_fields: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{span_fields}}}]}}]}}]}}"#)
}

fn span(span_fields: &str) -> Span {
    let mut request = request(&request_json(span_fields));
    request
        .resource_spans
        .remove(0)
        .scope_spans
        .remove(0)
        .spans
        .remove(0)
}

fn attribute(key_value_json: &str) -> KeyValue {
    span(&format!(r#""attributes":[{key_value_json}]"#))
        .attributes
        .remove(0)
}

/// The value of an attribute with this `AnyValue`.
fn value(any_value_json: &str) -> Option<Value> {
    attribute(&format!(r#"{{"key":"k","value":{any_value_json}}}"#))
        .value
        .unwrap()
        .value
}

fn error(json: &str) -> JsonError {
    decode_request(json.as_bytes()).unwrap_err()
}

/// Why a request of one span with these fields is refused; the path must end in `field`.
fn span_error(span_fields: &str, field: &str) -> String {
    let error = error(&request_json(span_fields));
    let path = format!("resourceSpans[0].scopeSpans[0].spans[0].{field}");
    assert_eq!(error.path, path, "{error}");
    error.reason
}

fn value_error(any_value_json: &str, member: &str) -> String {
    let fields = format!(r#""attributes":[{{"value":{any_value_json}}}]"#);
    span_error(&fields, &format!("attributes[0].value.{member}"))
}

fn request_of(span: Span) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn encode(request: &ExportTraceServiceRequest) -> String {
    String::from_utf8(encode_request(&request.encode_to_vec()).unwrap()).unwrap()
}
