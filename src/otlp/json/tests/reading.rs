//! Requests, spans and their plain fields.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef};
use opentelemetry_proto::tonic::trace::v1::Status;

use super::{request, span, span_error};

#[test]
fn every_field_is_read_under_its_json_name() {
    let request = request(
        r#"{"resourceSpans": [{
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}],
                "droppedAttributesCount": 1,
                "entityRefs": [{"schemaUrl": "e", "type": "service",
                                "idKeys": ["service.name", ""], "descriptionKeys": ["d"]}]
            },
            "scopeSpans": [{
                "scope": {"name": "lib", "version": "2", "attributes": [{}], "droppedAttributesCount": 3},
                "spans": [{
                    "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
                    "parentSpanId": "eee19b7ec3c1b173", "traceState": "ot=th:c", "flags": 257, "name": "GET /",
                    "kind": 2, "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000001,
                    "attributes": [{}, {}], "droppedAttributesCount": 4,
                    "events": [{"timeUnixNano": "5", "name": "e", "attributes": [{}], "droppedAttributesCount": 6}],
                    "droppedEventsCount": 7,
                    "links": [{"traceId": "01", "spanId": "02", "traceState": "s", "attributes": [{}],
                               "droppedAttributesCount": 8, "flags": 9}],
                    "droppedLinksCount": 10,
                    "status": {"message": "no", "code": 2}
                }],
                "schemaUrl": "scope"
            }],
            "schemaUrl": "resource"
        }]}"#,
    );
    let resource_spans = &request.resource_spans[0];
    assert_eq!(resource_spans.schema_url, "resource");
    let resource = resource_spans.resource.as_ref().unwrap();
    assert_eq!(resource.attributes[0].key, "service.name");
    assert_eq!(resource.dropped_attributes_count, 1);
    let entity = EntityRef {
        schema_url: "e".to_owned(),
        r#type: "service".to_owned(),
        id_keys: vec!["service.name".to_owned(), String::new()],
        description_keys: vec!["d".to_owned()],
    };
    assert_eq!(resource.entity_refs, [entity]);

    let scope_spans = &resource_spans.scope_spans[0];
    assert_eq!(scope_spans.schema_url, "scope");
    let scope = scope_spans.scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("lib", "2"));
    assert_eq!(
        (scope.attributes.len(), scope.dropped_attributes_count),
        (1, 3)
    );

    let span = &scope_spans.spans[0];
    assert_eq!(
        span.trace_id,
        0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128.to_be_bytes()
    );
    assert_eq!(span.span_id, 0xeee1_9b7e_c3c1_b174_u64.to_be_bytes());
    assert_eq!(span.parent_span_id, 0xeee1_9b7e_c3c1_b173_u64.to_be_bytes());
    assert_eq!(
        (span.trace_state.as_str(), span.name.as_str()),
        ("ot=th:c", "GET /")
    );
    assert_eq!((span.flags, span.kind), (257, 2));
    assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_000);
    assert_eq!(span.end_time_unix_nano, 1_544_712_661_000_000_001);
    assert_eq!(
        (span.attributes.len(), span.dropped_attributes_count),
        (2, 4)
    );
    assert_eq!(
        (span.dropped_events_count, span.dropped_links_count),
        (7, 10)
    );
    let status = Status {
        message: "no".to_owned(),
        code: 2,
    };
    assert_eq!(span.status, Some(status));

    let event = &span.events[0];
    assert_eq!((event.time_unix_nano, event.name.as_str()), (5, "e"));
    assert_eq!(
        (event.attributes.len(), event.dropped_attributes_count),
        (1, 6)
    );
    let link = &span.links[0];
    assert_eq!(
        (link.trace_id.as_slice(), link.span_id.as_slice()),
        (&[1][..], &[2][..])
    );
    assert_eq!((link.trace_state.as_str(), link.flags), ("s", 9));
    assert_eq!(
        (link.attributes.len(), link.dropped_attributes_count),
        (1, 8)
    );
}

#[test]
fn names_of_the_proto_file_are_read_as_well() {
    let request = request(
        r#"{"resource_spans": [{"scope_spans": [{"spans": [{
            "trace_id": "0a", "start_time_unix_nano": 3,
            "attributes": [{"value": {"int_value": 4}}]
        }]}]}]}"#,
    );
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(
        (span.trace_id.as_slice(), span.start_time_unix_nano),
        (&[10][..], 3)
    );
    assert!(span.attributes[0].value.as_ref().unwrap().value.is_some());
}

#[test]
fn an_empty_object_is_an_empty_request() {
    let empty = ExportTraceServiceRequest::default();
    assert_eq!(request("{}"), empty);
    assert_eq!(request(" \n{\"resourceSpans\" : [ ] }\t"), empty);
}

#[test]
fn null_means_not_set() {
    let fields = r#""traceId":null,"name":null,"kind":null,"startTimeUnixNano":null,"attributes":null,"status":null"#;
    assert_eq!(span(fields), span(""));
    assert_eq!(request(r#"{"resourceSpans":null}"#), request("{}"));
    assert_eq!(span(r#""name":null,"name":"later""#).name, "later");
}

#[test]
fn null_is_no_element_of_an_array() {
    let reason = span_error(r#""attributes":[null]"#, "attributes[0]");
    assert_eq!(reason, "invalid type: null, expected a KeyValue object");
}

#[test]
fn unknown_fields_are_ignored_at_every_level_whatever_they_hold() {
    let unknown = r#""newer":{"a":[1,-2.5e3,"x",null,true,{"b":{}}]}"#;
    let json = format!(
        r#"{{{unknown},"resourceSpans":[{{{unknown},"resource":{{{unknown}}},"scopeSpans":[{{{unknown},
            "scope":{{{unknown}}},"spans":[{{{unknown},"name":"s","status":{{{unknown}}},
            "events":[{{{unknown}}}],"links":[{{{unknown}}}],
            "attributes":[{{{unknown},"value":{{{unknown},"arrayValue":{{{unknown},"values":[{{{unknown}}}]}}}}}}]
        }}]}}]}}]}}"#
    );
    let known = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"name":"s","status":{},
        "events":[{}],"links":[{}],"attributes":[{"value":{"arrayValue":{"values":[{}]}}}]}]}]}]}"#;
    assert_eq!(request(&json), request(known));
}

#[test]
fn ids_are_hexadecimal_in_either_case_and_of_any_length() {
    assert_eq!(
        span(r#""spanId":"EEe19b7eC3C1B174""#),
        span(r#""spanId":"eee19b7ec3c1b174""#)
    );
    assert_eq!(span(r#""traceId":"abcd""#).trace_id, [0xab, 0xcd]);
    assert!(span(r#""traceId":"""#).trace_id.is_empty());
    assert_eq!(
        span(&format!(r#""parentSpanId":"{}""#, "00".repeat(40))).parent_span_id,
        [0; 40]
    );
}

#[test]
fn ids_that_are_not_hexadecimal_are_errors() {
    let expected = "expected hexadecimal digits, two to a byte";
    let reason = span_error(r#""traceId":"abc""#, "traceId");
    assert_eq!(reason, format!("invalid value: string \"abc\", {expected}"));
    span_error(r#""spanId":"7uGbfsPBsXQ=""#, "spanId");
    span_error(r#""parentSpanId":"0x01""#, "parentSpanId");
    span_error(r#""links":[{"traceId":12}]"#, "links[0].traceId");
}

#[test]
fn enums_are_numbers_known_or_not_numeric_strings_or_names() {
    for kind in ["2", "\"2\"", "2.0", "\"SPAN_KIND_SERVER\""] {
        assert_eq!(span(&format!(r#""kind":{kind}"#)).kind, 2, "{kind}");
    }
    assert_eq!(span(r#""kind":77"#).kind, 77);
    assert_eq!(span(r#""kind":-1"#).kind, -1);
    for code in ["2", "\"2\"", "\"STATUS_CODE_ERROR\""] {
        let status = span(&format!(r#""status":{{"code":{code}}}"#))
            .status
            .unwrap();
        assert_eq!(status.code, 2, "{code}");
    }
    let reason = span_error(r#""kind":"SERVER""#, "kind");
    assert_eq!(
        reason,
        "invalid value: string \"SERVER\", expected an integer from -2147483648 to 2147483647 or an enum value's name"
    );
    span_error(r#""status":{"code":"SPAN_KIND_SERVER"}"#, "status.code");
    span_error(r#""kind":2147483648"#, "kind");
    span_error(r#""kind":true"#, "kind");
}

#[test]
fn a_message_that_is_present_and_empty_stays_present() {
    assert_eq!(span(r#""status":{}"#).status, Some(Status::default()));
    assert_eq!(
        span(r#""attributes":[{"value":{}}]"#).attributes[0].value,
        Some(AnyValue::default())
    );
    assert_eq!(
        span(r#""attributes":[{"value":null}]"#).attributes[0].value,
        None
    );
}

#[test]
fn unsigned_counts_and_flags_have_their_32_bits() {
    for largest in ["4294967295", "\"4294967295\""] {
        let span = span(&format!(
            r#""flags":{largest},"droppedEventsCount":{largest}"#
        ));
        assert_eq!(
            (span.flags, span.dropped_events_count),
            (u32::MAX, u32::MAX)
        );
    }
    let reason = span_error(r#""flags":4294967296"#, "flags");
    assert_eq!(
        reason,
        "invalid value: integer `4294967296`, expected an integer from 0 to 4294967295"
    );
    span_error(r#""droppedLinksCount":-1"#, "droppedLinksCount");
}

#[test]
fn times_are_unsigned_64_bit_numbers_or_strings() {
    let largest = u64::MAX;
    for time in [format!("{largest}"), format!("\"{largest}\"")] {
        assert_eq!(
            span(&format!(r#""startTimeUnixNano":{time}"#)).start_time_unix_nano,
            largest
        );
    }
    for time in ["1.5e18", "\"1.5e18\"", "1500000000000000000.0"] {
        let span = span(&format!(r#""endTimeUnixNano":{time}"#));
        assert_eq!(span.end_time_unix_nano, 1_500_000_000_000_000_000, "{time}");
    }
    for time in [
        "-1",
        "1.5",
        "\"\"",
        "\" 1\"",
        "\"1s\"",
        "\"+1\"",
        "\"0x1\"",
        "18446744073709551616",
        "[1]",
        "{}",
    ] {
        span_error(
            &format!(r#""startTimeUnixNano":{time}"#),
            "startTimeUnixNano",
        );
    }
}
