//! The server file: defaults, every section, every message.

use std::path::PathBuf;
use std::time::Duration;

use super::{LogFormat, ServerConfig, parse};
use crate::exporter::config::{Compression, Destination, OtlpConfig, Overflow};

mod cluster;
mod errors;
mod reference;

fn environment(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("5317".to_owned()),
        "TOKEN" => Some("12345".to_owned()),
        _ => None,
    }
}

fn server(text: &str) -> ServerConfig {
    let checked = parse("t.yaml", text, &environment).unwrap();
    assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    checked.config
}

fn otlp(text: &str) -> OtlpConfig {
    match server(text).exporters.remove(0).destination {
        Destination::OtlpGrpc(config) | Destination::OtlpHttp(config) => config,
        Destination::File(_) => panic!("a file exporter"),
    }
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(server(""), ServerConfig::default());
    let sections =
        "receivers:\nexporters:\nmemory: {}\nbatch: {}\nlog:\nadmin:\npolicies: {path: }\n";
    assert_eq!(server(sections), ServerConfig::default());
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = ServerConfig::default();
    assert_eq!(config.memory_limit_bytes, 1 << 30);
    assert_eq!(config.admin_endpoint.to_string(), "127.0.0.1:9464");
    assert_eq!(config.shutdown_grace, Duration::from_secs(30));
    assert_eq!(config.log.level, "info");
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.policies.0, None);
    assert_eq!(config.exporters.len(), 1);
    assert_eq!(config.exporters[0].name, "file");
}

#[test]
fn every_setting_of_the_receivers_is_read() {
    let config = server(
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 0.0.0.0:1\n        max_request_size: 8MiB\n        max_concurrent_streams: 7\n        keepalive:\n          server_parameters: {time: 1s, timeout: 2s, max_connection_age: 5m, max_connection_age_grace: 3s}\n      http:\n        endpoint: 0.0.0.0:2\n        max_request_size: 4MiB\n        read_timeout: 9s\n        cors: {allowed_origins: 'https://*.example.com', allowed_headers: [X-A], max_age: 7200}\n    include_metadata: [X-Tenant]\n    metadata_cardinality_limit: 10\n    max_bytes_in_flight: 32MiB\n    retry_after: 250ms\n",
    );
    let receivers = config.receivers;
    let grpc = receivers.grpc.unwrap();
    assert_eq!(grpc.endpoint.to_string(), "0.0.0.0:1");
    assert_eq!(grpc.max_request_size_bytes, 8 << 20);
    assert_eq!(grpc.max_concurrent_streams, 7);
    assert_eq!(grpc.keepalive.time, Duration::from_secs(1));
    assert_eq!(grpc.keepalive.timeout, Duration::from_secs(2));
    assert_eq!(
        grpc.keepalive.max_connection_age,
        Some(Duration::from_secs(300))
    );
    assert_eq!(
        grpc.keepalive.max_connection_age_grace,
        Duration::from_secs(3)
    );
    let http = receivers.http.unwrap();
    assert_eq!(http.endpoint.to_string(), "0.0.0.0:2");
    assert_eq!(http.max_request_size_bytes, 4 << 20);
    assert_eq!(http.read_timeout, Duration::from_secs(9));
    let cors = http.cors.unwrap();
    assert_eq!(cors.allowed_origins, ["https://*.example.com"]);
    assert_eq!(cors.allowed_headers, ["x-a"]);
    assert_eq!(cors.max_age, Some(Duration::from_secs(7200)));
    assert_eq!(receivers.include_metadata, ["x-tenant"]);
    assert_eq!(receivers.metadata_cardinality_limit, 10);
    assert_eq!(receivers.max_bytes_in_flight, 32 << 20);
    assert_eq!(receivers.retry_after, Duration::from_millis(250));
}

#[test]
fn protocols_that_name_one_protocol_leave_the_other_off() {
    let config = server("receivers: {otlp: {protocols: {http: }}}");
    assert!(config.receivers.grpc.is_none());
    assert_eq!(
        config.receivers.http,
        ServerConfig::default().receivers.http
    );
    let config = server("receivers: {otlp: {}}");
    assert_eq!(config, ServerConfig::default());
}

#[test]
fn request_limits_shrink_with_the_memory_limit_and_grow_the_bytes_in_flight() {
    let receivers = server("memory: {limit: 8MiB}").receivers;
    assert_eq!(receivers.grpc.unwrap().max_request_size_bytes, 4 << 20);
    assert_eq!(receivers.http.unwrap().max_request_size_bytes, 4 << 20);
    let receivers =
        server("receivers: {otlp: {protocols: {grpc: {max_request_size: 512MiB}}}}").receivers;
    assert_eq!(receivers.max_bytes_in_flight, 512 << 20);
}

#[test]
fn every_setting_of_an_otlp_exporter_is_read() {
    let config = server(
        "exporters:\n  otlp/second:\n    endpoint: https://tempo.example.com:4317\n    protocol: http/protobuf\n    compression: zstd\n    headers: {X-Token: abc}\n    timeout: 3s\n    tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem, server_name_override: tempo}\n    sending_queue: {limit: 64MiB, num_consumers: 2, overflow: drop_oldest}\n    retry_on_failure: {enabled: false, initial_interval: 2s, max_interval: 9s, max_elapsed_time: 5m}\n",
    );
    let exporter = &config.exporters[0];
    assert_eq!(exporter.name, "otlp/second");
    assert_eq!(exporter.queue.limit_bytes, 64 << 20);
    assert_eq!(exporter.queue.num_consumers, 2);
    assert_eq!(exporter.queue.overflow, Overflow::DropOldest);
    let Destination::OtlpHttp(otlp) = &exporter.destination else {
        panic!("{exporter:?}");
    };
    assert_eq!(otlp.endpoint, "https://tempo.example.com:4317");
    assert_eq!(otlp.compression, Compression::Zstd);
    assert_eq!(otlp.headers, [("x-token".to_owned(), "abc".to_owned())]);
    assert_eq!(otlp.timeout, Duration::from_secs(3));
    assert_eq!(otlp.tls.ca_file, Some(PathBuf::from("ca.pem")));
    let client = (PathBuf::from("c.pem"), PathBuf::from("k.pem"));
    assert_eq!(otlp.tls.client, Some(client));
    assert_eq!(otlp.tls.server_name.as_deref(), Some("tempo"));
    assert!(!otlp.retry.enabled);
    assert_eq!(otlp.retry.initial_interval, Duration::from_secs(2));
    assert_eq!(otlp.retry.max_interval, Duration::from_secs(9));
    assert_eq!(otlp.retry.max_elapsed_time, Some(Duration::from_secs(300)));
}

#[test]
fn exporters_keep_the_order_of_the_file() {
    let config = server(
        "exporters:\n  otlp/b: {endpoint: 'http://b:1'}\n  file: {path: kept, rotation: {max_size: 5MB, max_files: 3}}\n  otlp/a: {endpoint: 'http://a:1'}\n",
    );
    let names: Vec<&str> = config.exporters.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["otlp/b", "file", "otlp/a"]);
    let Destination::File(file) = &config.exporters[1].destination else {
        panic!("{:?}", config.exporters[1]);
    };
    assert_eq!(file.path, PathBuf::from("kept"));
    assert_eq!(file.rotation_bytes_max, 5_000_000);
    assert_eq!(file.files_max, 3);
}

#[test]
fn a_header_may_come_from_the_environment_even_if_it_looks_like_a_number() {
    let config = otlp(
        "exporters: {otlp: {endpoint: 'http://127.0.0.1:${env:PORT}', headers: {token: '${env:TOKEN}', tier: '${env:TIER:-dev}'}}}",
    );
    assert_eq!(config.endpoint, "http://127.0.0.1:5317");
    assert_eq!(config.headers[0].1, "12345");
    assert_eq!(config.headers[1].1, "dev");
}

#[test]
fn a_header_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "  secret\n").unwrap();
    let path = path.display();
    let config = otlp(&format!(
        "exporters: {{otlp: {{endpoint: 'http://a', headers: {{token: {{file: '{path}'}}}}}}}}"
    ));
    assert_eq!(config.headers[0].1, "secret");
}

#[test]
fn the_other_sections_are_read() {
    let config = server(
        "policies: {path: p.yaml}\nmemory: {limit: 256MiB}\nshards: 3\nnetwork_threads: 2\ninbox_limit: 64\ndecision_cache: {limit: 0}\nbatch: {max_size: 2MiB, timeout: 1s}\nadmin: {endpoint: '0.0.0.0:0'}\nshutdown: {grace_period: 1m}\nlog: {level: 'warn,tailsieve::buffer=debug', format: json}\n",
    );
    assert_eq!(config.policies.0, Some(PathBuf::from("p.yaml")));
    assert_eq!(config.memory_limit_bytes, 256 << 20);
    assert_eq!(config.buffer.shards, 3);
    assert_eq!(config.network_threads, 2);
    assert_eq!(config.buffer.inbox_sub_batches_max, 64);
    assert_eq!(config.buffer.decision_cache_bytes, 0);
    assert_eq!(config.buffer.batch_bytes_max, 2 << 20);
    assert_eq!(config.buffer.batch_timeout, Duration::from_secs(1));
    assert_eq!(config.admin_endpoint.to_string(), "0.0.0.0:0");
    assert_eq!(config.shutdown_grace, Duration::from_secs(60));
    assert_eq!(config.log.level, "warn,tailsieve::buffer=debug");
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn values_from_the_environment_become_what_the_key_wants() {
    let config = server("shards: ${env:SHARDS:-2}\nadmin: {endpoint: '127.0.0.1:${env:PORT}'}");
    assert_eq!(config.buffer.shards, 2);
    assert_eq!(config.admin_endpoint.port(), 5317);
}

#[test]
fn marks_are_off_until_they_have_a_place() {
    use crate::buffer::config::{MarkPlace, PolicyMark};
    let mark = |text: &str| server(text).buffer.policy_mark;
    let mark_on = |attribute: &str, place| {
        let attribute = attribute.to_owned();
        Some(PolicyMark { attribute, place })
    };
    for off in [
        "",
        "marks:",
        "marks: {policy: }",
        "marks: {policy: {place: }}",
    ] {
        assert_eq!(mark(off), None, "{off}");
    }
    let default = mark("marks: {policy: {place: span}}");
    assert_eq!(default, mark_on("tailsieve.policy", MarkPlace::Span));
    let collectors = mark("marks: {policy: {attribute: tailsampling.policy, place: scope}}");
    assert_eq!(collectors, mark_on("tailsampling.policy", MarkPlace::Scope));
    let resource = mark("marks: {policy: {place: resource, attribute: a}}");
    assert_eq!(resource, mark_on("a", MarkPlace::Resource));
    let without_place = parse("t.yaml", "marks: {policy: {attribute: a}}", &environment);
    let warnings = without_place.unwrap().warnings;
    assert_eq!(
        warnings[0].to_string(),
        "t.yaml:1:29: marks.policy.attribute: has no effect without place; set place as well: span, scope or resource"
    );
}
