//! The JSON of answers: `ExportTraceServiceResponse` on success, `google.rpc.Status` on failure.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_success: Option<PartialSuccess<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartialSuccess<'a> {
    /// An int64, hence a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_spans: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    error_message: &'a str,
}

#[derive(Serialize)]
struct Status<'a> {
    code: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

/// `ExportTraceServiceResponse` as JSON: `{}` on full success, `partialSuccess` with the number of rejected spans and a
/// message otherwise. Zero spans with a message are a warning (OTLP, "Partial Success").
#[must_use]
pub fn encode_response(rejected: Option<(u64, &str)>) -> Vec<u8> {
    let partial_success = rejected.map(|(spans, error_message)| PartialSuccess {
        rejected_spans: (spans > 0).then(|| spans.min(i64::MAX as u64).to_string()),
        error_message,
    });
    to_json(&Response { partial_success })
}

/// `google.rpc.Status` as JSON, without details.
#[must_use]
pub fn encode_status(code: i32, message: &str) -> Vec<u8> {
    to_json(&Status { code, message })
}

fn to_json(answer: &impl Serialize) -> Vec<u8> {
    // Cannot fail: the writer is memory and the keys are strings.
    serde_json::to_vec(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_success_is_an_empty_object() {
        assert_eq!(encode_response(None), b"{}");
    }

    #[test]
    fn rejected_spans_are_a_string_and_left_out_of_a_warning() {
        assert_eq!(
            encode_response(Some((3, "span ID \"00\""))),
            br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"span ID \"00\""}}"#
        );
        assert_eq!(
            encode_response(Some((0, "slow down"))),
            br#"{"partialSuccess":{"errorMessage":"slow down"}}"#
        );
        assert_eq!(
            encode_response(Some((u64::MAX, ""))),
            br#"{"partialSuccess":{"rejectedSpans":"9223372036854775807"}}"#
        );
    }

    #[test]
    fn a_status_has_its_code_and_message() {
        assert_eq!(
            encode_status(3, "no\tJSON"),
            br#"{"code":3,"message":"no\tJSON"}"#
        );
    }
}
