//! The repair: what it leaves out, what it leaves alone, and that prost finds the rest unharmed.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::super::tests::{any_message, delimited, field, key, valid_request};
use super::super::walk_request;
use super::laws::assert_repair_is_lawful;
use super::*;

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.to_owned());
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// One resource, scope, span, event and link, each with attributes: these, and in place `target` one more in the middle.
fn request(fill: &[KeyValue], target: usize, more: Option<&KeyValue>) -> ExportTraceServiceRequest {
    let attributes = |place| {
        let mut attributes = fill.to_vec();
        if let Some(more) = more.filter(|_| place == target) {
            attributes.insert(fill.len() / 2, more.clone());
        }
        attributes
    };
    let event = span::Event {
        name: "event".to_owned(),
        attributes: attributes(3),
        time_unix_nano: 7,
        ..span::Event::default()
    };
    let link = span::Link {
        trace_id: vec![2; 16],
        attributes: attributes(4),
        flags: 1,
        ..span::Link::default()
    };
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        attributes: attributes(2),
        events: vec![event.clone(), event],
        links: vec![link],
        end_time_unix_nano: 9,
        ..Span::default()
    };
    let scope = InstrumentationScope {
        name: "scope".to_owned(),
        attributes: attributes(1),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: attributes(0),
        dropped_attributes_count: 3,
        ..Resource::default()
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: vec![span.clone(), span],
        schema_url: "https://example.com/scope".to_owned(),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope_spans],
            schema_url: "https://example.com/resource".to_owned(),
        }],
    }
}

/// Overwrites each occurrence of `from` by as many bytes; returns how many there were.
fn overwrite(bytes: &mut [u8], from: &[u8], to: &[u8]) -> u64 {
    let mut found = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    found
}

/// The encoding of a request of one span with these fields.
fn around(span: &[u8]) -> Vec<u8> {
    delimited(1, &delimited(2, &delimited(2, span)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_attribute_of_garbage_is_left_out_and_prost_decodes_the_rest(
        fill in vec(("[a-z]{0,4}", "[a-zé]{0,90}").prop_map(|(key, value)| attribute(&key, &value)), 0..4),
        target in 0..5_usize,
        garbage in vec(any::<u8>(), 12..160),
    ) {
        let marker = attribute("MARK", &"M".repeat(garbage.len()));
        let marker_bytes = marker.encode_to_vec();
        let mut content = garbage;
        content.resize(marker_bytes.len(), 0xff);
        let mut bytes = request(&fill, target, Some(&marker)).encode_to_vec();
        let places = overwrite(&mut bytes, &marker_bytes, &content);
        prop_assert!(places > 0);
        let repaired = without_malformed_attributes(&bytes);
        if KeyValue::decode(content.as_slice()).is_ok() {
            prop_assert_eq!(repaired, None);
            return Ok(());
        }
        let repaired = repaired.unwrap();
        prop_assert_eq!(repaired.dropped, places);
        prop_assert_eq!(repaired.body.as_ref(), request(&fill, target, None).encode_to_vec());
        let decoded = ExportTraceServiceRequest::decode(repaired.body).unwrap();
        prop_assert_eq!(decoded, request(&fill, target, None));
    }

    #[test]
    fn no_bytes_break_the_laws_of_repair(bytes in vec(any::<u8>(), 0..64)) {
        assert_repair_is_lawful(&bytes);
        assert_repair_is_lawful(&around(&bytes));
    }

    #[test]
    fn no_tree_of_fields_breaks_the_laws_of_repair(bytes in any_message(4)) {
        assert_repair_is_lawful(&bytes);
        assert_repair_is_lawful(&around(&bytes));
        assert_repair_is_lawful(&delimited(1, &delimited(1, &bytes)));
    }

    #[test]
    fn a_valid_request_is_never_changed(bytes in valid_request()) {
        prop_assert_eq!(without_malformed_attributes(&bytes), None);
    }

    #[test]
    fn a_request_with_bytes_overwritten_keeps_the_laws(
        bytes in valid_request(),
        at in any::<prop::sample::Index>(),
        garbage in vec(any::<u8>(), 1..4),
    ) {
        let mut bytes = bytes;
        prop_assume!(bytes.len() > garbage.len());
        let at = at.index(bytes.len() - garbage.len());
        bytes[at..at + garbage.len()].copy_from_slice(&garbage);
        assert_repair_is_lawful(&bytes);
    }
}

#[test]
fn every_kind_of_malformed_attribute_is_left_out_and_all_other_bytes_stay() {
    let text = |value: &[u8]| delimited(2, &delimited(1, value));
    let deep = (0..1_000).fold(Vec::new(), |inner, _| delimited(5, &delimited(1, &inner)));
    let malformed = [
        delimited(9, &delimited(1, &[0xc3])),
        delimited(9, &[delimited(1, b"latin1"), text(b"caf\xe9")].concat()),
        delimited(9, &field(1, 0, &[1])),
        delimited(9, &delimited(2, &field(3, 1, &[0; 8]))),
        delimited(9, &[0x0a, 9, b'x']),
        delimited(9, &delimited(2, &deep)),
        field(9, 0, &[1]),
        field(9, 5, &[0; 4]),
    ];
    // Unknown fields, lengths longer than need be, and a group.
    let odd = [
        field(900, 0, &[0x81, 0]),
        vec![0x12, 0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        [key(77, 3), delimited(9, &[0xff]), key(77, 4)].concat(),
    ]
    .concat();
    let good = delimited(9, &[delimited(1, b"k"), text("é".as_bytes())].concat());
    let without = around(&[odd.clone(), good.clone(), delimited(1, &[1; 16])].concat());
    for bad in &malformed {
        let span = [
            odd.clone(),
            bad.clone(),
            good.clone(),
            delimited(1, &[1; 16]),
        ]
        .concat();
        let repaired = without_malformed_attributes(&around(&span)).unwrap();
        assert_eq!(repaired.dropped, 1, "{bad:?}");
        assert_eq!(repaired.body, without, "{bad:?}");
        assert!(walk_request(&repaired.body).is_ok());
    }
}

#[test]
fn what_hides_where_fields_begin_is_not_repaired() {
    let bad = delimited(9, &[0xff]);
    let cut = [bad.clone(), vec![0x4a, 9, 1]].concat();
    assert_eq!(without_malformed_attributes(&around(&cut)), None);
    let mut short = around(&bad);
    short.pop();
    assert_eq!(without_malformed_attributes(&short), None);
    let wrong_type = [bad, vec![0x4f]].concat();
    assert_eq!(without_malformed_attributes(&around(&wrong_type)), None);
}

#[test]
fn what_is_broken_beside_attributes_stays_for_the_walk_to_refuse() {
    let name = delimited(5, &[0xff]);
    let span = [delimited(9, &[0xff]), name].concat();
    let repaired = without_malformed_attributes(&around(&span)).unwrap();
    let error = walk_request(&repaired.body).unwrap_err();
    assert!(error.to_string().contains("spans.name"), "{error}");
    assert_eq!(
        without_malformed_attributes(&around(&delimited(5, &[0xff]))),
        None
    );
}

#[test]
fn the_new_body_holds_no_more_than_the_old_one() {
    let span = [delimited(9, &[0xff]), delimited(5, &[b'x'; 1_000])].concat();
    let bytes = around(&span);
    let repaired = without_malformed_attributes(&bytes).unwrap();
    let unshared: Result<bytes::BytesMut, Bytes> = repaired.body.try_into_mut();
    assert!(unshared.unwrap().capacity() <= bytes.len());
}
