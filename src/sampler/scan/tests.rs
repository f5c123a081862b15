//! Scopes, repeated attributes, and one visit for all.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use crate::sampler::config::{AttributeConfig, RuleConfig, Scope, StringValues};
use crate::sampler::policy::Vote;
use crate::sampler::test_support::{TraceFixture, votes};

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
