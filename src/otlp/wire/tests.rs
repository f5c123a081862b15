//! The walk against prost: same verdict on any bytes, same spans and header fields.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Counted;
use super::against_prost::assert_same_as_prost;
use super::walk_request;

/// Any field of any wire type, messages within messages, now and then broken.
pub(super) fn any_message(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let scalar = prop_oneof![
        (1_u32..18, any::<u64>()).prop_map(|(number, value)| field(number, 0, &varint(value))),
        (1_u32..18, any::<[u8; 8]>()).prop_map(|(number, value)| field(number, 1, &value)),
        (1_u32..18, any::<[u8; 4]>()).prop_map(|(number, value)| field(number, 5, &value)),
        (1_u32..18, vec(any::<u8>(), 0..20)).prop_map(|(number, value)| delimited(number, &value)),
        (1_u32..18, "[a-zé]{0,9}").prop_map(|(number, text)| delimited(number, text.as_bytes())),
        prop::sample::select(vec![1_u32, 2, 4]).prop_flat_map(
            |number| vec(any::<u8>(), 8..=16).prop_map(move |id| delimited(number, &id))
        ),
        vec(any::<u8>(), 0..4),
        (1_u32..18).prop_map(|number| [key(number, 3), key(number, 4)].concat()),
    ];
    let fields = vec(scalar, 0..5).prop_map(|fields| fields.concat());
    if depth == 0 {
        return fields.boxed();
    }
    let nested =
        (1_u32..18, any_message(depth - 1)).prop_map(|(number, inner)| delimited(number, &inner));
    let well_placed =
        (1_u32..4, any_message(depth - 1)).prop_map(|(number, inner)| delimited(number, &inner));
    (fields, vec(prop_oneof![nested, well_placed], 0..3))
        .prop_map(|(fields, nested)| [fields, nested.concat()].concat())
        .boxed()
}

/// Spans with right fields in any order, so that most requests are accepted.
pub(super) fn valid_request() -> impl Strategy<Value = Vec<u8>> {
    let span_field = prop_oneof![
        any::<[u8; 16]>().prop_map(|id| delimited(1, &id)),
        any::<[u8; 8]>().prop_map(|id| delimited(2, &id)),
        prop_oneof![
            Just(vec![]),
            Just(vec![0; 8]),
            vec(any::<u8>(), 8),
            vec(any::<u8>(), 3)
        ]
        .prop_map(|id| delimited(4, &id)),
        "[a-z]{0,9}".prop_map(|name| delimited(5, name.as_bytes())),
        any::<[u8; 8]>().prop_map(|time| field(7, 1, &time)),
        any::<[u8; 8]>().prop_map(|time| field(8, 1, &time)),
        any::<[u8; 4]>().prop_map(|flags| field(16, 5, &flags)),
        (0_u64..5).prop_map(|code| delimited(15, &field(3, 0, &varint(code)))),
        "[a-z]{0,9}".prop_map(|text| delimited(15, &delimited(2, text.as_bytes()))),
        ("[a-z]{1,5}", "[a-z]{0,9}").prop_map(|(key, value)| delimited(
            9,
            &[
                delimited(1, key.as_bytes()),
                delimited(2, &delimited(1, value.as_bytes()))
            ]
            .concat()
        )),
        any::<u64>().prop_map(|value| field(900, 0, &varint(value))),
    ];
    let span = vec(span_field, 0..14).prop_map(|fields| fields.concat());
    let rest = prop_oneof![
        Just(delimited(1, &[])),
        Just(delimited(3, b"https://example.com/schema")),
        Just(field(77, 0, &[1])),
    ];
    let spans = vec(
        prop_oneof![span.prop_map(|span| delimited(2, &span)), rest.clone()],
        0..6,
    );
    let scopes = spans.prop_map(|fields| delimited(2, &fields.concat()));
    let resources = vec(prop_oneof![scopes, rest], 0..5);
    vec(
        resources.prop_map(|fields| delimited(1, &fields.concat())),
        0..3,
    )
    .prop_map(|all| all.concat())
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(value, &mut out);
    out
}

pub(super) fn key(number: u32, wire_type: u8) -> Vec<u8> {
    varint(u64::from(number << 3 | u32::from(wire_type)))
}

pub(super) fn field(number: u32, wire_type: u8, content: &[u8]) -> Vec<u8> {
    [key(number, wire_type), content.to_vec()].concat()
}

pub(super) fn delimited(number: u32, content: &[u8]) -> Vec<u8> {
    [
        key(number, 2),
        varint(content.len() as u64),
        content.to_vec(),
    ]
    .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_judged_as_prost_judges_them(bytes in vec(any::<u8>(), 0..64)) {
        assert_same_as_prost(&bytes);
    }

    #[test]
    fn any_tree_of_fields_is_judged_as_prost_judges_it(bytes in any_message(4)) {
        assert_same_as_prost(&delimited(1, &delimited(2, &delimited(2, &bytes))));
        assert_same_as_prost(&bytes);
    }

    #[test]
    fn spans_and_envelopes_are_found_as_prost_finds_them(bytes in valid_request()) {
        assert_same_as_prost(&bytes);
    }

    #[test]
    fn a_cut_request_is_judged_as_prost_judges_it(bytes in valid_request(), share in 0.0..1.0_f64) {
        let end = (bytes.len() as f64 * share) as usize;
        assert_same_as_prost(&bytes[..end]);
    }
}

#[test]
fn nesting_is_limited_where_prost_limits_it() {
    for levels in 40..60 {
        let mut value = delimited(1, b"leaf");
        for _ in 0..levels {
            value = delimited(5, &delimited(1, &value));
        }
        let attribute = delimited(9, &[delimited(1, b"k"), delimited(2, &value)].concat());
        assert_same_as_prost(&delimited(1, &delimited(2, &delimited(2, &attribute))));
    }
    for levels in 90..110 {
        let groups = [key(99, 3).repeat(levels), key(99, 4).repeat(levels)].concat();
        assert_same_as_prost(&groups);
        assert_same_as_prost(&delimited(1, &delimited(2, &delimited(2, &groups))));
    }
}

#[test]
fn an_error_names_the_field_and_the_byte_offset() {
    let span = delimited(9, &delimited(2, &delimited(1, &[0xff])));
    let body = delimited(1, &delimited(2, &delimited(2, &span)));
    let error = walk_request(&Bytes::from(body)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field resource_spans.scope_spans.spans.attributes.value.string_value at byte 12: string is not UTF-8"
    );
}

#[test]
fn a_rejected_span_shows_its_identifier() {
    let span = [delimited(1, &[7; 15]), delimited(2, &[1; 8])].concat();
    let body = delimited(1, &delimited(2, &delimited(2, &span)));
    let walked = walk_request(&Bytes::from(body)).unwrap();
    assert_eq!(
        walked.rejected.first.unwrap().to_string(),
        "trace_id of the span at byte 6 is \"070707070707070707070707070707\": must be 16 bytes, not all zeros"
    );
}

#[test]
fn a_scope_without_spans_is_not_kept() {
    let id = [delimited(1, &[1; 16]), delimited(2, &[1; 8])].concat();
    let scopes = [
        delimited(2, &[]),
        delimited(2, &delimited(3, b"url")),
        delimited(2, &[delimited(3, b"url"), delimited(2, &id)].concat()),
        delimited(2, &delimited(2, b"")),
    ];
    let body = Bytes::from(delimited(1, &scopes.concat()));
    let walked = walk_request(&body).unwrap();
    assert_eq!(walked.scopes.len(), 1);
    assert_eq!(walked.spans[0].scope_index, 0);
    assert_eq!(walked.scopes[0].scope, delimited(3, b"url"));
    assert_eq!(walked.rejected.count, 1);
    assert_eq!(
        Counted::of(&body),
        Counted {
            spans: 2,
            scopes: 2
        }
    );
}
