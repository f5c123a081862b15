//! The short form and its defaults, and the place of every mistake.

use std::time::Duration;

use super::*;

fn read(text: &str) -> PolicyTestFile {
    let checked = parse("tests/a.yaml", text, &|_| None);
    checked.unwrap_or_else(|errors| panic!("{errors}")).config
}

fn refusal(text: &str) -> String {
    parse("tests/a.yaml", text, &|_| None)
        .unwrap_err()
        .to_string()
}

/// A file with these lines as its only trace.
fn with_trace(lines: &str) -> String {
    format!(
        "policies: [{{name: all, type: always_sample}}]\ntests:\n  - name: a\n    traces:\n{lines}"
    )
}

fn spans_of(trace: &TestTrace) -> Vec<opentelemetry_proto::tonic::trace::v1::Span> {
    let Source::Spans(resources) = &trace.source else {
        panic!("in short form");
    };
    let scopes = resources.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

#[test]
fn a_span_in_short_form_has_defaults_for_all_that_it_leaves_out() {
    let file = read(&with_trace("      - {spans: [{}], decision: sampled}\n"));
    let trace = &file.tests[0].traces[0];
    assert_eq!(
        (trace.at, trace.copies, trace.trace_id),
        (Duration::ZERO, 1, None)
    );
    assert_eq!(trace.expected.decision, Some(Wanted::Sampled));
    let span = &spans_of(trace)[0];
    assert_eq!(
        (span.kind, span.span_id.as_slice()),
        (1, &[0, 0, 0, 0, 0, 0, 0, 1][..])
    );
    assert!(span.parent_span_id.is_empty() && span.status.is_none());
    assert_eq!(file.start_unix_ns, START_UNIX_NS_DEFAULT);
}

#[test]
fn parents_are_the_first_span_or_named_or_elsewhere_or_none() {
    let file = read(&with_trace(
        "      - decision: sampled\n        spans:\n          - {id: root}\n          - {id: 00000000000000aa}\n          - {parent: 00000000000000aa}\n          - {parent: none}\n          - {parent: 00000000000000bb}\n          - {parent: root}\n",
    ));
    let spans = spans_of(&file.tests[0].traces[0]);
    let parents: Vec<Option<&u8>> = spans
        .iter()
        .map(|span| span.parent_span_id.last())
        .collect();
    assert_eq!(
        parents,
        [None, Some(&1), Some(&0xaa), None, Some(&0xbb), Some(&1)]
    );
}

#[test]
fn neighbours_of_one_resource_arrive_together() {
    let file = read(&with_trace(
        "      - decision: sampled\n        spans:\n          - {service: a}\n          - {service: a}\n          - {service: b, resource: {zone: 3}}\n          - {service: a, scope: {name: x}}\n",
    ));
    let Source::Spans(resources) = &file.tests[0].traces[0].source else {
        panic!("in short form");
    };
    let counts = resources
        .iter()
        .map(|resource| resource.scope_spans[0].spans.len());
    assert_eq!(counts.collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(resources[1].resource.as_ref().unwrap().attributes.len(), 2);
}

#[test]
fn paths_are_relative_to_the_file_and_times_follow_the_trace_above() {
    let file = read(&with_trace(
        "      - {otlp: x.jsonl, at: 2s, decision: sampled}\n      - {jaeger: /y.json, votes: {all: sampled}}\n",
    ));
    let [first, second] = &file.tests[0].traces[..] else {
        panic!("two traces");
    };
    assert_eq!(
        first.source,
        Source::Otlp(vec![PathBuf::from("tests/x.jsonl")])
    );
    assert_eq!(second.source, Source::Jaeger(PathBuf::from("/y.json")));
    assert_eq!(second.at, Duration::from_secs(2));
    assert_eq!(second.expected.votes, [("all".to_owned(), "sampled")]);
}

#[test]
fn variables_stand_in_policies_only() {
    let text = "policies: [{name: \"${env:NAME:-all}\", type: always_sample}]\ntests: [{name: \"${x}\", traces: [{spans: [{}], policy: all}]}]";
    let file = read(text);
    assert_eq!(file.policies.policies[0].name, "all");
    assert_eq!(file.tests[0].name, "${x}");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mistakes: [(&str, &str); 14] = [
        (
            "tests: []",
            "tests/a.yaml:1:1: policies are missing; name a policy file",
        ),
        (
            "policies: []",
            "tests/a.yaml:1:1: there are no tests; add them under tests:",
        ),
        (
            "policies: none.yaml\ntests: [{name: a, traces: [{spans: [{}], policy: a}]}]",
            "tests/none.yaml: cannot be read",
        ),
        (
            &with_trace("      - {spans: [{}]}\n"),
            "tests/a.yaml:5:9: tests[0].traces[0]: nothing is expected of this trace",
        ),
        (
            &with_trace("      - {decision: sampled}\n"),
            "5:9: tests[0].traces[0]: has 0 sources of spans; give one of spans, otlp and jaeger",
        ),
        (
            &with_trace("      - {decision: sampld, spans: [{}]}\n"),
            "5:20: tests[0].traces[0].decision: unknown value \"sampld\"; did you mean \"sampled\"?",
        ),
        (
            &with_trace("      - {decision: not_sampled, policy: all, spans: [{}]}\n"),
            "no policy decides that a trace is not_sampled; leave it out",
        ),
        (
            &with_trace(
                "      - {policy: a, spans: [{}], at: 3s}\n      - {policy: a, spans: [{}], at: 2s}\n",
            ),
            "6:38: tests[0].traces[1].at: is before the trace above",
        ),
        (
            &with_trace("      - {policy: a, trace_id: 12, spans: [{}]}\n"),
            "traces[0].trace_id: expected a trace ID, found \"12\"; 32 hexadecimal digits",
        ),
        (
            &with_trace("      - {policy: a, spans: [{atributes: {}}]}\n"),
            "spans[0].atributes: unknown key; did you mean \"attributes\"?",
        ),
        (
            &with_trace("      - {policy: a, spans: [{parent: x}]}\n"),
            "spans[0].parent: no span has the id \"x\"",
        ),
        (
            &with_trace("      - {policy: a, spans: [{duration: 5}]}\n"),
            "spans[0].duration: expected a duration, found the number 5 without unit",
        ),
        (
            &with_trace(
                "      - {policy: a, spans: [{attributes: {big: 18446744073709551615}}]}\n",
            ),
            "spans[0].attributes.big: is no 64-bit integer",
        ),
        (
            &with_trace("      - {policy: a, spans: [{id: x}, {id: x}]}\n"),
            "spans[1].id: a second span has the id \"x\"",
        ),
    ];
    for (text, message) in mistakes {
        let refusal = refusal(text);
        assert!(refusal.contains(message), "{text}\n{refusal}");
    }
}
