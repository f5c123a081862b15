//! How deep values may nest.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::{error, request_json, request_of};
use crate::otlp::json::{decode_request, encode_request};

const ARRAY: (&str, &str) = (r#"{"arrayValue":{"values":["#, "]}}");
const PAIRS: (&str, &str) = (r#"{"kvlistValue":{"values":[{"value":"#, "}]}}");

/// A request of one event with a value nested `levels` deep.
fn nested((open, close): (&str, &str), levels: usize) -> String {
    let value = format!("{}{{}}{}", open.repeat(levels), close.repeat(levels));
    let attributes = format!(r#""attributes":[{{"value":{value}}}]"#);
    request_json(&format!(r#""events":[{{{attributes}}}]"#))
}

/// The most levels that are read.
fn levels_max(nesting: (&str, &str)) -> usize {
    let is_read = |levels: &usize| decode_request(nested(nesting, *levels).as_bytes()).is_ok();
    (0..200).take_while(is_read).last().unwrap()
}

#[test]
fn whatever_depth_is_read_can_be_decoded_and_written_and_read_again() {
    for (nesting, levels) in [(ARRAY, 38), (PAIRS, 28)] {
        assert_eq!(levels_max(nesting), levels);
        let json = nested(nesting, levels);
        let protobuf = decode_request(json.as_bytes()).unwrap();
        ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap();
        assert_eq!(encode_request(&protobuf).unwrap(), json.as_bytes());
    }
}

#[test]
fn nesting_beyond_the_limit_is_an_error_and_no_overflow_of_the_stack() {
    for nesting in [ARRAY, PAIRS] {
        for levels in [50, 100_000] {
            assert_eq!(
                error(&nested(nesting, levels)).reason,
                "recursion limit exceeded"
            );
        }
    }
    let endless = ARRAY.0.repeat(100_000);
    let json = format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"value":{endless}"#);
    assert_eq!(error(&json).reason, "recursion limit exceeded");
}

#[test]
fn unknown_fields_may_nest_as_deep_as_they_like() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        decode_request(format!(r#"{{"unknown":{deep}}}"#).as_bytes()),
        Ok(Vec::new())
    );
    assert!(
        decode_request(format!(r#"{{"unknown":{}"#, "[{\"a\":".repeat(100_000)).as_bytes())
            .is_err()
    );
}

#[test]
fn protobuf_beyond_its_own_limit_of_levels_is_not_written() {
    let mut value = AnyValue::default();
    for _ in 0..60 {
        let values = vec![value];
        value = AnyValue {
            value: Some(Value::ArrayValue(ArrayValue { values })),
        };
    }
    let attribute = KeyValue {
        value: Some(value),
        ..KeyValue::default()
    };
    let span = Span {
        attributes: vec![attribute],
        ..Span::default()
    };
    assert!(encode_request(&request_of(span).encode_to_vec()).is_err());
}
