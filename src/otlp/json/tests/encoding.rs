//! What is written.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::{encode, request_json, request_of};
use crate::otlp::json::encode_request;

fn attribute(key: &str, value: Option<Value>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        key_strindex: 0,
    }
}

fn attributes_json(values: Vec<Value>) -> String {
    let attributes = values.into_iter().map(|value| attribute("", Some(value)));
    let span = Span {
        attributes: attributes.collect(),
        ..Span::default()
    };
    encode(&request_of(span))
}

#[test]
fn every_field_is_written_under_its_json_name() {
    let entity = EntityRef {
        schema_url: "e".to_owned(),
        r#type: "service".to_owned(),
        id_keys: vec!["a".to_owned()],
        description_keys: vec!["b".to_owned()],
    };
    let resource = Resource {
        attributes: vec![attribute("r", None)],
        dropped_attributes_count: 1,
        entity_refs: vec![entity],
    };
    let scope = InstrumentationScope {
        name: "lib".to_owned(),
        version: "2".to_owned(),
        attributes: vec![attribute("s", None)],
        dropped_attributes_count: 2,
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: Vec::new(),
        schema_url: "v".to_owned(),
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope_spans],
            schema_url: "u".to_owned(),
        }],
    };
    assert_eq!(
        encode(&request),
        concat!(
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"r","value":{}}],"droppedAttributesCount":1,"#,
            r#""entityRefs":[{"schemaUrl":"e","type":"service","idKeys":["a"],"descriptionKeys":["b"]}]},"#,
            r#""scopeSpans":[{"scope":{"name":"lib","version":"2","attributes":[{"key":"s","value":{}}],"#,
            r#""droppedAttributesCount":2},"schemaUrl":"v"}],"schemaUrl":"u"}]}"#,
        )
    );
}

#[test]
fn ids_are_lower_case_hexadecimal_enums_numbers_and_64_bit_integers_strings() {
    let event = Event {
        time_unix_nano: 3,
        name: "e".to_owned(),
        attributes: vec![attribute("a", None)],
        dropped_attributes_count: 4,
    };
    let link = Link {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        trace_state: "s".to_owned(),
        attributes: vec![attribute("b", None)],
        dropped_attributes_count: 5,
        flags: 6,
    };
    let span = Span {
        trace_id: vec![0xAB; 16],
        span_id: vec![0xEF; 8],
        trace_state: "ot=th:c".to_owned(),
        parent_span_id: vec![1; 8],
        flags: 257,
        name: "n".to_owned(),
        kind: 3,
        start_time_unix_nano: 1,
        end_time_unix_nano: u64::MAX,
        attributes: vec![attribute("c", Some(Value::IntValue(i64::MIN)))],
        dropped_attributes_count: 7,
        events: vec![event],
        dropped_events_count: 8,
        links: vec![link],
        dropped_links_count: 9,
        status: Some(Status {
            message: "no".to_owned(),
            code: 2,
        }),
    };
    assert_eq!(
        encode(&request_of(span)),
        request_json(concat!(
            r#""traceId":"abababababababababababababababab","spanId":"efefefefefefefef","traceState":"ot=th:c","#,
            r#""parentSpanId":"0101010101010101","flags":257,"name":"n","kind":3,"startTimeUnixNano":"1","#,
            r#""endTimeUnixNano":"18446744073709551615","#,
            r#""attributes":[{"key":"c","value":{"intValue":"-9223372036854775808"}}],"droppedAttributesCount":7,"#,
            r#""events":[{"timeUnixNano":"3","name":"e","attributes":[{"key":"a","value":{}}],"droppedAttributesCount":4}],"#,
            r#""droppedEventsCount":8,"#,
            r#""links":[{"traceId":"abababababababababababababababab","spanId":"cdcdcdcdcdcdcdcd","traceState":"s","#,
            r#""attributes":[{"key":"b","value":{}}],"droppedAttributesCount":5,"flags":6}],"droppedLinksCount":9,"#,
            r#""status":{"message":"no","code":2}"#,
        ))
    );
}

#[test]
fn values_are_written_even_where_they_are_zero() {
    let pairs = KeyValueList {
        values: vec![attribute("k", Some(Value::BoolValue(false)))],
    };
    let array = ArrayValue {
        values: vec![AnyValue::default()],
    };
    let json = attributes_json(vec![
        Value::StringValue(String::new()),
        Value::IntValue(0),
        Value::BytesValue(vec![0xfb, 0xff]),
        Value::ArrayValue(array),
        Value::KvlistValue(pairs),
        Value::StringValueStrindex(0),
    ]);
    let expected = concat!(
        r#""attributes":[{"value":{"stringValue":""}},{"value":{"intValue":"0"}},{"value":{"bytesValue":"+/8="}},"#,
        r#"{"value":{"arrayValue":{"values":[{}]}}},"#,
        r#"{"value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":false}}]}}},"#,
        r#"{"value":{"stringValueStrindex":0}}]"#,
    );
    assert_eq!(json, request_json(expected));
}

#[test]
fn doubles_are_numbers_and_the_three_special_ones_strings() {
    let doubles = [0.0, -0.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let json = attributes_json(doubles.map(Value::DoubleValue).to_vec());
    let expected = [
        "0.0",
        "-0.5",
        "1e+300",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-Infinity\"",
    ]
    .map(|double| format!(r#"{{"value":{{"doubleValue":{double}}}}}"#))
    .join(",");
    assert_eq!(json, request_json(&format!(r#""attributes":[{expected}]"#)));
}

#[test]
fn defaults_are_left_out_and_empty_messages_stay() {
    assert_eq!(encode(&ExportTraceServiceRequest::default()), "{}");
    assert_eq!(encode(&request_of(Span::default())), request_json(""));
    let span = Span {
        status: Some(Status::default()),
        ..Span::default()
    };
    assert_eq!(encode(&request_of(span)), request_json(r#""status":{}"#));
}

#[test]
fn a_request_is_one_line_whatever_its_strings_hold() {
    let span = Span {
        name: "a\n\"\\\u{0}\u{2028}é".to_owned(),
        ..Span::default()
    };
    let json = encode(&request_of(span));
    assert_eq!(
        json,
        request_json("\"name\":\"a\\n\\\"\\\\\\u0000\u{2028}é\"")
    );
}

#[test]
fn bytes_that_are_no_request_are_not_written() {
    assert!(encode_request(&[10, 5, 1]).is_err());
    assert!(encode_request(b"{}").is_err());
}
