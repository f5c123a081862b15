//! Headers named by `include_metadata` are part of a trace's key and are sent on; beyond the limit it is overload.

use tonic::Code;

use crate::support::backend::Backend;
use crate::support::replica::Replica;
use crate::support::spans::{count, failed, request, span};

const ERRORS: &str = "\
decision_wait: 300ms
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

#[tokio::test]
async fn tenants_with_the_same_trace_id_are_decided_apart() {
    let backend = Backend::start().await;
    let by_tenant = "receivers: {otlp: {include_metadata: [X-Tenant]}}";
    let replica = Replica::start(&backend.server_file(by_tenant), ERRORS).await;
    let client = replica.client().await;
    let red = [("x-tenant", "red")];
    let blue = [("x-tenant", "blue")];
    for (headers, span) in [
        (&red[..], failed(span(1, 1))),
        (&red[..], span(1, 2)),
        (&blue[..], span(1, 3)),
        (&[][..], span(1, 4)),
    ] {
        let answer = client.export_with(headers, &request(vec![span])).await;
        assert_eq!(answer.message().len(), 0);
    }
    let spans = replica.settle().await.spans;
    assert_eq!((spans.kept, spans.not_sampled), (2, 2));
    for taken in backend.taken() {
        assert_eq!(taken.headers["x-tenant"], "red");
    }
    assert_eq!(count(&backend.requests()), 2);
    replica.stop().await;
}

#[tokio::test]
async fn one_combination_too_many_is_overload() {
    let limited =
        "receivers: {otlp: {include_metadata: [x-tenant], metadata_cardinality_limit: 2}}";
    let replica = Replica::start(limited, crate::support::replica::KEEP_ALL_AT_THE_END).await;
    let client = replica.client().await;
    for (tenant, expected) in [
        ("a", Code::Ok),
        ("b", Code::Ok),
        ("c", Code::Unavailable),
        ("a", Code::Ok),
    ] {
        let answer = client
            .export_with(&[("x-tenant", tenant)], &request(vec![span(1, 1)]))
            .await;
        assert_eq!(answer.code(), expected, "{tenant}");
    }
    replica.take_in(3).await;
    replica.stop().await;
}
