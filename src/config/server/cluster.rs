//! `cluster`: who this replica is, where others reach it, and how it finds them. Off when absent.

mod secret;

use std::net::SocketAddr;

use crate::batch::replica::ReplicaId;
use crate::config::decode::{Fields, Place, format_bytes};
use crate::router::config::{ClusterConfig, ClusterEndpoint};

/// Most seeds: a name may stand for all replicas.
const SEEDS_MAX: usize = 64;
/// Longest name of a host.
const HOST_BYTES_MAX: usize = 253;
/// Most replicas to wait for: far above what gossip was measured with.
const REPLICAS_MAX: usize = 1_000;
/// Greatest weight: beyond it the lighter replicas would own nothing.
const WEIGHT_MAX: u64 = 100;
/// Least `dead_after`: some rounds of gossip, of half a second each.
const DEAD_AFTER_SECONDS_MIN: u64 = 2;

/// The section, in a process of `memory_limit_bytes`. `host_name` is the ID of a replica that has none.
pub(super) fn cluster(
    fields: &mut Fields<'_>,
    memory_limit_bytes: u64,
    host_name: &str,
) -> Option<ClusterConfig> {
    let mut cluster = fields.section("cluster")?;
    let id = replica_id(&mut cluster, host_name);
    // Whoever reads on in spite of a wrong ID never gets to use it.
    let id = id.or_else(|| ReplicaId::new("unnamed").ok())?;
    let mut config = ClusterConfig::new(id, memory_limit_bytes);
    cluster.set("name", &mut config.name, |name| {
        let text = name.non_empty_text()?;
        checked_id(name, text, "name").map(|_| text.to_owned())
    });
    endpoint(&mut cluster, "peer", &mut config.peer);
    endpoint(&mut cluster, "gossip", &mut config.gossip);
    if let Some(place) = cluster.take("seeds") {
        config.seeds = seeds(&place);
    }
    let secret_file = cluster.take("secret_file");
    config.secret = secret_file.as_ref().and_then(secret::from_file);
    cluster.set("min_replicas", &mut config.min_replicas, |replicas| {
        replicas.count(1..=REPLICAS_MAX)
    });
    cluster.set("weight", &mut config.weight, |weight| {
        u32::try_from(weight.integer(1..=WEIGHT_MAX)?).ok()
    });
    cluster.set("dead_after", &mut config.dead_after, dead_after);
    cluster.set("hold_limit", &mut config.hold_limit_bytes, |limit| {
        hold_limit(limit, memory_limit_bytes)
    });
    if secret_file.is_none() {
        report_missing_secret(cluster.place(), &config);
    }
    cluster.finish();
    Some(config)
}

fn replica_id(cluster: &mut Fields<'_>, host_name: &str) -> Option<ReplicaId> {
    if let Some(place) = cluster.take("replica_id") {
        return checked_id(&place, place.non_empty_text()?, "replica ID");
    }
    let id = ReplicaId::new(host_name).ok();
    if id.is_none() {
        let problem = format!("the host name {host_name:?} is no replica ID");
        cluster.place().error(problem, "set replica_id");
    }
    id
}

/// The name of a cluster is written like an ID of a replica: both are labels.
fn checked_id(place: &Place<'_>, text: &str, what: &str) -> Option<ReplicaId> {
    match ReplicaId::new(text) {
        Ok(id) => Some(id),
        Err(_) => {
            let advice = "1 to 63 letters, digits, '.', '_' and '-'";
            place.error(format!("{text:?} is no {what}"), advice);
            None
        }
    }
}

fn endpoint(cluster: &mut Fields<'_>, key: &'static str, config: &mut ClusterEndpoint) {
    let Some(mut fields) = cluster.section(key) else {
        return;
    };
    fields.set("endpoint", &mut config.endpoint, Place::address);
    let advertise = fields.take("advertise");
    config.advertise = advertise.as_ref().and_then(advertised);
    if advertise.is_none() && config.endpoint.ip().is_unspecified() {
        let problem = format!(
            "advertise is missing: others cannot dial {}",
            config.endpoint
        );
        let advice = "set advertise to this replica's own address, for example ${env:POD_IP}:4319";
        let advice = advice.replace("4319", &config.endpoint.port().to_string());
        fields.place().error(problem, advice);
    }
    fields.finish();
}

fn advertised(place: &Place<'_>) -> Option<SocketAddr> {
    let address = place.address()?;
    if address.ip().is_unspecified() {
        place.error(
            format!("others cannot dial {address}"),
            "name this replica's own address",
        );
        return None;
    }
    if address.port() == 0 {
        place.error("others cannot dial port 0", "name the port");
        return None;
    }
    Some(address)
}

fn seeds(place: &Place<'_>) -> Vec<String> {
    let items = place.items();
    if items.len() > SEEDS_MAX {
        let problem = format!("names {} seeds", items.len());
        place.error(problem, format!("at most {SEEDS_MAX}"));
    }
    let mut seeds: Vec<String> = Vec::new();
    for item in &items {
        let Some(text) = item.non_empty_text() else {
            continue;
        };
        if !is_host_and_port(text) {
            let advice = "write it like 10.0.0.1:4320 or tailsieve-gossip:4320";
            item.error(format!("{text:?} is no host with a port"), advice);
        } else if seeds.iter().any(|other| other == text) {
            item.error(format!("names {text:?} a second time"), "remove it");
        } else {
            seeds.push(text.to_owned());
        }
    }
    seeds
}

/// An address, or a name and a port. Whether the name stands for something shows when it is resolved.
fn is_host_and_port(text: &str) -> bool {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return address.port() != 0 && !address.ip().is_unspecified();
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_host = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.chars().all(is_letter);
    // `0.0.0.0:4320` is an address that nobody has; a host of digits and dots alone is a misspelt one.
    is_host && is_port && host.chars().any(|letter| letter.is_ascii_alphabetic())
}

fn dead_after(place: &Place<'_>) -> Option<std::time::Duration> {
    let duration = place.duration()?;
    if duration.as_secs() < DEAD_AFTER_SECONDS_MIN {
        let problem = "is too short: a few lost datagrams would count as a death";
        place.error(problem, format!("at least {DEAD_AFTER_SECONDS_MIN}s"));
        return None;
    }
    Some(duration)
}

fn hold_limit(place: &Place<'_>, memory_limit_bytes: u64) -> Option<u64> {
    let bytes = place.size(0..=u64::MAX)?;
    if bytes > memory_limit_bytes / 2 {
        let problem = format!(
            "is more than half of memory.limit ({})",
            format_bytes(memory_limit_bytes)
        );
        place.error(problem, "lower it, or raise the limit");
        return None;
    }
    Some(bytes)
}

/// Whoever reaches the ports could read spans, take slots and declare replicas dead.
fn report_missing_secret(place: &Place<'_>, config: &ClusterConfig) {
    for (key, endpoint) in [("peer", config.peer), ("gossip", config.gossip)] {
        if endpoint.endpoint.ip().is_loopback() {
            continue;
        }
        let problem = format!(
            "secret_file is missing: {key}.endpoint {} is open to other machines, and who reaches it could act as a replica",
            endpoint.endpoint
        );
        place.error(
            problem,
            "set secret_file, the same for all replicas, or listen on 127.0.0.1",
        );
        return;
    }
}
