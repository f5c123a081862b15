//! The manifests against the types of the Kubernetes API, and against each other.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Container, Namespace, PodSpec, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kustomize::{BASE, EXAMPLE, Generator, Kustomization};
use super::strict;

type Labels = BTreeMap<String, String>;

/// Reads a document as what it says it is.
fn check(document: &Value) -> Result<(), String> {
    fn is<T: DeserializeOwned + Serialize>(document: &Value) -> Result<(), String> {
        strict::read::<T>(document).map(|_| ())
    }
    match document["kind"].as_str().unwrap_or_default() {
        "StatefulSet" => is::<StatefulSet>(document),
        "Service" => is::<Service>(document),
        "Namespace" => is::<Namespace>(document),
        "PodDisruptionBudget" => is::<PodDisruptionBudget>(document),
        "HorizontalPodAutoscaler" => is::<HorizontalPodAutoscaler>(document),
        "NetworkPolicy" => is::<NetworkPolicy>(document),
        other => Err(format!("kind {other:?}")),
    }
}

/// The base's document of this kind and name.
pub(super) fn read<T: DeserializeOwned + Serialize>(kind: &str, name: &str) -> T {
    let documents = Kustomization::of(BASE).documents(BASE);
    let found = documents
        .iter()
        .find(|(_, document)| document["kind"] == kind && document["metadata"]["name"] == name);
    let (_, document) = found.unwrap_or_else(|| panic!("no {kind} {name}"));
    strict::read(document).unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
}

pub(super) fn pod() -> PodSpec {
    let replicas: StatefulSet = read("StatefulSet", "tailsieve");
    replicas.spec.unwrap().template.spec.unwrap()
}

pub(super) fn container(pod: &PodSpec) -> &Container {
    assert_eq!(pod.containers.len(), 1);
    &pod.containers[0]
}

/// Numbers of the container's ports by name and protocol.
fn container_ports() -> BTreeMap<(String, String), i32> {
    let pod = pod();
    let ports = container(&pod).ports.iter().flatten();
    let named = ports.map(|port| {
        let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
        ((port.name.clone().unwrap(), protocol), port.container_port)
    });
    named.collect()
}

#[test]
fn every_key_of_the_manifests_is_one_of_the_api() {
    for folder in [BASE, EXAMPLE] {
        let documents = Kustomization::of(folder).documents(folder);
        assert!(documents.len() >= 6);
        for (name, document) in documents {
            check(&document).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn a_misspelt_key_anywhere_in_a_manifest_is_found() {
    let free = [
        "/labels",
        "/matchLabels",
        "/annotations",
        "/limits",
        "/requests",
    ];
    for (name, document) in Kustomization::of(EXAMPLE).documents(EXAMPLE) {
        let is_service = document["kind"] == "Service";
        let copies = strict::misspelt(&document, &|place| {
            let is_selector = is_service && place == "/spec/selector";
            is_selector || free.iter().any(|free| place.ends_with(free))
        });
        assert!(copies.len() >= 4, "{name}");
        for (place, copy) in copies {
            assert!(check(&copy).is_err(), "{name}{place}");
        }
    }
}

#[test]
fn everything_selects_the_replicas_pods() {
    let replicas: StatefulSet = read("StatefulSet", "tailsieve");
    let spec = replicas.spec.unwrap();
    let of_pods = spec.template.metadata.unwrap().labels.unwrap();
    let pod = spec.template.spec.unwrap();
    let mut selectors: Vec<Labels> = vec![spec.selector.match_labels.unwrap()];
    for name in ["tailsieve", "tailsieve-peers"] {
        let service: Service = read("Service", name);
        selectors.push(service.spec.unwrap().selector.unwrap());
    }
    let budget: PodDisruptionBudget = read("PodDisruptionBudget", "tailsieve");
    selectors.push(budget.spec.unwrap().selector.unwrap().match_labels.unwrap());
    let policy: NetworkPolicy = read("NetworkPolicy", "tailsieve");
    let selector = policy.spec.unwrap().pod_selector.unwrap();
    selectors.push(selector.match_labels.unwrap());
    for spread in pod.topology_spread_constraints.unwrap() {
        selectors.push(spread.label_selector.unwrap().match_labels.unwrap());
    }
    assert_eq!(selectors.len(), 7);
    for selector in selectors {
        assert_eq!(selector, of_pods);
    }
}

#[test]
fn services_and_probes_name_ports_of_the_container() {
    let ports = container_ports();
    for name in ["tailsieve", "tailsieve-peers"] {
        let service: Service = read("Service", name);
        for port in service.spec.unwrap().ports.unwrap() {
            let Some(IntOrString::String(target)) = port.target_port else {
                panic!("{name}: a port without a target's name");
            };
            let protocol = port.protocol.unwrap_or_else(|| "TCP".to_owned());
            assert_eq!(ports.get(&(target, protocol)), Some(&port.port), "{name}");
        }
    }
    let pod = pod();
    let container = container(&pod);
    let admin = IntOrString::String("admin".to_owned());
    let liveness = container.liveness_probe.as_ref().unwrap();
    let readiness = container.readiness_probe.as_ref().unwrap();
    for (probe, path) in [(liveness, "/healthz"), (readiness, "/readyz")] {
        let asked = probe.http_get.as_ref().unwrap();
        assert_eq!((asked.path.as_deref(), &asked.port), (Some(path), &admin));
    }
}

#[test]
fn the_network_policy_lets_in_each_port_and_lets_replicas_reach_each_other() {
    let policy: NetworkPolicy = read("NetworkPolicy", "tailsieve");
    let spec = policy.spec.unwrap();
    assert_eq!(spec.policy_types.unwrap(), ["Ingress", "Egress"]);
    let ports = container_ports();
    let ingress = spec.ingress.unwrap();
    // An empty `from` would be everybody.
    let senders = ingress.iter().map(|rule| rule.from.as_ref().unwrap().len());
    assert!(senders.into_iter().all(|count| count == 1));
    let let_in = ingress.iter().flat_map(|rule| rule.ports.iter().flatten());
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for port in let_in {
        let Some(IntOrString::String(name)) = &port.port else {
            panic!("a port without a name");
        };
        named.insert((name.clone(), port.protocol.clone().unwrap()));
    }
    assert_eq!(named, ports.keys().cloned().collect());

    let peer = ports[&("peer".to_owned(), "TCP".to_owned())];
    let gossip = ports[&("gossip".to_owned(), "UDP".to_owned())];
    let expected = [("TCP", peer), ("UDP", gossip)];
    let egress = spec.egress.unwrap();
    let to_each_other = egress.iter().find(|rule| rule.to.is_some()).unwrap();
    let ports = to_each_other.ports.iter().flatten();
    let reachable = ports.map(|port| match (&port.protocol, &port.port) {
        (Some(protocol), Some(IntOrString::Int(port))) => (protocol.as_str(), *port),
        _ => panic!("a port without protocol or number"),
    });
    assert_eq!(reachable.collect::<Vec<_>>(), expected);
}

#[test]
fn only_a_change_of_the_server_file_or_environment_restarts_pods() {
    let generators = Kustomization::of(BASE).config_map_generator;
    let hashed = |name: &str| {
        let mut generators = generators.iter();
        generators
            .find(|it| it.name == name)
            .map(Generator::is_hashed)
    };
    assert_eq!(hashed("tailsieve-server"), Some(true));
    assert_eq!(hashed("tailsieve-environment"), Some(true));
    assert_eq!(hashed("tailsieve-policies"), Some(false));
    let example = Kustomization::of(EXAMPLE);
    let generators = example.config_map_generator.iter();
    for generator in generators.chain(&example.secret_generator) {
        let stays = generator.name != "tailsieve-environment";
        assert_eq!(generator.is_hashed(), !stays, "{}", generator.name);
    }
}

#[test]
fn replicas_start_together_find_each_other_unready_and_go_one_by_one() {
    let replicas: StatefulSet = read("StatefulSet", "tailsieve");
    let spec = replicas.spec.unwrap();
    assert_eq!(spec.pod_management_policy.as_deref(), Some("Parallel"));
    let update = spec.update_strategy.unwrap();
    assert_eq!(update.type_.as_deref(), Some("RollingUpdate"));
    assert_eq!(spec.service_name.as_deref(), Some("tailsieve-peers"));
    let peers: Service = read("Service", "tailsieve-peers");
    let peers = peers.spec.unwrap();
    assert_eq!(peers.cluster_ip.as_deref(), Some("None"));
    assert_eq!(peers.publish_not_ready_addresses, Some(true));
    let budget: PodDisruptionBudget = read("PodDisruptionBudget", "tailsieve");
    let at_once = budget.spec.unwrap().max_unavailable;
    assert_eq!(at_once, Some(IntOrString::Int(1)));
}

#[test]
fn the_autoscaler_has_the_replicas_to_itself_and_takes_them_away_slowly() {
    let autoscaler: HorizontalPodAutoscaler = read("HorizontalPodAutoscaler", "tailsieve");
    let spec = autoscaler.spec.unwrap();
    let replicas: StatefulSet = read("StatefulSet", "tailsieve");
    let target = &spec.scale_target_ref;
    assert_eq!(target.kind, "StatefulSet");
    assert_eq!(replicas.metadata.name.as_ref(), Some(&target.name));
    assert_eq!(replicas.spec.unwrap().replicas, None);
    assert!(spec.min_replicas.unwrap() >= 3 && spec.max_replicas > 3);
    let behavior = spec.behavior.unwrap();
    let (up, down) = (behavior.scale_up.unwrap(), behavior.scale_down.unwrap());
    assert!(down.stabilization_window_seconds > up.stabilization_window_seconds);
    let grace_seconds = pod().termination_grace_period_seconds.unwrap();
    for step in down.policies.unwrap() {
        assert_eq!((step.type_.as_str(), step.value), ("Pods", 1));
        assert!(i64::from(step.period_seconds) > grace_seconds);
    }
}

#[test]
fn pods_are_what_the_restricted_profile_of_pod_security_admits() {
    let pod = pod();
    let security = pod.security_context.as_ref().unwrap();
    assert_eq!(security.run_as_non_root, Some(true));
    assert_ne!(security.run_as_user.unwrap(), 0);
    let seccomp = security.seccomp_profile.as_ref().unwrap();
    assert_eq!(seccomp.type_, "RuntimeDefault");
    assert_eq!(pod.automount_service_account_token, Some(false));
    // TAILSIEVE_SERVICE_HOST and the like would be taken for flags.
    assert_eq!(pod.enable_service_links, Some(false));
    let container = container(&pod).security_context.as_ref().unwrap();
    assert_eq!(container.allow_privilege_escalation, Some(false));
    assert_eq!(container.read_only_root_filesystem, Some(true));
    let capabilities = container.capabilities.as_ref().unwrap();
    assert_eq!(capabilities.drop.as_deref(), Some(&["ALL".to_owned()][..]));
    assert_eq!(capabilities.add, None);
    for volume in pod.volumes.unwrap() {
        assert!(volume.config_map.is_some() || volume.secret.is_some());
    }
}
