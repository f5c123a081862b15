//! What an error says: the field, the offset and the reason.

use super::{error, request_json, span_error};
use crate::otlp::json::decode_request;

#[test]
fn an_error_names_the_field_the_offset_and_the_reason() {
    let json =
        r#"{"resourceSpans":[{"scopeSpans":[{},{"spans":[{},{},{"startTimeUnixNano":"soon"}]}]}]}"#;
    let error = error(json);
    assert_eq!(
        error.path,
        "resourceSpans[0].scopeSpans[1].spans[2].startTimeUnixNano"
    );
    assert_eq!(
        &json[..error.byte_offset],
        json.split_inclusive(r#""soon""#).next().unwrap()
    );
    assert_eq!(
        error.to_string(),
        "resourceSpans[0].scopeSpans[1].spans[2].startTimeUnixNano: invalid value: string \"soon\", \
         expected an integer from 0 to 18446744073709551615 at byte 79"
    );
}

#[test]
fn the_offset_counts_bytes_over_lines_and_wide_characters() {
    let json = "{\r\n \"é\": \"ü\",\n\n \"resourceSpans\": 5 }";
    let error = error(json);
    assert_eq!(error.path, "resourceSpans");
    assert_eq!(&json[error.byte_offset - 1..], "5 }");
}

#[test]
fn bodies_that_are_no_object_are_errors_of_the_request_itself() {
    for json in [
        "", " \n", "[]", "null", "5", "\"{}\"", "true", "nonsense", "[{}]",
    ] {
        let error = error(json);
        assert_eq!(error.path, "", "{json:?}");
        assert!(error.byte_offset <= json.len());
    }
    assert_eq!(error("").to_string(), "EOF while parsing a value at byte 0");
    let reason = "invalid type: sequence, expected an ExportTraceServiceRequest object";
    assert_eq!(error("[]").reason, reason);
}

#[test]
fn text_that_is_cut_off_or_goes_on_is_an_error() {
    let json = request_json(r#""name":"n","status":{"code":2}"#);
    for end in 0..json.len() {
        let error = error(&json[..end]);
        assert!(error.byte_offset <= end, "{error}");
    }
    let error = error(&format!("{json} {{}}"));
    assert_eq!(
        error.to_string(),
        format!("trailing characters at byte {}", json.len() + 2)
    );
}

#[test]
fn faults_between_fields_are_placed_in_the_message_that_holds_them() {
    let error = error(&request_json(r#""name":"n";"kind":1"#));
    assert_eq!(error.path, "resourceSpans[0].scopeSpans[0].spans[0]");
    assert_eq!(error.reason, "expected `,` or `}`");
    assert_eq!(super::error(r#"{"resourceSpans":[],"#).path, "");
}

#[test]
fn objects_and_arrays_do_not_stand_for_each_other() {
    assert_eq!(
        error(r#"{"resourceSpans":{}}"#).reason,
        "invalid type: map, expected an array"
    );
    assert_eq!(
        error(r#"{"resourceSpans":[[]]}"#).reason,
        "invalid type: sequence, expected a ResourceSpans object"
    );
}

#[test]
fn a_field_that_is_set_twice_is_an_error() {
    assert_eq!(
        span_error(r#""name":"a","name":"b""#, "name"),
        "the field is set already"
    );
    span_error(r#""traceId":"01","trace_id":"01""#, "trace_id");
    span_error(r#""attributes":[],"attributes":[]"#, "attributes");
}

#[test]
fn text_that_is_not_utf8_is_an_error_of_its_field() {
    let mut json = request_json(r#""name":"?""#).into_bytes();
    let place = json.iter().position(|byte| *byte == b'?').unwrap();
    json[place] = 0xff;
    let error = decode_request(&json).unwrap_err();
    assert_eq!(error.path, "resourceSpans[0].scopeSpans[0].spans[0].name");
    span_error(r#""name":"\ud800""#, "name");
}

#[test]
fn what_an_error_shows_of_the_request_is_bounded() {
    let long = "é".repeat(100_000);
    let error = error(&request_json(&format!(r#""traceId":"{long}""#)));
    assert!(error.reason.len() < 310 && error.reason.ends_with('…'));
    let unknown = format!(r#"{{"{long}":"#);
    assert!(super::error(&unknown).to_string().len() < 700);
}
