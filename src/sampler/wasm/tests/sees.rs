//! What a guest sees of a trace.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::guest::{SAMPLE, evaluates, guest};
use super::*;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn span(id: u8, parent: u8, name: &str, times: (u64, u64)) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 {
            Vec::new()
        } else {
            vec![parent; 8]
        },
        name: name.to_owned(),
        start_time_unix_nano: times.0,
        end_time_unix_nano: times.1,
        ..Span::default()
    }
}

fn of(service: &str, span: Span) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![attribute("service.name", text(service))],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "http".to_owned(),
                ..InstrumentationScope::default()
            }),
            spans: vec![span],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

/// A root in `shop`, a slow child in `bank` that failed.
fn trace() -> TraceFixture {
    let mut child = span(2, 1, "charge", (2_000_000, 9_500_000));
    child.status = Some(Status {
        code: 2,
        ..Status::default()
    });
    child.attributes = vec![
        attribute("retries", Value::IntValue(3)),
        attribute("amount", Value::DoubleValue(2.5)),
        attribute("first", Value::BoolValue(true)),
    ];
    let mut root = span(1, 0, "GET /", (1_000_000, 11_000_000));
    root.attributes = vec![attribute("http.route", text("/checkout"))];
    TraceFixture::of_resource_spans(&[of("bank", child), of("shop", root)])
}

/// Whether a guest finds `condition` true; texts begin at 1024 in the order of `texts`, addresses of results are its own.
fn holds(texts: &[&str], condition: &str) -> bool {
    holds_of(&trace(), texts, condition)
}

fn holds_of(trace: &TraceFixture, texts: &[&str], condition: &str) -> bool {
    let data = format!("(data (i32.const 1024) \"{}\")", texts.concat());
    let functions = format!(
        "{data} (func $is (param $trace i32) (result i32) {condition})
         (func (export \"evaluate\") (param $trace i32) (result i32)
           (call $answer (local.get $trace) (call $is (local.get $trace))))"
    );
    match says(&guest(&functions), trace) {
        Ok(Verdict::Sample) => true,
        Ok(Verdict::Abstain) => false,
        other => panic!("{other:?}"),
    }
}

/// `condition` on the child, at which a cursor stands.
fn holds_at_child(texts: &[&str], condition: &str) -> bool {
    let on_child = format!(
        "(local $spans i32) (local $is i32)
         (local.set $spans (call $trace.spans (local.get $trace)))
         (drop (call $spans.next (local.get $spans)))
         (local.set $is {condition})
         (call $drop-spans (local.get $spans))
         (local.get $is)"
    );
    holds(texts, &on_child)
}

#[test]
fn figures_of_the_whole_trace() {
    assert!(holds(
        &[],
        "(i32.eq (call $trace.span-count (local.get $trace)) (i32.const 2))"
    ));
    assert!(holds(
        &[],
        "(i32.eq (call $trace.error-count (local.get $trace)) (i32.const 1))"
    ));
    assert!(holds(&[], "(call $trace.has-error (local.get $trace))"));
    assert!(holds(
        &[],
        "(f64.eq (call $trace.duration-ms (local.get $trace)) (f64.const 10))"
    ));
    assert!(holds(
        &[],
        "(i64.eq (call $trace.start-unix-ns (local.get $trace)) (i64.const 1000000))"
    ));
    assert!(holds(
        &[],
        "(i32.gt_u (call $trace.size-bytes (local.get $trace)) (i32.const 60))"
    ));
}

#[test]
fn the_root_s_name_service_and_attributes() {
    let length = |call: &str| format!("{call} (i32.load (i32.const 72))");
    let name = length("(call $trace.root-name (local.get $trace) (i32.const 64))");
    assert!(holds(&[], &format!("{name} (i32.const 5) i32.eq")));
    let service = length("(call $trace.root-service (local.get $trace) (i32.const 64))");
    assert!(holds(&[], &format!("{service} (i32.const 4) i32.eq")));
    let of_length = |bytes: usize| {
        format!(
            "(call $trace.root-attribute (local.get $trace) (i32.const 1024) (i32.const {bytes}) (i32.const 64))
             (i32.load8_u (i32.const 64))"
        )
    };
    assert!(holds(&["http.route"], &of_length(10)));
    assert!(holds(&["service.name"], &of_length(12)));
    assert!(!holds(&["retries"], &of_length(7)));
    let services = "(call $trace.services (local.get $trace) (i32.const 64))
                    (i32.eq (i32.load (i32.const 68)) (i32.const 2))";
    assert!(holds(&[], services));
}

#[test]
fn of_several_roots_the_one_that_starts_first_counts() {
    let trace = TraceFixture::of_resource_spans(&[
        of("bank", span(2, 1, "charge", (2_000_000, 9_500_000))),
        of("shop", span(3, 0, "later", (1_500_000, 9_000_000))),
        of("shop", span(1, 0, "GET /", (1_000_000, 9_000_000))),
        of("shop", span(4, 0, "GET", (1_500_000, 9_000_000))),
    ]);
    let is_get = "(call $trace.root-name (local.get $trace) (i32.const 64))
        (i32.eq (i32.load (i32.const 72)) (i32.const 5))
        (i32.eq (i32.load8_u (i32.load (i32.const 68))) (i32.const 0x47))
        i32.and";
    assert!(holds_of(&trace, &[], is_get));
    let without = [of("bank", span(2, 1, "charge", (2_000_000, 9_500_000)))];
    let has_name = "(call $trace.root-name (local.get $trace) (i32.const 64))
        (i32.load8_u (i32.const 64))";
    let without = TraceFixture::of_resource_spans(&without);
    assert!(!holds_of(&without, &[], has_name));
}

#[test]
fn predicates_look_where_they_are_told() {
    let has = |scope: u32, key: &str| {
        let call = format!(
            "(call $trace.has-attribute (local.get $trace) (i32.const {scope}) (i32.const 1024) (i32.const {}))",
            key.len()
        );
        holds(&[key], &call)
    };
    let (any, root, resource) = (0, 1, 2);
    let found = [any, root, resource].map(|scope| has(scope, "retries"));
    assert_eq!(found, [true, false, false]);
    let found = [any, root, resource].map(|scope| has(scope, "http.route"));
    assert_eq!(found, [true, true, false]);
    let found = [any, root, resource].map(|scope| has(scope, "service.name"));
    assert_eq!(found, [true, true, true]);
    assert!(!has(any, "nowhere"));
}

#[test]
fn text_and_numbers_are_compared_by_the_host() {
    let compare = |function: &str, key: &str, value: &str| {
        let at = 1024 + key.len();
        let call = format!(
            "(call $trace.{function} (local.get $trace) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const {at}) (i32.const {}))",
            key.len(),
            value.len()
        );
        holds(&[key, value], &call)
    };
    assert!(compare("attribute-equals", "http.route", "/checkout"));
    assert!(!compare("attribute-equals", "http.route", "/check"));
    assert!(compare("attribute-starts-with", "http.route", "/check"));
    assert!(compare("attribute-equals", "retries", "3"));
    assert!(compare("attribute-equals", "amount", "2.5"));
    assert!(compare("attribute-equals", "first", "true"));
    let max = |key: &str| {
        format!(
            "(call $trace.attribute-max (local.get $trace) (i32.const 0) (i32.const 1024) (i32.const {}) (i32.const 64))
             (f64.eq (f64.load (i32.const 72)) (f64.const 3))",
            key.len()
        )
    };
    assert!(holds(&["retries"], &max("retries")));
    assert!(!holds(&["amount"], &max("amount")));
}

#[test]
fn a_cursor_reads_one_span_after_another() {
    assert!(holds_at_child(
        &[],
        "(f64.eq (call $spans.duration-ms (local.get $spans)) (f64.const 7.5))"
    ));
    assert!(holds_at_child(
        &["retries"],
        "(call $spans.attribute-number (local.get $spans) (i32.const 1024) (i32.const 7) (i32.const 64))
         (f64.eq (f64.load (i32.const 72)) (f64.const 3))"
    ));
    // The parent came after it.
    assert!(holds_at_child(
        &[],
        "(call $spans.parent (local.get $spans) (i32.const 64))
         (i32.and (i32.load8_u (i32.const 64)) (i32.eq (i32.load (i32.const 68)) (i32.const 1)))"
    ));
    assert!(holds_at_child(
        &[],
        "(drop (call $spans.next (local.get $spans)))
         (drop (call $spans.next (local.get $spans)))
         (i32.eqz (call $spans.next (local.get $spans)))"
    ));
    assert!(holds_at_child(
        &[],
        "(drop (call $spans.next (local.get $spans)))
         (drop (call $spans.next (local.get $spans)))
         (call $spans.name (local.get $spans) (i32.const 64))
         (i32.eqz (i32.load (i32.const 68)))"
    ));
}

#[test]
fn the_whole_trace_may_be_had_as_bytes() {
    let fixture = trace();
    let bytes = format!(
        "(call $trace.otlp-bytes (local.get $trace) (i32.const 64))
         (i32.gt_u (i32.load (i32.const 68)) (i32.const {}))",
        fixture.view().summary.span_bytes
    );
    assert!(holds(&[], &bytes));
}

#[test]
fn a_config_arrives_as_it_was_written() {
    let checks = guest(
        "(func (export \"configure\") (param $at i32) (param $length i32) (result i32)
           (i32.store8 (i32.const 32) (i32.ne (i32.load8_u (i32.add (local.get $at) (i32.const 1))) (i32.const 55)))
           (i32.store (i32.const 36) (local.get $at))
           (i32.store (i32.const 40) (local.get $length))
           (i32.const 32))
         (func (export \"evaluate\") (param i32) (result i32) (call $answer (local.get 0) (i32.const 1)))",
    );
    assert!(load_with(&checks, "[7]", Limits::default()).is_ok());
    let refused = load_with(&checks, "[\"a\n\tb\"]", Limits::default()).unwrap_err();
    assert_eq!(refused.to_string(), "refuses its config: [\"a b\"]");
}

#[test]
fn verdicts_are_those_of_the_contract() {
    let of_case = |case| says(&evaluates("", case), &trace()).unwrap();
    assert!(matches!(of_case(0), Verdict::Abstain));
    assert!(matches!(of_case(SAMPLE), Verdict::Sample));
    assert!(matches!(of_case(2), Verdict::NotSample));
    assert!(matches!(of_case(3), Verdict::Drop));
    let share = |share: &str| {
        let store = format!("(f64.store (i32.const 24) (f64.const {share}))");
        says(&evaluates(&store, 4), &trace())
    };
    assert!(matches!(share("0.25"), Ok(Verdict::SampleWithProbability(it)) if it == 0.25));
    for wrong in ["-0.1", "1.5", "nan", "inf"] {
        assert_eq!(share(wrong).unwrap_err().reason, Reason::Verdict, "{wrong}");
    }
}
