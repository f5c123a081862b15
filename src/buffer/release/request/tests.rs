//! Requests with and without marks, as other decoders read them.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::*;
use crate::buffer::block_pool::BlockPool;
use crate::buffer::config::{MarkPlace, PolicyMark};
use crate::buffer::envelopes::EnvelopeId;
use crate::buffer::span_store::SpanStore;
use crate::otlp::wire::walk_request;

const NAME: &str = "tailsieve.policy";

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(any_value::Value::StringValue(value.to_owned()));
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    }
}

fn span(number: u8, attributes: &[KeyValue]) -> Span {
    Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: format!("operation {number}"),
        attributes: attributes.to_vec(),
        status: Some(Status::default()),
        flags: 0x101,
        ..Span::default()
    }
}

/// One resource with two scopes, of two spans and one.
fn request() -> ExportTraceServiceRequest {
    let scope = |name: &str, spans: Vec<Span>| ScopeSpans {
        scope: Some(InstrumentationScope {
            name: name.to_owned(),
            attributes: vec![attribute("of", "scope")],
            ..InstrumentationScope::default()
        }),
        spans,
        schema_url: "https://example.com/scope".to_owned(),
    };
    let own = [attribute("of", "span")];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "checkout")],
                dropped_attributes_count: 3,
                ..Resource::default()
            }),
            scope_spans: vec![
                scope("http", vec![span(1, &own), span(2, &own)]),
                scope("grpc", vec![span(3, &own)]),
            ],
            schema_url: "https://example.com/resource".to_owned(),
        }],
    }
}

/// The request as it leaves when each span was kept by the policy at its place, if any.
fn written(
    body: Vec<u8>,
    place: Option<MarkPlace>,
    policies: &[Option<&str>],
) -> ExportTraceServiceRequest {
    let body = Bytes::from(body);
    let walked = walk_request(&body).unwrap();
    let mut envelopes = Envelopes::default();
    let mut marks = Marks::new(place.map(|place| PolicyMark {
        attribute: NAME.to_owned(),
        place,
    }));
    let mut store = SpanStore::default();
    store.reserve(
        walked.spans.len(),
        body.len() as u64,
        &mut BlockPool::new(0),
    );
    for span in &walked.spans {
        let begin = span.offset as usize;
        let envelope = envelopes.acquire(&walked.scopes[span.scope_index as usize]);
        assert!(store.push(envelope, &body[begin..begin + span.length as usize]));
    }
    let records = store.iter().zip(policies);
    let pieces: Vec<Piece<'_>> = records
        .map(|(record, policy)| Piece {
            envelope: record.envelope,
            mark: policy.and_then(|policy| marks.of_policy(policy)),
            framed: record.framed,
        })
        .collect();
    assert_eq!(pieces.len(), policies.len());
    let out = write_request(&pieces, &envelopes, &marks);
    walk_request(&Bytes::from(out.clone())).unwrap();
    ExportTraceServiceRequest::decode(out.as_slice()).unwrap()
}

/// The marks of all spans, by the last byte of the trace ID, wherever they stand.
fn marks_of(request: &ExportTraceServiceRequest, place: MarkPlace) -> Vec<(u8, Vec<String>)> {
    let mut found = Vec::new();
    for resource_spans in &request.resource_spans {
        let resource = resource_spans.resource.as_ref().unwrap();
        for scope_spans in &resource_spans.scope_spans {
            let scope = scope_spans.scope.as_ref().unwrap();
            for span in &scope_spans.spans {
                let attributes = match place {
                    MarkPlace::Span => &span.attributes,
                    MarkPlace::Scope => &scope.attributes,
                    MarkPlace::Resource => &resource.attributes,
                };
                let marks = attributes.iter().filter(|attribute| attribute.key == NAME);
                let texts = marks.map(|mark| match mark.value.clone().unwrap().value {
                    Some(any_value::Value::StringValue(text)) => text,
                    other => panic!("{other:?}"),
                });
                found.push((span.trace_id[15], texts.collect()));
            }
        }
    }
    found.sort();
    found
}

fn without_marks(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    let clean = |attributes: &mut Vec<KeyValue>| attributes.retain(|a| a.key != NAME);
    for resource_spans in &mut request.resource_spans {
        clean(&mut resource_spans.resource.as_mut().unwrap().attributes);
        for scope_spans in &mut resource_spans.scope_spans {
            clean(&mut scope_spans.scope.as_mut().unwrap().attributes);
            for span in &mut scope_spans.spans {
                clean(&mut span.attributes);
            }
        }
    }
    request
}

const PLACES: [MarkPlace; 3] = [MarkPlace::Span, MarkPlace::Scope, MarkPlace::Resource];

#[test]
fn without_marks_a_request_leaves_as_it_came() {
    let written = written(request().encode_to_vec(), None, &[None; 3]);
    assert_eq!(written, request());
}

#[test]
fn spans_that_one_policy_kept_leave_as_they_came_but_for_its_mark() {
    for place in PLACES {
        let written = written(request().encode_to_vec(), Some(place), &[Some("errors"); 3]);
        let mark = || vec!["errors".to_owned()];
        let expected = [(1, mark()), (2, mark()), (3, mark())];
        assert_eq!(marks_of(&written, place), expected, "{place:?}");
        for elsewhere in PLACES.into_iter().filter(|other| *other != place) {
            let marks = marks_of(&written, elsewhere);
            assert!(marks.iter().all(|(_, marks)| marks.is_empty()), "{place:?}");
        }
        assert_eq!(without_marks(written), request(), "{place:?}");
    }
}

#[test]
fn spans_of_one_scope_that_different_policies_kept_have_each_their_own_mark() {
    let policies = [Some("errors"), Some("a slow one"), None];
    for place in PLACES {
        let written = written(request().encode_to_vec(), Some(place), &policies);
        let expected = [
            (1, vec!["errors".to_owned()]),
            (2, vec!["a slow one".to_owned()]),
            (3, vec![]),
        ];
        assert_eq!(marks_of(&written, place), expected, "{place:?}");
        for resource_spans in &written.resource_spans {
            let resource = resource_spans.resource.as_ref().unwrap();
            assert_eq!(
                resource.attributes[0],
                attribute("service.name", "checkout")
            );
            assert_eq!(resource.dropped_attributes_count, 3);
        }
    }
}

#[test]
fn the_mark_of_an_engine_before_this_one_gives_way() {
    let mut marked = request();
    let old = || vec![attribute(NAME, "old"), attribute("of", NAME)];
    let resource_spans = &mut marked.resource_spans[0];
    resource_spans.resource.as_mut().unwrap().attributes = old();
    for scope_spans in &mut resource_spans.scope_spans {
        scope_spans.scope.as_mut().unwrap().attributes = old();
        for span in &mut scope_spans.spans {
            span.attributes = old();
        }
    }
    for place in PLACES {
        let written = written(marked.encode_to_vec(), Some(place), &[Some("new"); 3]);
        let marks = marks_of(&written, place);
        assert!(
            marks.iter().all(|(_, marks)| *marks == ["new"]),
            "{marks:?}"
        );
        let expected = without_marks(marked.clone());
        assert_eq!(without_marks(written), expected, "{place:?}");
    }
}

#[test]
fn a_scope_or_resource_that_was_left_out_is_there_for_its_mark() {
    let mut bare = request();
    bare.resource_spans[0].resource = None;
    bare.resource_spans[0].scope_spans[0].scope = None;
    bare.resource_spans[0].scope_spans[1].scope = None;
    let on_scopes = written(
        bare.encode_to_vec(),
        Some(MarkPlace::Scope),
        &[Some("errors"); 3],
    );
    let scope = &on_scopes.resource_spans[0].scope_spans[0].scope;
    let expected = InstrumentationScope {
        attributes: vec![attribute(NAME, "errors")],
        ..InstrumentationScope::default()
    };
    assert_eq!(scope.as_ref(), Some(&expected));
    let on_resources = written(
        bare.encode_to_vec(),
        Some(MarkPlace::Resource),
        &[Some("errors"); 3],
    );
    let resource = on_resources.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(resource.attributes, [attribute(NAME, "errors")]);
}

#[test]
fn a_scope_that_stands_in_two_parts_becomes_one_with_the_mark() {
    let part = |name: &str, version: &str| ScopeSpans {
        scope: Some(InstrumentationScope {
            name: name.to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        }),
        ..ScopeSpans::default()
    };
    let mut scope = part("http", "").encode_to_vec();
    scope.extend(part("", "2").encode_to_vec());
    let marks = &mut Marks::new(Some(PolicyMark {
        attribute: NAME.to_owned(),
        place: MarkPlace::Scope,
    }));
    let mark = marks.of_policy("errors").unwrap();
    let fields = marks.on_envelope(&scope, mark);
    assert_eq!(fields_of(&fields, 1).count(), 1);
    let scope = ScopeSpans::decode(fields.as_slice())
        .unwrap()
        .scope
        .unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("http", "2"));
    assert_eq!(scope.attributes, [attribute(NAME, "errors")]);
}

#[test]
fn an_envelope_that_is_not_known_any_more_still_gives_a_request() {
    let piece = Piece {
        envelope: EnvelopeId(7),
        mark: None,
        framed: &[SPAN_FIELD_KEY, 0],
    };
    let out = write_request(&[piece], &Envelopes::default(), &Marks::new(None));
    let request = ExportTraceServiceRequest::decode(out.as_slice()).unwrap();
    assert_eq!(request.resource_spans[0].scope_spans[0].spans.len(), 1);
}
