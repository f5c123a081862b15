//! Server files of several replicas: that our parser takes them, and that what runs them agrees with them.

use std::path::Path;
use std::time::Duration;

use tailsieve::config::server::ServerConfig;

use super::compose::Compose;
use super::files::{policies, secret_file, server_file, text};
use super::kubernetes::{container, pod, read};
use super::kustomize::{BASE, Kustomization};
use super::systemd;

/// Beside the window: to hand over what is held, and to export what was decided last.
const HAND_OVER: Duration = Duration::from_secs(15);
const EXPORT: Duration = Duration::from_secs(15);
/// How much longer whoever sends SIGKILL waits.
const SPARE: Duration = Duration::from_secs(10);

const SECRET: &str = "/run/secrets/tailsieve/secret";

/// The server file of the pods, as the first of them reads it.
fn of_pods() -> ServerConfig {
    let secret = secret_file();
    let text = text(&format!("{BASE}/tailsieve.yaml"));
    assert!(text.contains(&format!("secret_file: {SECRET}\n")));
    let text = text.replace(SECRET, secret.path().to_str().unwrap());
    let variables = [
        ("POD_NAME", "tailsieve-0"),
        ("POD_IP", "10.0.0.7"),
        ("BACKEND_ENDPOINT", "http://tempo:4317"),
    ];
    server_file("tailsieve.yaml", &text, &variables)
}

/// The server file of compose and systemd, for the second replica.
fn of_machines() -> ServerConfig {
    let secret = secret_file();
    let variables = [
        ("REPLICA_ID", "tailsieve-2"),
        ("REPLICA_ADDRESS", "172.30.4.12"),
        ("CLUSTER_SEED", "tailsieve:4320"),
        ("CLUSTER_SECRET_FILE", secret.path().to_str().unwrap()),
        ("BACKEND_ENDPOINT", "http://jaeger:4317"),
    ];
    server_file("cluster.yaml", &text("deploy/cluster.yaml"), &variables)
}

/// Bytes in a quantity of Kubernetes or a size of compose.
fn bytes(quantity: &str) -> u64 {
    let quantity = quantity.to_ascii_lowercase();
    let digits = quantity.trim_end_matches(['g', 'i']);
    assert_ne!(digits, quantity, "in gibibytes");
    digits.parse::<u64>().unwrap() << 30
}

#[test]
fn the_server_file_of_the_pods_is_valid_and_names_each_pod() {
    let config = of_pods();
    let cluster = config.cluster.unwrap();
    assert_eq!(cluster.replica_id.as_str(), "tailsieve-0");
    let advertised = |it: Option<std::net::SocketAddr>| it.unwrap().to_string();
    assert_eq!(advertised(cluster.peer.advertise), "10.0.0.7:4319");
    assert_eq!(advertised(cluster.gossip.advertise), "10.0.0.7:4320");
    assert!(cluster.secret.is_some());
    assert_eq!(cluster.seeds, ["tailsieve-peers:4320"]);
    let pod = pod();
    for (variable, field) in [("POD_NAME", "metadata.name"), ("POD_IP", "status.podIP")] {
        let mut variables = container(&pod).env.iter().flatten();
        let found = variables.find(|it| it.name == variable).unwrap();
        let source = found.value_from.as_ref().unwrap();
        assert_eq!(source.field_ref.as_ref().unwrap().field_path, field);
    }
    let environment = container(&pod).env_from.as_ref().unwrap();
    let environment = &environment[0].config_map_ref.as_ref().unwrap().name;
    let generators = Kustomization::of(BASE).config_map_generator;
    let found = generators.iter().find(|it| it.name == *environment);
    assert!(found.unwrap().literals[0].starts_with("BACKEND_ENDPOINT=http"));
}

#[test]
fn pods_listen_at_the_ports_that_the_manifest_names() {
    let config = of_pods();
    let cluster = config.cluster.unwrap();
    let listens = [
        ("otlp-grpc", config.receivers.grpc.unwrap().endpoint),
        ("otlp-http", config.receivers.http.unwrap().endpoint),
        ("peer", cluster.peer.endpoint),
        ("gossip", cluster.gossip.endpoint),
        ("admin", config.admin_endpoint),
    ];
    let pod = pod();
    let ports = container(&pod).ports.as_ref().unwrap();
    assert_eq!(ports.len(), listens.len());
    for (name, endpoint) in listens {
        let port = ports.iter().find(|it| it.name.as_deref() == Some(name));
        let number = port.unwrap().container_port;
        assert_eq!(number, i32::from(endpoint.port()), "{name}");
        assert!(endpoint.ip().is_unspecified(), "{name}");
    }
    let seed = cluster.seeds[0].split_once(':').unwrap();
    assert_eq!(seed.1, cluster.gossip.endpoint.port().to_string());
    let peers: k8s_openapi::api::core::v1::Service = read("Service", seed.0);
    assert_eq!(peers.metadata.name.as_deref(), Some(seed.0));
}

#[test]
fn files_are_mounted_where_pods_look_for_them() {
    let pod = pod();
    let container = container(&pod);
    let mounted_from = |path: &str| {
        let path = Path::new(path);
        let mut mounts = container.volume_mounts.iter().flatten();
        let mount = mounts.find(|it| Some(Path::new(&it.mount_path)) == path.parent());
        let mount = mount.unwrap_or_else(|| panic!("{}", path.display()));
        // A file mounted by `subPath` would never change.
        assert_eq!(mount.sub_path, None);
        let mut volumes = pod.volumes.iter().flatten();
        let volume = volumes.find(|it| it.name == mount.name).unwrap();
        let of_map = volume.config_map.as_ref().map(|map| map.name.clone());
        let of_secret = volume.secret.as_ref().map(|it| it.secret_name.clone());
        of_map.or(of_secret.flatten()).unwrap()
    };
    let arguments = container.args.as_ref().unwrap();
    assert_eq!(arguments[..2], ["run", "--config"]);
    assert_eq!(mounted_from(&arguments[2]), "tailsieve-server");
    let policies = of_pods().policies.0.unwrap();
    let policies = policies.to_str().unwrap();
    assert_eq!(mounted_from(policies), "tailsieve-policies");
    assert_eq!(mounted_from(SECRET), "tailsieve-cluster");
    // And are called that within the ConfigMap.
    let generators = Kustomization::of(BASE).config_map_generator;
    let keys: Vec<&str> = generators
        .iter()
        .flat_map(|it| it.keys_and_files())
        .map(|it| it.0)
        .collect();
    assert_eq!(keys, ["tailsieve.yaml", "policies.yaml"]);
    assert!(arguments[2].ends_with(keys[0]) && policies.ends_with(keys[1]));
}

#[test]
fn whoever_ends_a_replica_waits_until_it_has_left() {
    let folders = [BASE, super::kustomize::EXAMPLE];
    let of_pods = of_pods();
    for folder in folders {
        let policies = policies(folder, &text(&format!("{folder}/policies.yaml")));
        let window = policies.windows.decision_wait;
        assert!(
            of_pods.shutdown_grace >= window + HAND_OVER + EXPORT,
            "{folder}"
        );
    }
    let pod = pod();
    let lifecycle = container(&pod).lifecycle.as_ref().unwrap();
    let pre_stop = lifecycle.pre_stop.as_ref().unwrap().sleep.as_ref().unwrap();
    let seconds = |it: i64| Duration::from_secs(u64::try_from(it).unwrap());
    let waits = seconds(pod.termination_grace_period_seconds.unwrap());
    assert!(waits >= seconds(pre_stop.seconds) + of_pods.shutdown_grace + SPARE);

    let of_machines = of_machines();
    let policies = policies("policies/default.yaml", &text("policies/default.yaml"));
    let leaves = policies.windows.decision_wait + HAND_OVER + EXPORT;
    assert!(of_machines.shutdown_grace >= leaves);
    for (name, replica) in Compose::of_the_project().replicas() {
        let waits = replica.stop_grace_period.as_ref().unwrap();
        let waits = waits.strip_suffix('s').unwrap().parse().unwrap();
        assert!(
            Duration::from_secs(waits) >= of_machines.shutdown_grace + SPARE,
            "{name}"
        );
    }
    let waits = systemd::seconds_to_stop("deploy/tailsieve.service.d/cluster.conf");
    assert!(waits >= of_machines.shutdown_grace + SPARE);
}

#[test]
fn processes_have_twice_the_memory_that_spans_may_take() {
    let config = of_pods();
    let pod = pod();
    let resources = container(&pod).resources.as_ref().unwrap();
    let limits = resources.limits.as_ref().unwrap();
    let requests = resources.requests.as_ref().unwrap();
    assert_eq!(limits["memory"], requests["memory"]);
    assert!(bytes(&limits["memory"].0) >= 2 * config.memory_limit_bytes);
    // Threads beyond what the pod asks for would count on other pods being idle.
    let cores: usize = requests["cpu"].0.parse().unwrap();
    assert_eq!(config.buffer.shards, cores);
    assert!(config.network_threads <= cores);
    for (name, replica) in Compose::of_the_project().replicas() {
        let bytes = bytes(replica.mem_limit.as_ref().unwrap());
        assert!(bytes >= 2 * of_machines().memory_limit_bytes, "{name}");
    }
}

#[test]
fn two_of_three_found_a_cluster() {
    for config in [of_pods(), of_machines()] {
        assert_eq!(config.cluster.unwrap().min_replicas, 2);
    }
}

#[test]
fn the_server_file_of_machines_is_valid_for_every_replica_of_compose() {
    let compose = Compose::of_the_project();
    let secret = secret_file();
    let mut ids = Vec::new();
    for (name, replica) in compose.replicas() {
        let variables: Vec<(&str, &str)> = replica
            .environment
            .iter()
            .map(|(name, value)| match name.as_str() {
                "CLUSTER_SECRET_FILE" => (name.as_str(), secret.path().to_str().unwrap()),
                _ => (name.as_str(), value.as_str()),
            })
            .collect();
        let config = server_file(name, &text("deploy/cluster.yaml"), &variables);
        let cluster = config.cluster.unwrap();
        assert_eq!(cluster.replica_id.as_str(), name);
        let address = replica.networks["cluster"].ipv4_address.as_deref().unwrap();
        for endpoint in [cluster.peer, cluster.gossip] {
            assert_eq!(endpoint.advertise.unwrap().ip().to_string(), address);
        }
        let (alias, port) = cluster.seeds[0].split_once(':').unwrap();
        assert!(
            replica.networks["cluster"]
                .aliases
                .iter()
                .any(|it| it == alias)
        );
        assert_eq!(port, cluster.gossip.endpoint.port().to_string());
        ids.push(cluster.replica_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
