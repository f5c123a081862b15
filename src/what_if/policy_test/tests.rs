//! Time and limiters, what failures say, Jaeger's tags, JUnit's escapes.

use opentelemetry_proto::tonic::trace::v1::Span;

use super::junit::Suite;
use super::*;
use crate::config::policy_test;

fn results(text: &str) -> Vec<TestResult> {
    let file = policy_test::parse("a.yaml", text, &|_| None);
    run(&file.unwrap_or_else(|errors| panic!("{errors}")).config).unwrap()
}

fn failures(text: &str) -> Vec<String> {
    let results = results(text);
    let failures = results.iter().flat_map(|result| &result.failures);
    failures.map(ToString::to_string).collect()
}

const LIMITED: &str =
    "policies: [{name: few, type: rate_limiting, spans_per_second: 10, burst_capacity: 10}]
tests:
  - name: a second refills
    traces:
      - {copies: 10, spans: [{}], policy: few}
      - {spans: [{}], decision: not_sampled}
      - {at: 500ms, copies: 5, spans: [{}], policy: few}
      - {spans: [{}], decision: not_sampled}
      - {at: 10s, spans: [{}, {}], policy: few}
  - name: limiters start full in each test
    traces: [{copies: 10, spans: [{}], policy: few}]
";

#[test]
fn limiters_fill_with_the_time_between_decisions_and_start_full() {
    assert_eq!(failures(LIMITED), Vec::<String>::new());
}

#[test]
fn a_failure_tells_what_was_expected_what_came_and_what_every_policy_said() {
    let text = "policies:
  - {name: errors, type: status_code, status_codes: [ERROR]}
  - {name: slow, type: latency, threshold_ms: 100}
tests:
  - name: kept
    traces:
      - {at: 1500ms, copies: 3, spans: [{duration: 150ms}], policy: errors, votes: {slow: sampled, other: failed}}
";
    assert_eq!(
        failures(text),
        [
            "trace 1 (00000000000000000000000000000001), decided at 1.5s:
    exp: by \"errors\", vote of \"other\": failed
    got: sampled by \"slow\", no policy \"other\" (and 2 more like it)
        errors  status_code  not_sampled  UNSET
        slow    latency      sampled      150 ms"
        ]
    );
}

#[test]
fn a_trace_is_decided_once_in_a_test() {
    let text = "policies: [{name: all, type: always_sample}]
tests:
  - name: twice
    traces:
      - {trace_id: 00000000000000000000000000000009, spans: [{}], decision: sampled}
      - {trace_id: 00000000000000000000000000000009, spans: [{}], decision: sampled}
";
    let failures = failures(text);
    assert_eq!(failures.len(), 1);
    assert!(failures[0].contains("got: no decision: a trace of this ID was decided before"));
}

#[test]
fn span_ingest_expiry_and_shadows_are_tested_as_they_are_run() {
    let text = "policies:
  sampling_strategy: span-ingest
  policies:
    - {name: old, type: always_sample, expires_at: 2026-01-01T00:01:00Z}
    - {name: errors, type: status_code, status_codes: [ERROR]}
start: 2026-01-01T00:00:00Z
tests:
  - name: until it has expired
    traces:
      - {at: 59s, spans: [{}], policy: old}
      - {at: 60s, spans: [{}], decision: not_sampled}
      - {spans: [{service: a}, {service: b, status: error}], policy: errors, votes: {old: not_asked}}
";
    assert_eq!(failures(text), Vec::<String>::new());
    let shadow = "policies: [{name: new, type: always_sample, mode: shadow}]
tests: [{name: a, traces: [{spans: [{}], decision: not_sampled, votes: {new: sampled}}]}]";
    assert_eq!(failures(shadow), Vec::<String>::new());
}

fn from_jaeger(json: &str) -> Result<Vec<Span>, JaegerError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json).unwrap();
    let request = jaeger::read(file.path())?;
    let scopes = request.resource_spans.into_iter();
    let scopes = scopes.flat_map(|resource| resource.scope_spans);
    Ok(scopes.flat_map(|scope| scope.spans).collect())
}

#[test]
fn tags_of_jaeger_that_are_fields_of_otlp_become_them() {
    let spans = from_jaeger(
        r#"{"data":[{"traceID":"7b","spans":[{"traceID":"7b","spanID":"1c8","operationName":"get","startTime":5,"duration":2,
        "references":[{"refType":"FOLLOWS_FROM","traceID":"7c","spanID":"1"},{"refType":"CHILD_OF","traceID":"7b","spanID":"2"}],
        "tags":[{"key":"span.kind","type":"string","value":"client"},{"key":"error","type":"bool","value":true},
        {"key":"otel.status_description","type":"string","value":"gone"},{"key":"w3c.tracestate","type":"string","value":"a=b"},
        {"key":"big","type":"int64","value":"9007199254740993"},{"key":"share","type":"float64","value":1},{"key":"is","type":"bool","value":"true"}],
        "logs":[{"timestamp":6,"fields":[{"key":"event","type":"string","value":"retry"},{"key":"n","type":"int64","value":2}]}],
        "flags":1,"processID":"p1"}],"processes":{"p1":{"serviceName":"shop","tags":[]}}}]}"#,
    );
    let span = &spans.unwrap()[0];
    assert_eq!(
        (span.trace_id[15], span.span_id[7], span.kind),
        (0x7b, 0xc8, 3)
    );
    assert_eq!((span.parent_span_id[7], span.links.len()), (2, 1));
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "gone"));
    assert_eq!((span.trace_state.as_str(), span.flags), ("a=b", 1));
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (5_000, 7_000)
    );
    assert_eq!(
        (
            span.events[0].name.as_str(),
            span.events[0].attributes.len()
        ),
        ("retry", 1)
    );
    let attributes = span.attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().unwrap().value.as_ref().unwrap();
        format!("{} {value:?}", attribute.key)
    });
    assert_eq!(
        attributes.collect::<Vec<_>>(),
        [
            "big IntValue(9007199254740993)",
            "share DoubleValue(1.0)",
            "is BoolValue(true)"
        ]
    );
}

#[test]
fn what_is_not_from_jaeger_is_refused() {
    assert!(matches!(
        from_jaeger("{\"spans\": []}"),
        Err(JaegerError::Json { .. })
    ));
    let bad = r#"{"data":[{"spans":[{"traceID":"+7","spanID":"1","startTime":1,"duration":1}]}]}"#;
    assert!(matches!(
        from_jaeger(bad),
        Err(JaegerError::Identifier { digits: 32, .. })
    ));
}

#[test]
fn junit_escapes_what_xml_reserves_or_forbids() {
    let failing = "policies: [{name: \"<a&b>\", type: always_sample}]
tests: [{name: \"\\\"x\\\" < \\u0001\", traces: [{spans: [{}], decision: dropped}]}]";
    let suites = [
        Suite {
            file: "a&b.yaml".to_owned(),
            results: Ok(results(failing)),
        },
        Suite {
            file: "c.yaml".to_owned(),
            results: Err("c.yaml:1:1: <nothing>".to_owned()),
        },
    ];
    let mut out = Vec::new();
    junit::write(&mut out, &suites).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    for part in [
        "<testsuites name=\"tailsieve test\" tests=\"2\" failures=\"1\" errors=\"1\">",
        "classname=\"a&amp;b.yaml\" name=\"&quot;x&quot; &lt; \u{fffd}\"",
        "message=\"expected dropped, got sampled by &quot;&lt;a&amp;b&gt;&quot;\"",
        "<error message=\"the tests could not be run\">c.yaml:1:1: &lt;nothing&gt;</error>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
