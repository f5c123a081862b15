//! Generated requests survive protobuf -> JSON -> protobuf; and no damage to the JSON makes the reader write bad protobuf.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use crate::otlp::json::{decode_request, encode_request};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,8}", any::<String>()]
}

/// Any double, and the special ones often. There is one NaN in JSON: its sign and payload are not kept.
fn double() -> impl Strategy<Value = f64> {
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    let any_bits = any::<u64>()
        .prop_map(f64::from_bits)
        .prop_map(|double| if double.is_nan() { f64::NAN } else { double });
    prop_oneof![prop::sample::select(special.to_vec()), any_bits]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        text().prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i64>().prop_map(Value::IntValue),
        double().prop_map(Value::DoubleValue),
        vec(any::<u8>(), 0..20).prop_map(Value::BytesValue),
        any::<i32>().prop_map(Value::StringValueStrindex),
    ];
    let leaf = option::weighted(0.9, leaf).prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let array =
            vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values }));
        let pairs = vec(key_value(inner), 0..4)
            .prop_map(|values| Value::KvlistValue(KeyValueList { values }));
        prop_oneof![array, pairs].prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn key_value(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    (
        text(),
        option::weighted(0.9, value),
        prop_oneof![9 => Just(0), 1 => any::<i32>()],
    )
        .prop_map(|(key, value, key_strindex)| KeyValue {
            key,
            value,
            key_strindex,
        })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(key_value(any_value()), 0..3)
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..10),
        text(),
        attributes(),
        any::<u32>(),
        any::<u32>(),
    )
        .prop_map(
            |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
                trace_id,
                span_id,
                trace_state,
                attributes,
                dropped_attributes_count,
                flags,
            },
        )
}

fn status() -> impl Strategy<Value = Status> {
    (text(), prop_oneof![0..3, any::<i32>()]).prop_map(|(message, code)| Status { message, code })
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..10),
        vec(any::<u8>(), 0..10),
    );
    let head = (
        text(),
        any::<u32>(),
        text(),
        prop_oneof![0..6, any::<i32>()],
        any::<u64>(),
        any::<u64>(),
    );
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    let dropped = prop_oneof![Just([0; 3]), any::<[u32; 3]>()];
    (ids, head, lists, dropped, option::of(status())).prop_map(
        |(ids, head, lists, dropped, status)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: head.0,
            flags: head.1,
            name: head.2,
            kind: head.3,
            start_time_unix_nano: head.4,
            end_time_unix_nano: head.5,
            attributes: lists.0,
            dropped_attributes_count: dropped[0],
            events: lists.1,
            dropped_events_count: dropped[1],
            links: lists.2,
            dropped_links_count: dropped[2],
            status,
        },
    )
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    let scope = (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    (option::of(scope), vec(span(), 0..3), text()).prop_map(|(scope, spans, schema_url)| {
        ScopeSpans {
            scope,
            spans,
            schema_url,
        }
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    (attributes(), any::<u32>(), vec(entity, 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    )
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let resource_spans = (option::of(resource()), vec(scope_spans(), 0..3), text()).prop_map(
        |(resource, scope_spans, schema_url)| ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        },
    );
    vec(resource_spans, 0..3)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// The JSON of a request, damaged in one place: a few bytes replaced by others that mean something in JSON.
fn damaged_json() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "",
        "0",
        "-1",
        "\"",
        ",",
        "{}",
        "[]",
        "null",
        "1e400",
        "\\u",
        "}",
        "\u{0}",
        "\"a\":[{}],",
    ];
    let damage = (
        any::<prop::sample::Index>(),
        0..12_usize,
        prop::sample::select(pieces.to_vec()),
    );
    (request(), damage).prop_map(|(request, (place, length, piece))| {
        let mut json = encode_request(&request.encode_to_vec()).unwrap();
        let start = place.index(json.len());
        let end = json.len().min(start + length);
        json.splice(start..end, piece.bytes());
        json
    })
}

proptest! {
    #[test]
    fn a_request_written_as_json_reads_as_the_same_bytes(request in request()) {
        let protobuf = request.encode_to_vec();
        let json = encode_request(&protobuf).unwrap();
        let read = ExportTraceServiceRequest::decode(decode_request(&json).unwrap().as_slice()).unwrap();
        // As bytes, for in a comparison of messages no NaN is equal to itself.
        prop_assert_eq!(read.encode_to_vec(), protobuf);
        prop_assert!(!json.contains(&b'\n'));
    }

    #[test]
    fn damaged_json_is_refused_or_read_as_protobuf_that_can_be_decoded(json in damaged_json()) {
        match decode_request(&json) {
            Ok(protobuf) => {
                let request = ExportTraceServiceRequest::decode(protobuf.as_slice()).unwrap();
                prop_assert_eq!(request.encode_to_vec().len(), protobuf.len());
            }
            Err(error) => prop_assert!(error.byte_offset <= json.len(), "{}", error),
        }
    }
}
