//! `deploy/compose.yaml`, and what it mounts: typed as far as ours goes, so that a key that is not listed here is an error.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{files, strict};

const NAME: &str = "deploy/compose.yaml";
const PROMETHEUS: &str = "deploy/compose/prometheus.yaml";

/// The file, as the Compose Specification has it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compose {
    name: String,
    #[serde(rename = "x-replica")]
    replica: Value,
    #[serde(rename = "x-environment")]
    environment: Value,
    pub(super) services: BTreeMap<String, Service>,
    networks: BTreeMap<String, Network>,
    configs: BTreeMap<String, FromFile>,
    secrets: BTreeMap<String, FromFile>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    image: String,
    build: Option<Build>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    profiles: Vec<String>,
    restart: Option<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    pub(super) stop_grace_period: Option<String>,
    pub(super) mem_limit: Option<String>,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    cap_drop: Vec<String>,
    #[serde(default)]
    security_opt: Vec<String>,
    #[serde(default)]
    configs: Vec<Mounted>,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    pub(super) networks: BTreeMap<String, Attached>,
    #[serde(default)]
    ports: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Build {
    context: String,
    dockerfile: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Mounted {
    source: String,
    target: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attached {
    pub(super) ipv4_address: Option<String>,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Network {
    ipam: AddressPlan,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AddressPlan {
    config: Vec<AddressRange>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AddressRange {
    subnet: String,
    ip_range: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FromFile {
    file: String,
}

/// The configuration of Prometheus, as far as ours goes.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Prometheus {
    global: Global,
    scrape_configs: Vec<Scrape>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Global {
    scrape_interval: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Scrape {
    job_name: String,
    static_configs: Vec<Targets>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    targets: Vec<String>,
}

impl Compose {
    pub(super) fn of_the_project() -> Self {
        strict::read(&files::yaml(NAME)).unwrap_or_else(|error| panic!("{NAME}: {error}"))
    }

    /// The three replicas with their names.
    pub(super) fn replicas(&self) -> Vec<(&str, &Service)> {
        let services = self.services.iter();
        let replicas = services.filter(|(name, _)| name.starts_with("tailsieve-"));
        let replicas: Vec<_> = replicas.map(|(name, it)| (name.as_str(), it)).collect();
        assert_eq!(replicas.len(), 3);
        replicas
    }
}

/// Places in the file whose keys are names of one's own choice.
fn is_free(place: &str) -> bool {
    let lists = ["/services", "/networks", "/configs", "/secrets"];
    // What stands there is merged into the services, and found there.
    let is_fragment = place.starts_with("/x-");
    is_fragment
        || lists.contains(&place)
        || place.ends_with("/environment")
        || place.ends_with("/networks")
}

#[test]
fn a_misspelt_key_anywhere_in_the_compose_file_is_found() {
    let copies = strict::misspelt(&files::yaml(NAME), &is_free);
    assert!(copies.len() > 50);
    for (place, copy) in copies {
        assert!(strict::read::<Compose>(&copy).is_err(), "{place}");
    }
    let copies = strict::misspelt(&files::yaml(PROMETHEUS), &|_| false);
    assert!(copies.len() > 4);
    for (place, copy) in copies {
        assert!(strict::read::<Prometheus>(&copy).is_err(), "{place}");
    }
}

#[test]
fn what_services_name_exists() {
    let compose = Compose::of_the_project();
    for (name, service) in &compose.services {
        for config in &service.configs {
            assert!(compose.configs.contains_key(&config.source), "{name}");
        }
        for secret in &service.secrets {
            assert!(compose.secrets.contains_key(secret), "{name}");
        }
        for other in &service.depends_on {
            assert!(compose.services.contains_key(other), "{name}");
        }
        for network in service.networks.keys() {
            assert!(compose.networks.contains_key(network), "{name}");
        }
        if let Some(build) = &service.build {
            let context = files::path("deploy").join(&build.context);
            assert!(context.join(&build.dockerfile).is_file(), "{name}");
        }
        for volume in &service.volumes {
            let (folder, _) = volume.split_once(':').unwrap();
            assert!(files::path("deploy").join(folder).is_dir(), "{name}");
        }
        let (image, tag) = service.image.rsplit_once(':').unwrap();
        assert_ne!(tag, "latest", "{name}");
        let is_ours = image == env!("CARGO_PKG_NAME");
        assert!(!is_ours || tag == env!("CARGO_PKG_VERSION"), "{name}");
    }
    for config in compose.configs.values() {
        assert!(files::path("deploy").join(&config.file).is_file());
    }
    // Not in the repository: made by whoever starts it.
    let secret = &compose.secrets["cluster_secret"].file;
    assert_eq!(secret, "compose/cluster.secret");
    let ignored = files::text(".gitignore");
    assert!(ignored.lines().any(|line| line == "cluster.secret"));
}

#[test]
fn replicas_find_their_files_and_their_backend() {
    let compose = Compose::of_the_project();
    for (name, replica) in compose.replicas() {
        let environment = &replica.environment;
        let backend = environment["BACKEND_ENDPOINT"].strip_prefix("http://");
        let (host, port) = backend.unwrap().split_once(':').unwrap();
        assert!(
            compose.services.contains_key(host) && port == "4317",
            "{name}"
        );
        let secret = environment["CLUSTER_SECRET_FILE"].strip_prefix("/run/secrets/");
        assert!(replica.secrets.iter().any(|it| Some(it.as_str()) == secret));
        let volume: Vec<&str> = replica.volumes[0].split(':').collect();
        let [from, to, "ro"] = volume[..] else {
            panic!("{name}: {volume:?}");
        };
        let policies = environment["TAILSIEVE_POLICY_FILE"]
            .strip_prefix(to)
            .unwrap();
        let policies = files::path("deploy").join(format!("{from}{policies}"));
        assert!(policies.is_file(), "{name}");
        assert!(replica.read_only && replica.cap_drop == ["ALL"], "{name}");
    }
}

#[test]
fn addresses_and_ports_of_replicas_do_not_collide() {
    let compose = Compose::of_the_project();
    let mut published = BTreeSet::new();
    for (name, service) in &compose.services {
        for port in &service.ports {
            let (outside, _) = port.rsplit_once(':').unwrap();
            assert!(outside.starts_with("127.0.0.1:"), "{name}");
            assert!(published.insert(outside.to_owned()), "{name}: {outside}");
        }
    }
    let range = &compose.networks["cluster"].ipam.config[0];
    assert_eq!(
        (&*range.subnet, &*range.ip_range),
        ("172.30.4.0/24", "172.30.4.128/25")
    );
    let mut addresses = BTreeSet::new();
    for (name, replica) in compose.replicas() {
        let address = replica.networks["cluster"].ipv4_address.clone().unwrap();
        let last: u8 = address.strip_prefix("172.30.4.").unwrap().parse().unwrap();
        assert!((2..128).contains(&last), "{name}");
        assert!(addresses.insert(address), "{name}");
    }
}

#[test]
fn prometheus_asks_every_replica() {
    let prometheus: Prometheus = strict::read(&files::yaml(PROMETHEUS)).unwrap();
    let targets = &prometheus.scrape_configs[0].static_configs[0].targets;
    let compose = Compose::of_the_project();
    let replicas = compose.replicas().into_iter();
    let expected: Vec<String> = replicas.map(|(name, _)| format!("{name}:9464")).collect();
    assert_eq!(*targets, expected);
    let asks = &compose.services["prometheus"];
    let file = asks.command[0].strip_prefix("--config.file=").unwrap();
    assert_eq!(asks.configs[0].target, file);
    let config = &compose.configs[&asks.configs[0].source].file;
    assert_eq!(format!("deploy/{config}"), PROMETHEUS);
}

#[test]
fn the_load_is_a_command_that_there_is() {
    let compose = Compose::of_the_project();
    let load = &compose.services["load"];
    assert_eq!(load.profiles, ["load"]);
    files::assert_command(&load.command);
    let run = &compose.services["tailsieve-1"];
    assert!(run.command.is_empty(), "it has that of the image");
    assert_eq!(run.configs[0].target, super::dockerfile::server_file());
}
