//! `cluster`: what is read, its defaults, and the message of every mistake.

use std::time::Duration;

use super::{environment, parse, server};
use crate::config::server::cluster::cluster;
use crate::config::{decode::Place, finding::Findings, yaml};
use crate::router::config::{ClusterConfig, Secret};

const SECRET: &str = "0123456789abcdef";

/// The section of a file, read for a host called `host_name`.
fn read(text: &str, host_name: &str) -> Result<ClusterConfig, String> {
    let findings = Findings::new("t.yaml");
    let root = yaml::parse(text, &findings).unwrap();
    let mut fields = Place::new(&root, "", &findings).fields();
    let config = cluster(&mut fields, 1 << 30, host_name);
    let checked = findings.conclude(Some(config));
    checked
        .map(|checked| checked.config.unwrap())
        .map_err(|errors| errors.to_string())
}

/// The only error of a file whose replica has an ID.
fn error(text: &str) -> String {
    let errors = parse("t.yaml", text, &environment).unwrap_err();
    errors.to_string()
}

fn secret_file(content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, content).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn who_leaves_a_cluster_has_more_time_unless_told_otherwise() {
    let grace = |text: &str| {
        parse("t.yaml", text, &|_| None)
            .unwrap()
            .config
            .shutdown_grace
    };
    assert_eq!(grace("cluster: {replica_id: a}"), Duration::from_secs(45));
    let set = "cluster: {replica_id: a}\nshutdown: {grace_period: 5s}";
    assert_eq!(grace(set), Duration::from_secs(5));
}

#[test]
fn a_replica_runs_alone_until_the_section_is_there() {
    assert_eq!(server("").cluster, None);
    assert_eq!(server("cluster:").cluster, None);
    assert!(server("cluster: {replica_id: a}").cluster.is_some());
}

#[test]
fn the_defaults_are_those_of_the_documentation_and_the_id_is_the_host_name() {
    let config = read("cluster: {}", "tailsieve-7").unwrap();
    assert_eq!(config.replica_id.as_str(), "tailsieve-7");
    assert_eq!(config.name, "tailsieve");
    assert_eq!(config.peer.endpoint.to_string(), "127.0.0.1:4319");
    assert_eq!(config.gossip.endpoint.to_string(), "127.0.0.1:4320");
    assert_eq!(
        (config.peer.advertise, config.gossip.advertise),
        (None, None)
    );
    assert!(config.seeds.is_empty());
    assert_eq!(config.secret, None);
    assert_eq!((config.min_replicas, config.weight), (1, 1));
    assert_eq!(config.dead_after, Duration::from_secs(12));
    assert_eq!(config.hold_limit_bytes, 256 << 20);
}

#[test]
fn every_setting_of_the_cluster_is_read() {
    let (_folder, path) = secret_file(&format!("  {SECRET}\n"));
    let config = server(&format!(
        "memory: {{limit: 64MiB}}\ncluster:\n  replica_id: a-${{env:PORT}}\n  name: blue\n  peer: {{endpoint: 0.0.0.0:1, advertise: '10.0.0.1:2'}}\n  gossip: {{endpoint: 0.0.0.0:3, advertise: '[fd00::1]:4'}}\n  seeds: [10.0.0.2:3, '[fd00::2]:3', tailsieve.default.svc:3]\n  secret_file: '{path}'\n  min_replicas: 3\n  weight: 4\n  dead_after: 20s\n  hold_limit: 8MiB\n"
    ));
    let cluster = config.cluster.unwrap();
    assert_eq!(cluster.replica_id.as_str(), "a-5317");
    assert_eq!(cluster.name, "blue");
    let dialled = cluster.peer.advertise.unwrap();
    assert_eq!(cluster.peer.endpoint.to_string(), "0.0.0.0:1");
    assert_eq!(dialled.to_string(), "10.0.0.1:2");
    assert_eq!(cluster.gossip.advertise.unwrap().to_string(), "[fd00::1]:4");
    let seeds = ["10.0.0.2:3", "[fd00::2]:3", "tailsieve.default.svc:3"];
    assert_eq!(cluster.seeds, seeds);
    assert_eq!(cluster.secret, Secret::new(SECRET.as_bytes()));
    assert_eq!(format!("{:?}", cluster.secret), "Some(Secret)");
    assert_eq!((cluster.min_replicas, cluster.weight), (3, 4));
    assert_eq!(cluster.dead_after, Duration::from_secs(20));
    assert_eq!(cluster.hold_limit_bytes, 8 << 20);
}

#[test]
fn a_host_name_that_is_no_replica_id_is_told() {
    let message = read("cluster: {}", "my host").unwrap_err();
    let expected =
        "t.yaml:1:10: cluster: the host name \"my host\" is no replica ID; set replica_id";
    assert_eq!(message, expected);
    assert!(read("cluster: {replica_id: a}", "my host").is_ok());
}

#[test]
fn mistakes_in_the_cluster_are_told() {
    let cases = [
        (
            "cluster: {replica_id: a b}",
            "1:23: cluster.replica_id: \"a b\" is no replica ID; 1 to 63 letters, digits, '.', '_' and '-'",
        ),
        (
            "cluster: {replica_id: a, name: 'a/b'}",
            "1:32: cluster.name: \"a/b\" is no name; 1 to 63 letters, digits, '.', '_' and '-'",
        ),
        (
            "cluster: {replica_id: a, gossip: {advertise: '0.0.0.0:4320'}}",
            "1:46: cluster.gossip.advertise: others cannot dial 0.0.0.0:4320; name this replica's own address",
        ),
        (
            "cluster: {replica_id: a, peer: {advertise: '10.0.0.1:0'}}",
            "1:44: cluster.peer.advertise: others cannot dial port 0; name the port",
        ),
        (
            "cluster: {replica_id: a, seeds: [tailsieve]}",
            "1:34: cluster.seeds[0]: \"tailsieve\" is no host with a port; write it like 10.0.0.1:4320 or tailsieve-gossip:4320",
        ),
        (
            "cluster: {replica_id: a, seeds: ['10.0.0:4320']}",
            "1:34: cluster.seeds[0]: \"10.0.0:4320\" is no host with a port; write it like 10.0.0.1:4320 or tailsieve-gossip:4320",
        ),
        (
            "cluster: {replica_id: a, seeds: ['b:1', 'b:1']}",
            "1:41: cluster.seeds[1]: names \"b:1\" a second time; remove it",
        ),
        (
            "cluster: {replica_id: a, dead_after: 1s}",
            "1:38: cluster.dead_after: is too short: a few lost datagrams would count as a death; at least 2s",
        ),
        (
            "cluster: {replica_id: a, hold_limit: 600MiB}",
            "1:38: cluster.hold_limit: is more than half of memory.limit (1GiB); lower it, or raise the limit",
        ),
        (
            "cluster: {replica_id: a, peer: {endpoint: '127.0.0.1:4317'}}",
            "1:43: cluster.peer.endpoint: receivers.otlp.protocols.grpc.endpoint and cluster.peer.endpoint are the same address; give each endpoint a port of its own",
        ),
        (
            "cluster: {replica_id: a, gossip: {endpoint: '10.0.0.1:4320'}}",
            "1:10: cluster: secret_file is missing: gossip.endpoint 10.0.0.1:4320 is open to other machines, and who reaches it could act as a replica; set secret_file, the same for all replicas, or listen on 127.0.0.1",
        ),
        (
            "cluster: {replica_id: a, peer: {endpoint: '0.0.0.0:1', advertise: '10.0.0.1:1'}}",
            "1:10: cluster: secret_file is missing: peer.endpoint 0.0.0.0:1 is open to other machines, and who reaches it could act as a replica; set secret_file, the same for all replicas, or listen on 127.0.0.1",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(error(text), format!("t.yaml:{message}"), "{text}");
    }
}

#[test]
fn an_endpoint_that_nobody_can_dial_needs_an_address_to_advertise() {
    let (_folder, path) = secret_file(SECRET);
    let text = format!(
        "cluster: {{replica_id: a, secret_file: '{path}', peer: {{endpoint: '0.0.0.0:7'}}}}"
    );
    let message = error(&text);
    let expected = "cluster.peer: advertise is missing: others cannot dial 0.0.0.0:7; set advertise to this replica's own address, for example ${env:POD_IP}:7";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn a_secret_file_that_cannot_serve_is_named() {
    let message = error("cluster: {replica_id: a, secret_file: no/such/file}");
    let expected = "t.yaml:1:39: cluster.secret_file: \"no/such/file\" cannot be read: No such file or directory (os error 2)";
    assert_eq!(message, expected);
    let (_folder, path) = secret_file("0123456789abcde\n");
    let message = error(&format!(
        "cluster: {{replica_id: a, secret_file: '{path}'}}"
    ));
    let expected = format!(
        "t.yaml:1:39: cluster.secret_file: {path:?} holds 15 bytes; at least 16; make one with: openssl rand -hex 32"
    );
    assert_eq!(message, expected);
}
