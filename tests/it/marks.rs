//! Kept spans carry the policy that decided, where the server file asks for it: on time or late, to every exporter.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::support::backend::Backend;
use crate::support::eventually;
use crate::support::replica::Replica;
use crate::support::spans::{PlacedSpan, attribute, by_trace, failed, request, span};

const POLICIES: &str = "\
decision_wait: 200ms
policies:
- {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
- {name: carts, type: string_attribute, string_attribute: {key: http.route, values: ['/cart/{id}']}}
";

/// Sends two traces of one scope, one failed, then late spans of both; what is kept arrives at the exporters.
async fn two_traces_and_late_spans(replica: &Replica) {
    let client = replica.client().await;
    let on_time = request(vec![failed(span(1, 1)), span(2, 1), span(2, 2)]);
    client.export(&on_time).await.message();
    let are_kept = || async { (replica.status().await.spans.kept == 3).then_some(()) };
    eventually("both are kept", are_kept).await;
    let late = request(vec![span(1, 2), failed(span(2, 3))]);
    client.export(&late).await.message();
    replica.take_in(5).await;
    replica.settle().await;
}

/// The policies named by attributes `name` of what `of` gives, by trace and span number.
fn marks(
    kept: &[ExportTraceServiceRequest],
    name: &str,
    of: impl Fn(&PlacedSpan) -> Vec<KeyValue>,
) -> BTreeMap<(u8, u8), Vec<String>> {
    let spans = by_trace(kept).into_values().flatten();
    let marks = spans.map(|placed| {
        let named = of(&placed).into_iter().filter(|mark| mark.key == name);
        let policies = named.map(|mark| match mark.value.unwrap().value.unwrap() {
            Value::StringValue(policy) => policy,
            other => panic!("{other:?}"),
        });
        let id = (placed.span.trace_id[15], placed.span.span_id[7]);
        (id, policies.collect())
    });
    marks.collect()
}

/// Late spans as their trace, whatever they would be by themselves.
fn expected() -> BTreeMap<(u8, u8), Vec<String>> {
    let policies = [
        ((1, 1), "errors"),
        ((1, 2), "errors"),
        ((2, 1), "carts"),
        ((2, 2), "carts"),
        ((2, 3), "carts"),
    ];
    let policies = policies.map(|(span, policy)| (span, vec![policy.to_owned()]));
    BTreeMap::from(policies)
}

#[tokio::test]
async fn spans_carry_the_policy_that_kept_them_to_backends_and_files() {
    let backend = Backend::start().await;
    let endpoint = format!("endpoint: \"http://{}\"", backend.address);
    let server = format!(
        "exporters: {{otlp: {{{endpoint}}}, file: {{}}}}\nmarks: {{policy: {{place: span}}}}\n"
    );
    let replica = Replica::start(&server, POLICIES).await;
    two_traces_and_late_spans(&replica).await;
    let kept = replica.stop().await.kept;
    let on_spans = |placed: &PlacedSpan| placed.span.attributes.clone();
    assert_eq!(marks(&kept, "tailsieve.policy", on_spans), expected());
    assert_eq!(by_trace(&backend.requests()), by_trace(&kept));
    // Nothing else about them has changed.
    let mut kept = by_trace(&kept)
        .remove(2_u128.to_be_bytes().as_slice())
        .unwrap();
    for placed in &mut kept {
        placed
            .span
            .attributes
            .retain(|a| a.key != "tailsieve.policy");
    }
    let sent = request(vec![span(2, 1), span(2, 2), failed(span(2, 3))]);
    let sent = by_trace([&sent]).into_values().flatten();
    assert_eq!(kept, sent.collect::<Vec<_>>());
}

#[tokio::test]
async fn scopes_carry_it_as_the_collector_writes_it() {
    let server = "marks: {policy: {attribute: tailsampling.policy, place: scope}}\n";
    let replica = Replica::start(server, POLICIES).await;
    two_traces_and_late_spans(&replica).await;
    let kept = replica.stop().await.kept;
    let on_scopes = |placed: &PlacedSpan| placed.scope.clone().unwrap().attributes;
    assert_eq!(marks(&kept, "tailsampling.policy", on_scopes), expected());
    let names = by_trace(&kept).into_values().flatten();
    assert!(
        names
            .into_iter()
            .all(|placed| { placed.scope.is_some_and(|scope| scope.name == "tests") })
    );
}

#[tokio::test]
async fn a_mark_that_is_there_already_is_replaced() {
    let server = "marks: {policy: {place: span}}\n";
    let replica = Replica::start(server, POLICIES).await;
    let mut marked = span(1, 1);
    let old = Value::StringValue("of an engine before".into());
    marked.attributes.push(attribute("tailsieve.policy", old));
    let client = replica.client().await;
    client.export(&request(vec![marked])).await.message();
    replica.take_in(1).await;
    let kept = replica.stop().await.kept;
    let on_spans = |placed: &PlacedSpan| placed.span.attributes.clone();
    let policies = vec!["carts".to_owned()];
    let expected = BTreeMap::from([((1, 1), policies)]);
    assert_eq!(marks(&kept, "tailsieve.policy", on_spans), expected);
}
