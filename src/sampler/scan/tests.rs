//! Scopes, repeated attributes, and one visit for all.

use std::ops::ControlFlow;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::config::policy_file;
use crate::otlp::ids::TraceId;
use crate::sampler::config::{AttributeConfig, RuleConfig, Scope, StringValues};
use crate::sampler::evaluation::Scratch;
use crate::sampler::policy::Context;
use crate::sampler::policy::Vote;
use crate::sampler::policy_set::{PolicySet, Setting};
use crate::sampler::test_support::{TraceFixture, votes};
use crate::sampler::trace_summary::TraceSummary;
use crate::sampler::trace_view::{SpanView, Spans, TraceView};

fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let pairs = pairs.iter().map(|(key, value)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue((*value).to_owned())),
        }),
        ..KeyValue::default()
    });
    pairs.collect()
}

/// A root with its resource, and a child with its own.
fn trace(root: [&[(&str, &str)]; 2], child: [&[(&str, &str)]; 2]) -> TraceFixture {
    let part = |[resource, span]: [&[(&str, &str)]; 2], parent: &[u8]| ResourceSpans {
        resource: Some(Resource {
            attributes: attributes(resource),
            ..Resource::default()
        }),
        scope_spans: vec![opentelemetry_proto::tonic::trace::v1::ScopeSpans {
            spans: vec![Span {
                trace_id: vec![7; 16],
                span_id: vec![1; 8],
                parent_span_id: parent.to_vec(),
                attributes: attributes(span),
                ..Span::default()
            }],
            ..Default::default()
        }],
        ..ResourceSpans::default()
    };
    TraceFixture::of_resource_spans(&[part(root, &[]), part(child, &[9; 8])])
}

fn vote(scope: Scope, trace: &TraceFixture) -> Vote {
    let rule = RuleConfig::StringAttribute(AttributeConfig {
        key: "k".to_owned(),
        wanted: StringValues::Exact(vec!["x".to_owned()]),
        invert_match: false,
        scope,
    });
    votes(&rule, &[trace])[0].clone().unwrap()
}

fn scopes_that_sample(trace: &TraceFixture) -> Vec<Scope> {
    [Scope::Any, Scope::Root, Scope::Resource, Scope::All]
        .into_iter()
        .filter(|scope| vote(*scope, trace) == Vote::Sampled)
        .collect()
}

const X: &[(&str, &str)] = &[("k", "x")];
const Y: &[(&str, &str)] = &[("k", "y")];
const NONE: &[(&str, &str)] = &[];

#[test]
fn any_scope_takes_one_match_anywhere() {
    assert_eq!(
        scopes_that_sample(&trace([NONE, NONE], [NONE, X])),
        [Scope::Any]
    );
    assert_eq!(scopes_that_sample(&trace([NONE, Y], [NONE, NONE])), []);
}

#[test]
fn root_scope_looks_at_the_root_and_its_resource() {
    assert_eq!(
        scopes_that_sample(&trace([NONE, X], [Y, Y])),
        [Scope::Any, Scope::Root]
    );
    assert_eq!(
        scopes_that_sample(&trace([X, NONE], [NONE, NONE])),
        [Scope::Any, Scope::Root, Scope::Resource]
    );
}

#[test]
fn all_scope_wants_every_span_to_match_by_itself_or_its_resource() {
    assert_eq!(
        scopes_that_sample(&trace([NONE, X], [X, NONE])),
        [Scope::Any, Scope::Root, Scope::Resource, Scope::All]
    );
    assert_eq!(
        scopes_that_sample(&trace([NONE, X], [NONE, X])),
        [Scope::Any, Scope::Root, Scope::All]
    );
}

#[test]
fn of_an_attribute_that_stands_twice_the_first_counts() {
    let twice = &[("k", "y"), ("k", "x")];
    assert_eq!(scopes_that_sample(&trace([NONE, NONE], [NONE, twice])), []);
}

/// Spans, each with its envelopes, that need not be any.
#[derive(Debug)]
struct Garbage(Vec<[Vec<u8>; 3]>);

impl Spans for Garbage {
    fn visit<'s>(&'s self, visitor: &mut dyn FnMut(SpanView<'s>) -> ControlFlow<()>) {
        for [resource, scope, span] in &self.0 {
            let view = SpanView {
                resource,
                scope,
                span,
            };
            if visitor(view).is_break() {
                return;
            }
        }
    }
}

/// Bytes that begin as attributes do, and go on as they like.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let key = b"\x0a\x01k\x12".to_vec();
    let attribute = vec(any::<u8>(), 0..12).prop_map(move |value| {
        let body = [key.as_slice(), &value].concat();
        [&[0x4a, body.len() as u8], body.as_slice()].concat()
    });
    let field = prop_oneof![attribute, vec(any::<u8>(), 0..6)];
    vec(field, 0..6).prop_map(|fields| fields.concat())
}

const EVERY_READER: &str = r#"
policies:
  - {name: s, type: string_attribute, string_attribute: {key: k, values: [x+], enabled_regex_matching: true}}
  - {name: n, type: numeric_attribute, numeric_attribute: {key: k, min_value: 1}}
  - {name: b, type: boolean_attribute, boolean_attribute: {key: k, value: true}}
  - {name: t, type: trace_state, trace_state: {key: k, values: [x]}}
  - {name: l, type: latency, latency: {threshold_ms: 1, upper_threshold_ms: 5}}
  - {name: o, type: ottl_condition, ottl_condition: {span: ['attributes["k"]["k"][0] == "x" or Len(attributes) > 3'], spanevent: ['attributes["k"] == 1']}}
"#;

proptest! {
    #[test]
    fn no_bytes_of_a_span_keep_a_decision_from_being_made(
        spans in vec([bytes(), bytes(), bytes()], 0..5),
    ) {
        let file = policy_file::parse("p.yaml", EVERY_READER, &|_| None).unwrap().config;
        let set = PolicySet::compile(&file.policies, file.evaluation);
        let spans = Garbage(spans);
        let view = TraceView {
            trace_id: TraceId([7; 16]),
            summary: &TraceSummary::default(),
            spans: &spans,
        };
        let setting = Setting {
            context: Context::default(),
            stopwatch: None,
        };
        let mut scratch = Scratch::default();
        set.decide(&view, &setting, &mut scratch);
        prop_assert_eq!(scratch.records().len(), 6);
    }
}
