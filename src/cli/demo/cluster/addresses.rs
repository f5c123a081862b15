//! Where the replicas of the demo listen, and their server files.

use std::net::SocketAddr;

use anyhow::Context;

use crate::tools::demo::process::free_addresses;

/// Where a replica listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) grpc: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) admin: SocketAddr,
    peer: SocketAddr,
    gossip: SocketAddr,
}

impl Addresses {
    pub(super) fn free() -> anyhow::Result<Self> {
        let [grpc, http, admin, peer, gossip] =
            free_addresses().context("cannot find free ports")?;
        Ok(Self {
            grpc,
            http,
            admin,
            peer,
            gossip,
        })
    }
}

/// The server file of replica `number` of those that listen at `all`, which `founders` found.
pub(super) fn server_file(
    all: &[Addresses],
    number: u16,
    founders: u16,
    sink: SocketAddr,
) -> anyhow::Result<String> {
    let Addresses {
        grpc,
        http,
        admin,
        peer,
        gossip,
    } = addresses_of(all, number)?;
    let seeds = all.iter().map(|it| format!("{:?}", it.gossip.to_string()));
    let seeds = seeds.collect::<Vec<_>>().join(", ");
    Ok(format!(
        "receivers:
  otlp:
    protocols: {{grpc: {{endpoint: \"{grpc}\"}}, http: {{endpoint: \"{http}\"}}}}
admin: {{endpoint: \"{admin}\"}}
policies: {{path: policies.yaml}}
exporters: {{otlp: {{endpoint: \"http://{sink}\"}}}}
shards: 1
cluster:
  replica_id: r{number}
  peer: {{endpoint: \"{peer}\"}}
  gossip: {{endpoint: \"{gossip}\"}}
  seeds: [{seeds}]
  min_replicas: {founders}
  dead_after: 4s
"
    ))
}

/// Where replica `number` listens.
pub(super) fn addresses_of(all: &[Addresses], number: u16) -> anyhow::Result<Addresses> {
    let place = usize::from(number).saturating_sub(1);
    all.get(place)
        .copied()
        .context("a replica without addresses")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::server;

    #[test]
    fn a_replica_understands_its_server_file() {
        let all = [Addresses::free().unwrap(), Addresses::free().unwrap()];
        let sink = SocketAddr::from(([127, 0, 0, 1], 1));
        let text = server_file(&all, 2, 3, sink).unwrap();
        let read = server::parse("r2.yaml", &text, &|_| None).unwrap();
        let cluster = read.config.cluster.unwrap();
        assert_eq!(cluster.replica_id.as_str(), "r2");
        assert_eq!((cluster.min_replicas, cluster.seeds.len()), (3, 2));
        assert_eq!(read.config.admin_endpoint, all[1].admin);
        assert!(server_file(&all, 3, 3, sink).is_err());
    }
}
