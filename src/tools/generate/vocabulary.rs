//! Names and attributes of the generated spans, after the OpenTelemetry semantic conventions.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::shape::Role;

/// Service, what it serves, the table it keeps, language.
const SERVICES: [(&str, &str, &str, &str); 10] = [
    ("storefront", "GET /cart/{id}", "sessions", "nodejs"),
    ("checkout", "Checkout/PlaceOrder", "orders", "go"),
    ("catalog", "Catalog/ListProducts", "products", "java"),
    ("payment", "Payment/Charge", "transactions", "dotnet"),
    ("shipping", "Shipping/Quote", "parcels", "rust"),
    ("currency", "Currency/Convert", "rates", "cpp"),
    ("inventory", "Inventory/Reserve", "stock", "java"),
    ("accounts", "Accounts/Lookup", "customers", "python"),
    ("mailer", "Mailer/SendReceipt", "outbox", "ruby"),
    ("recommender", "Recommender/Similar", "views", "python"),
];

/// The name of service number `service`; beyond the tenth they repeat with a number.
#[must_use]
pub fn service_name(service: usize) -> String {
    let (name, ..) = entry(service);
    match service / SERVICES.len() {
        0 => name.to_owned(),
        round => format!("{name}-{}", round + 1),
    }
}

/// The resource of service number `service`.
#[must_use]
pub fn resource(service: usize) -> Resource {
    let name = service_name(service);
    let (.., language) = entry(service);
    let pod = format!("{name}-6b7f9c5d84-{:05x}", 0x5f3a1 + service * 0x1d35);
    Resource {
        attributes: vec![
            text("service.name", &name),
            text("service.namespace", "shop"),
            text("service.version", &format!("2.{service}.1")),
            text("service.instance.id", &pod),
            text("deployment.environment.name", "production"),
            text("k8s.namespace.name", "shop"),
            text("k8s.pod.name", &pod),
            text("host.name", &format!("worker-{}", service % 3)),
            text("telemetry.sdk.language", language),
            text("telemetry.sdk.name", "opentelemetry"),
            text("telemetry.sdk.version", "1.38.0"),
            integer("process.pid", 1),
        ],
        ..Resource::default()
    }
}

/// The instrumentation scope of service number `service`.
#[must_use]
pub fn scope(service: usize) -> InstrumentationScope {
    InstrumentationScope {
        name: format!("{}.instrumentation", service_name(service)),
        version: "0.64.0".to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Name, kind and attributes of a span of `service` that does `role`; everything else is left empty.
#[must_use]
pub fn span(service: usize, role: Role, number: usize) -> Span {
    let (name, kind, attributes) = match role {
        Role::Entry if service == 0 => http_server(),
        Role::Entry => rpc(service, SpanKind::Server),
        Role::Call(called) => rpc(called, SpanKind::Client),
        Role::Query => query(service, number),
        Role::Step => step(service, number),
    };
    Span {
        name,
        kind: kind.into(),
        attributes,
        ..Span::default()
    }
}

/// An attribute with a text value.
#[must_use]
pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn integer(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn entry(service: usize) -> (&'static str, &'static str, &'static str, &'static str) {
    let index = service % SERVICES.len();
    SERVICES.get(index).copied().unwrap_or_default()
}

type Described = (String, SpanKind, Vec<KeyValue>);

fn http_server() -> Described {
    let (_, served, ..) = entry(0);
    let attributes = vec![
        text("http.request.method", "GET"),
        text("http.route", "/cart/{id}"),
        text("url.scheme", "https"),
        text("url.path", "/cart/7f3a9b"),
        integer("http.response.status_code", 200),
        text("server.address", "shop.example.com"),
        integer("server.port", 443),
        text("client.address", "203.0.113.42"),
        text("network.protocol.version", "1.1"),
        text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
    ];
    (served.to_owned(), SpanKind::Server, attributes)
}

fn rpc(service: usize, kind: SpanKind) -> Described {
    let (_, served, ..) = entry(service);
    let (rpc_service, method) = served.split_once('/').unwrap_or((served, ""));
    let name = service_name(service);
    let attributes = vec![
        text("rpc.system", "grpc"),
        text("rpc.service", &format!("shop.v1.{rpc_service}")),
        text("rpc.method", method),
        integer("rpc.grpc.status_code", 0),
        text("server.address", &format!("{name}.shop.svc.cluster.local")),
        integer("server.port", 8_080),
        text("network.peer.address", &format!("10.42.3.{}", 10 + service)),
        integer("network.peer.port", 41_812),
        text("network.transport", "tcp"),
    ];
    (format!("shop.v1.{served}"), kind, attributes)
}

fn query(service: usize, number: usize) -> Described {
    let (_, _, table, _) = entry(service);
    let statement =
        format!("SELECT id, state, updated_at FROM {table} WHERE id = $1 LIMIT {number}");
    let attributes = vec![
        text("db.system.name", "postgresql"),
        text("db.namespace", "shop"),
        text("db.collection.name", table),
        text("db.operation.name", "SELECT"),
        text("db.query.text", &statement),
        integer("db.response.returned_rows", 1),
        text("server.address", "postgres-primary.shop.svc.cluster.local"),
        integer("server.port", 5_432),
    ];
    (format!("SELECT {table}"), SpanKind::Client, attributes)
}

fn step(service: usize, number: usize) -> Described {
    let (_, _, table, _) = entry(service);
    let attributes = vec![
        text("code.function.name", &format!("shop.{table}.load_{number}")),
        text("code.file.path", &format!("src/{table}/load.rs")),
        integer("code.line.number", 40 + i64::try_from(number).unwrap_or(0)),
        text("thread.name", "tokio-runtime-worker"),
        integer("thread.id", 7),
        text("app.cache.outcome", "miss"),
        text("app.tenant", "acme"),
        text("app.feature_flag.variant", "control"),
    ];
    (format!("load {table}"), SpanKind::Internal, attributes)
}
