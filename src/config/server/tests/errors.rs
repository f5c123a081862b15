//! The exact message of every mistake.

use super::{environment, parse};
use crate::config::server::read;

fn errors(text: &str) -> String {
    let errors = parse("t.yaml", text, &environment).unwrap_err();
    errors.to_string()
}

/// Each text has one mistake with this message.
fn check(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(errors(text), format!("t.yaml:{message}"), "{text}");
    }
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest_name() {
    check(&[
        (
            "exporters:\n  otlp:\n    endpoint: http://a\n    compresion: gzip\n",
            "4:5: exporters.otlp.compresion: unknown key; did you mean \"compression\"?",
        ),
        (
            "receiver: {}",
            "1:1: receiver: unknown key; did you mean \"receivers\"?",
        ),
        (
            "log: {colour: red}",
            "1:7: log.colour: unknown key; known here: level, format",
        ),
        (
            "memory: 5GiB",
            "1:9: memory: expected a mapping, found the string \"5GiB\"",
        ),
        ("- a", "1:1: expected a mapping, found a list"),
    ]);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "shards: many\nlog: {levle: info}\nbatch: {timeout: 5}\nadmin: {endpoint: here}\n";
    let places: Vec<String> = errors(text)
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "t.yaml:1:9: shards:",
            "t.yaml:2:7: log.levle:",
            "t.yaml:3:18: batch.timeout:",
            "t.yaml:4:19: admin.endpoint:",
        ]
    );
}

#[test]
fn sections_of_other_versions_and_of_the_collector_are_refused() {
    check(&[
        (
            "wal:",
            "1:1: wal: is not supported by this version; remove the section; what is buffered is held in memory only",
        ),
        (
            "processors: {}",
            "1:1: processors: is a section of the collector; policies stand in a file of their own, named by policies.path",
        ),
    ]);
}

#[test]
fn mistakes_in_receivers_are_told() {
    check(&[
        (
            "receivers: {otlp: {protocols: {grpc: {max_request_size: 4GiB}}}}",
            "1:57: receivers.otlp.protocols.grpc.max_request_size: 4GiB is too large; at most 4294967295B",
        ),
        (
            "receivers: {otlp: {protocols: {grpc: {max_request_size: 2GiB}}}}",
            "1:57: receivers.otlp.protocols.grpc.max_request_size: is larger than half of memory.limit; lower it, or raise the limit",
        ),
        (
            "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 4}}}}",
            "1:39: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: is a key of the collector; use max_request_size, for example 64MiB",
        ),
        (
            "receivers: {otlp: {protocols: {}}}",
            "1:31: receivers.otlp.protocols: names no protocol; name grpc, http or both",
        ),
        (
            "receivers: {otlp: {max_bytes_in_flight: 1MiB}}",
            "1:41: receivers.otlp.max_bytes_in_flight: is smaller than max_request_size, so that the largest requests could never be taken; raise it, or lower max_request_size",
        ),
        (
            "receivers: {otlp: {include_metadata: [a b]}}",
            "1:39: receivers.otlp.include_metadata[0]: \"a b\" is not the name of a header",
        ),
        (
            "receivers: {otlp: {include_metadata: [a, A]}}",
            "1:42: receivers.otlp.include_metadata[1]: names \"a\" a second time; remove it",
        ),
        (
            "receivers: {otlp: {protocols: {http: {cors: {allowed_origins: [example.com]}}}}}",
            "1:64: receivers.otlp.protocols.http.cors.allowed_origins[0]: \"example.com\" is not an origin; write it like https://app.example.com, https://*.example.com or *",
        ),
        (
            "receivers: {otlp: {protocols: {http: {cors: {max_age: 1s}}}}}",
            "1:45: receivers.otlp.protocols.http.cors: allowed_origins is missing; name the origins, or remove cors",
        ),
    ]);
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    check(&[
        (
            "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:9464'}}}}",
            "1:1: receivers.otlp.protocols.http.endpoint and admin.endpoint are the same address; give each endpoint a port of its own",
        ),
        (
            "admin: {endpoint: '0.0.0.0:4317'}",
            "1:19: admin.endpoint: receivers.otlp.protocols.grpc.endpoint and admin.endpoint are the same address; give each endpoint a port of its own",
        ),
    ]);
}

#[test]
fn mistakes_in_exporters_are_told() {
    check(&[
        (
            "exporters: {otlp: }",
            "1:13: exporters.otlp: endpoint is missing; write it like http://127.0.0.1:4317 or https://tempo.example.com:4317",
        ),
        (
            "exporters: {otlp: {compression: gzip}}",
            "1:19: exporters.otlp: endpoint is missing; write it like http://127.0.0.1:4317 or https://tempo.example.com:4317",
        ),
        (
            "exporters: {otlp: {endpoint: 'tempo:4317'}}",
            "1:30: exporters.otlp.endpoint: expected an http:// or https:// URL, found \"tempo:4317\"; write http://tempo:4317, or https://tempo:4317 for TLS",
        ),
        (
            "exporters: {otlp: {endpoint: 'ftp://a'}}",
            "1:30: exporters.otlp.endpoint: expected an http:// or https:// URL, found \"ftp://a\"; write it like http://127.0.0.1:4317 or https://tempo.example.com:4317",
        ),
        (
            "exporters: {otlp: {endpoint: 'http://me:pw@a'}}",
            "1:30: exporters.otlp.endpoint: must not hold a user name or password; use headers",
        ),
        (
            "exporters: {otlp: {endpoint: 'http://a/v1/traces'}}",
            "1:30: exporters.otlp.endpoint: gRPC takes no path, found \"/v1/traces\"; remove it, or set protocol: http/protobuf",
        ),
        (
            "exporters: {otlp: {endpoint: 'http://a', protocol: http}}",
            "1:52: exporters.otlp.protocol: unknown value \"http\"; one of: grpc, http/protobuf",
        ),
        (
            "exporters: {otlphttp: {endpoint: 'http://a'}}",
            "1:23: exporters.otlphttp: unknown kind of exporter \"otlphttp\"; use otlp with protocol: http/protobuf",
        ),
        (
            "exporters: {otpl: {endpoint: 'http://a'}}",
            "1:19: exporters.otpl: unknown kind of exporter \"otpl\"; did you mean \"otlp\"?",
        ),
        (
            "exporters: {otlp/: {endpoint: 'http://a'}}",
            "1:20: exporters.otlp/: is not the name of an exporter; write it like otlp or otlp/second, 100 bytes at most",
        ),
        (
            "exporters: {file/a: , file/b: }",
            "1:23: exporters.file/b: writes to the same folder as file/a; give each file exporter a path of its own",
        ),
        (
            "exporters: {file: {sending_queue: {limit: 1KiB}}}",
            "1:43: exporters.file.sending_queue.limit: is smaller than batch.max_size, so that no full request would fit; raise it, or lower batch.max_size",
        ),
        (
            "exporters: {file: {sending_queue: {queue_size: 5}}}",
            "1:36: exporters.file.sending_queue.queue_size: is a key of the collector; use limit, in bytes, for example 256MiB",
        ),
        (
            "exporters: {otlp: {endpoint: 'http://a', retry_on_failure: {initial_interval: 1m}}}",
            "1:60: exporters.otlp.retry_on_failure: initial_interval (60s) is longer than max_interval (30s)",
        ),
    ]);
}

#[test]
fn an_exporter_without_endpoint_is_read_to_its_end() {
    let errors = errors("exporters: {otlp: {timeout: 5, colour: red}}");
    assert_eq!(errors.lines().count(), 3, "{errors}");
}

#[test]
fn mistakes_in_tls_are_told() {
    check(&[
        (
            "exporters: {otlp: {endpoint: 'http://a', tls: {ca_file: x}}}",
            "1:47: exporters.otlp.tls: has no effect on an http:// endpoint; use an https:// endpoint, or remove tls",
        ),
        (
            "exporters: {otlp: {endpoint: 'https://a', tls: {cert_file: x}}}",
            "1:48: exporters.otlp.tls: key_file is missing; it belongs to cert_file",
        ),
        (
            "exporters: {otlp: {endpoint: 'http://a', tls: {insecure: true}}}",
            "1:48: exporters.otlp.tls.insecure: is a key of the collector; the endpoint says it: http:// is without TLS, https:// with it",
        ),
    ]);
}

#[test]
fn mistakes_in_headers_are_told_without_showing_values() {
    let with_headers = |headers: &str| {
        errors(&format!(
            "exporters: {{otlp: {{endpoint: 'http://a', headers: {headers}}}}}"
        ))
    };
    let cases = [
        (
            "{a b: x}",
            "1:57: exporters.otlp.headers.a b: \"a b\" is not the name of a header",
        ),
        (
            "{token: \"se\\ncret\"}",
            "1:59: exporters.otlp.headers.token: the value holds characters that no header may have; control characters and line breaks are not allowed",
        ),
        (
            "{token: 5}",
            "1:59: exporters.otlp.headers.token: expected a string; numbers need quotes",
        ),
        (
            "{Content-Type: x}",
            "1:66: exporters.otlp.headers.Content-Type: this header is set by the exporter itself; remove it",
        ),
        (
            "{a: x, A: y}",
            "1:61: exporters.otlp.headers.A: this header stands here twice, in different case; keep one of them",
        ),
        (
            "{a: {file: /nowhere/at/all}}",
            "1:62: exporters.otlp.headers.a.file: \"/nowhere/at/all\" cannot be read: No such file or directory (os error 2)",
        ),
        (
            "{a: '${env:NOPE}'}",
            "1:55: exporters.otlp.headers.a: the environment variable NOPE is not set; set it, or write ${env:NOPE:-default}",
        ),
    ];
    for (headers, message) in cases {
        assert_eq!(with_headers(headers), format!("t.yaml:{message}"));
    }
}

#[test]
fn mistakes_in_the_log_section_are_told() {
    check(&[
        (
            "log: {level: inof}",
            "1:14: log.level: unknown level \"inof\"; did you mean \"info\"?",
        ),
        (
            "log: {level: 'info,tailsieve=loud'}",
            "1:14: log.level: unknown level \"loud\"; one of: off, error, warn, info, debug, trace",
        ),
    ]);
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tailsieve.yaml");
    let name = path.display();
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!("{name}: cannot be read: No such file or directory (os error 2)")
    );
    std::fs::write(&path, b"log: {level: \xff}").unwrap();
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!("{name}: not UTF-8: the byte at offset 13 belongs to no character")
    );
    std::fs::write(&path, vec![b'#'; 5 << 20]).unwrap();
    assert_eq!(
        read(&path).unwrap_err().to_string(),
        format!("{name}: is longer than 4MiB")
    );
}

#[test]
fn a_mark_has_a_name_of_some_length_and_one_of_three_places() {
    let long = "x".repeat(256);
    check(&[
        (
            "marks: {policy: {place: trace}}",
            "1:25: marks.policy.place: unknown value \"trace\"; one of: span, scope, resource",
        ),
        (
            "marks: {policy: {place: span, attribute: ''}}",
            "1:42: marks.policy.attribute: must not be empty",
        ),
        (
            &format!("marks: {{policy: {{place: span, attribute: {long}}}}}"),
            "1:42: marks.policy.attribute: is longer than 255 bytes; shorten it",
        ),
        (
            "marks: {policy: span}",
            "1:17: marks.policy: expected a mapping, found the string \"span\"",
        ),
    ]);
}
