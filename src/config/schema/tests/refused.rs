//! What a reader refuses, its schema refuses too, where a schema can say it.

use super::accepted::recorded;
use super::{Kind, as_json, policy_file, server_file};

/// Refused by the reader for what no schema can say: names, keys or settings that contradict each other, expressions and
/// conditions.
const SAID_BY_THE_READER_ALONE: [&str; 15] = [
    "config-two-policies-of-one-name",
    "config-regex-that-does-not-compile",
    "config-regex-with-look-ahead",
    "config-regex-repeated-more-than-1000-times",
    "config-regex-with-z",
    "config-regex-with-an-unknown-unicode-class",
    "config-numeric-attribute-with-both-bounds-0",
    "config-ottl-without-conditions",
    "config-ottl-syntax-error",
    "config-ottl-unknown-function",
    "config-ottl-empty-condition",
    "config-ottl-event-path-in-a-span-condition",
    "config-span-ingest-with-rate-limiting",
    "config-span-ingest-with-a-latency-upper-bound",
    "config-a-key-twice",
];

fn assert_refused_by_both(kind: &Kind, texts: &[&str]) {
    for text in texts {
        assert!((kind.read)(text).is_err(), "the reader takes {text}");
        assert!(kind.complaint(text).is_some(), "the schema takes {text}");
    }
}

#[test]
fn server_files_with_a_mistake_are_refused() {
    let texts = [
        "- a",
        "receiver: {}",
        "memory: 5GiB",
        "memory: {limit: 5 apples}",
        "memory: {limit: '5'}",
        "memory: {limit: -1}",
        "memory: {limits: 1GiB}",
        "shards: many",
        "shards: 1.5",
        "shards: -1",
        "shards: 1025",
        "inbox_limit: 0",
        "batch: {timeout: 5}",
        "batch: {timeout: 0}",
        "batch: {timeout: -1s}",
        "batch: {timeout: 5 weeks}",
        "admin: {endpoint: ':9464'}",
        "admin: {endpoint: example.com:9464}",
        "log: {format: xml}",
        "log: {level: ''}",
        "log: {level: [info]}",
        "policies: {path: 5}",
        "policies: []",
        "marks: {policy: {place: trace}}",
        "marks: {policy: {place: span, attribute: ''}}",
        "marks: {place: span}",
        "cluster: []",
        "cluster: {replica: a}",
        "cluster: {replica_id: ''}",
        "cluster: {peer: '127.0.0.1:1'}",
        "cluster: {gossip: {advertise: tailsieve-0}}",
        "cluster: {seeds: {a: 1}}",
        "cluster: {min_replicas: 0}",
        "cluster: {weight: 101}",
        "cluster: {dead_after: 12}",
        "wal: {}",
        "service: {}",
        "receivers: {otlp: {protocols: {}}}",
        "receivers: {otlp: {protocols: {thrift: {}}}}",
        "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 4}}}}",
        "receivers: {otlp: {protocols: {http: {cors: {}}}}}",
        "receivers: {otlp: {include_metadata: {}}}",
        "exporters: {jaeger: {endpoint: 'http://a'}}",
        "exporters: {otlp/: {endpoint: 'http://a'}}",
        "exporters: {otlp: {}}",
        "exporters: {otlp: }",
        "exporters: {otlp: {endpoint: 'a:4317'}}",
        "exporters: {otlp: {endpoint: 'http://a', compression: lz4}}",
        "exporters: {otlp: {endpoint: 'http://a', tls: {insecure: true}}}",
        "exporters: {otlp: {endpoint: 'http://a', headers: {a: 5}}}",
        "exporters: {otlp: {endpoint: 'http://a', headers: {a: {path: b}}}}",
        "exporters: {otlp: {endpoint: 'http://a', retry_on_failure: {enabled: 'true'}}}",
        "exporters: {file: {endpoint: 'http://a'}}",
        "exporters: {file: {rotation: {max_files: -1}}}",
        "exporters: {file: {sending_queue: {queue_size: 5}}}",
    ];
    assert_refused_by_both(&server_file(), &texts);
}

#[test]
fn policy_files_with_a_mistake_are_refused() {
    let texts = [
        "[]",
        "policy: []",
        "policies: all",
        "policies: {}",
        "policies: [5]",
        "decision_wait: soon",
        "decision_wait: true",
        "num_traces: -1",
        "num_traces: '5'",
        "num_traces_overflow: explode",
        "strict: 1",
        "compat: 0.156",
        "tail_storage: memory",
        "decision_cache: {size: 5}",
        "tail_sampling: {policies: []}\nbatch: {}",
        "tail_sampling: {}\ntail_sampling/b: {}",
        "processors: {batch: {}}",
        "processors: {tail_sampling: {decision_wait: soon}}",
    ];
    assert_refused_by_both(&policy_file(), &texts);
}

#[test]
fn policies_with_a_mistake_are_refused() {
    let policies = [
        "type: always_sample",
        "name: ''",
        "name: a",
        "name: 5, type: always_sample",
        "name: a, type: latncy",
        "name: a, type: always_sample, threshold: 5",
        "name: a, type: always_sample, always_sample: {threshold: 5}",
        "name: a, type: always_sample, mode: off",
        "name: a, type: always_sample, expires_at: tomorrow",
        "name: a, type: latency, latency: 5",
        "name: a, type: latency, latency: {threshold: 5}",
        "name: a, type: latency, latency: {threshold_ms: 5s}",
        "name: a, type: latency, threshold_ms: '5'",
        "name: a, type: latency, spans_per_second: 5",
        "name: a, type: probabilistic, probabilistic: {sampling_percentage: 10%}",
        "name: a, type: probabilistic, probabilistic: {hash_salt: 5}",
        "name: a, type: status_code",
        "name: a, type: status_code, status_code: [FAILED]",
        "name: a, type: status_code, status_code: []",
        "name: a, type: status_code, status_code: {status_codes: [5]}",
        "name: a, type: status_code, status_code: {status_codes: 'ERROR,FAILED'}",
        "name: a, type: string_attribute, string_attribute: {key: k, values: [5]}",
        "name: a, type: string_attribute, string_attribute: {key: k, values: {a: b}}",
        "name: a, type: string_attribute, string_attribute: {key: 5, values: [a]}",
        "name: a, type: boolean_attribute, boolean_attribute: {key: k, value: 'yes'}",
        "name: a, type: boolean_attribute, boolean_attribute: {key: k, scope: trace}",
        "name: a, type: ottl_condition, ottl_condition: {error_mode: loud, span: ['true']}",
        "name: a, type: ottl_condition, ottl_condition: {span: {a: b}}",
        "name: a, type: and, and: {and_sub_policy: {type: always_sample}}",
        "name: a, type: and, and: {and_sub_policy: [{name: b}]}",
        "name: a, type: and, and: {and_sub_policy: [{type: always_sample, mode: shadow}]}",
        "name: a, type: and, and: {and_sub_policy: [{type: latency, latency: {threshold: 5}}]}",
        "name: a, type: not, not: {not_sub_policy: [{type: always_sample}]}",
        "name: a, type: composite, composite: {rate_allocation: {a: 5}}",
        "name: a, type: composite, composite: {rate_allocation: [{policy: a, percentage: 5}]}",
    ];
    let files = policies.map(|policy| format!("policies: [{{{policy}}}]"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_refused_by_both(&policy_file(), &files);
}

#[test]
fn configurations_of_the_collector_that_are_refused_are_refused_by_the_schema_where_it_can() {
    let kind = policy_file();
    let refused = recorded("tail_sampling_configs.jsonl").into_iter();
    let refused = refused.filter(|(_, text)| (kind.read)(text).is_err());
    let taken = refused.filter(|(_, text)| kind.complaint(text).is_none());
    // What is no YAML is for nobody.
    let taken = taken.filter(|(_, text)| as_json(text).is_some());
    let taken: Vec<String> = taken.map(|(id, _)| id).collect();
    assert_eq!(taken, SAID_BY_THE_READER_ALONE);
}
