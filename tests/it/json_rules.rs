//! OTLP/JSON is read by its own rules, and what it says comes out of the file exporter unchanged.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::support::http;
use crate::support::replica::{KEEP_ALL, Replica};
use crate::support::spans::{by_trace, request, span};

fn values(span: &Span) -> Vec<(&str, Value)> {
    let value = |attribute: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        attribute.value.clone().unwrap().value.unwrap()
    };
    let attributes = span.attributes.iter();
    attributes
        .map(|attribute| (attribute.key.as_str(), value(attribute)))
        .collect()
}

#[tokio::test]
async fn hex_in_either_case_numbers_as_text_unknown_fields_and_numbers_that_are_none() {
    let replica = Replica::start("", KEEP_ALL).await;
    let body = json!({"resourceSpans": [{
        "unknown": {"deep": [1, {"er": null}]},
        "scopeSpans": [{"spans": [{
            "traceId": "0AF7651916CD43DD8448EB211C80319C",
            "spanId": "b7ad6b7169203331",
            "parentSpanId": "",
            "name": "read",
            "kind": 3,
            "startTimeUnixNano": "1700000000000000001",
            "endTimeUnixNano": 1_700_000_000_000_000_002_u64,
            "status": {"code": 2, "unknown": true},
            "attributes": [
                {"key": "nan", "value": {"doubleValue": "NaN"}},
                {"key": "high", "value": {"doubleValue": "Infinity"}},
                {"key": "low", "value": {"doubleValue": "-Infinity"}},
                {"key": "text", "value": {"intValue": "-9223372036854775808"}},
                {"key": "number", "value": {"intValue": 7, "unknown": [{}]}},
            ],
        }]}],
    }]});
    let answer = http::post(replica.http, &[http::JSON], body.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    replica.settle().await;
    let kept = by_trace(&replica.stop().await.kept);
    let id = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    let [placed] = &kept[&id.to_vec()][..] else {
        panic!("one span: {kept:?}");
    };
    let span = &placed.span;
    assert_eq!(span.span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!((span.kind, span.status.as_ref().unwrap().code), (3, 2));
    let times = (span.start_time_unix_nano, span.end_time_unix_nano);
    assert_eq!(
        times,
        (1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
    );
    let values = values(span);
    assert!(matches!(values[0], ("nan", Value::DoubleValue(nan)) if nan.is_nan()));
    assert_eq!(values[1], ("high", Value::DoubleValue(f64::INFINITY)));
    assert_eq!(values[2], ("low", Value::DoubleValue(f64::NEG_INFINITY)));
    assert_eq!(values[3], ("text", Value::IntValue(i64::MIN)));
    assert_eq!(values[4], ("number", Value::IntValue(7)));
}

#[tokio::test]
async fn what_comes_in_as_protobuf_comes_out_of_the_file_unchanged() {
    let replica = Replica::start("", KEEP_ALL).await;
    let mut odd = span(5, 1);
    odd.attributes.push(crate::support::spans::attribute(
        "bytes",
        Value::BytesValue(vec![0, 255, 128]),
    ));
    odd.attributes.push(crate::support::spans::attribute(
        "infinite",
        Value::DoubleValue(f64::INFINITY),
    ));
    odd.attributes.push(crate::support::spans::attribute(
        "least",
        Value::DoubleValue(5e-324),
    ));
    odd.trace_state = "vendor=a:b;c".into();
    odd.flags = 0x0000_0301;
    odd.name = "line\nbreak \u{1f980} \0".into();
    let sent = request(vec![odd]);
    let answer = http::post(replica.http, &[http::PROTOBUF], sent.encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    replica.settle().await;
    let kept = replica.stop().await.kept;
    assert_eq!(by_trace(&kept), by_trace([&sent]));
}
