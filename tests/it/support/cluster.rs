//! Several replicas on loopback that find each other: started, killed and restarted under their IDs.
//!
//! Gossip addresses must be known before there is anybody to ask, and again after a restart, so their ports are reserved;
//! all other ports are free ones. The clients' way in is a directory of who is there, as a balancer would have it.

pub(crate) mod load;
pub(crate) mod page;

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;

use self::page::Page;
use super::backend::Backend;
use super::replica::Replica;
use super::{eventually, http};

/// Keeps traces with an error. A trace torn in two shows: the half without the error is not kept.
const ERRORS_ONLY: &str =
    "policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]\n";

/// Where clients send to.
pub(crate) type Directory = Arc<Mutex<Vec<SocketAddr>>>;

/// What is the same for all replicas.
pub(crate) struct Plan {
    /// How many found the cluster.
    pub(crate) replicas: usize,
    /// `decision_wait`.
    pub(crate) wait: &'static str,
    /// What `secret_file` holds.
    pub(crate) secret: &'static str,
    /// A further line of `cluster`.
    pub(crate) more: &'static str,
}

/// Replicas by number, from 0; `r0` is the ID of the first.
pub(crate) struct Cluster {
    pub(crate) backend: Backend,
    pub(crate) replicas: BTreeMap<usize, Replica>,
    pub(crate) directory: Directory,
    plan: Plan,
    gossip: Vec<SocketAddr>,
}

impl Plan {
    /// Starts a replica of this plan, whether or not it finds others.
    async fn launch(
        &self,
        backend: &Backend,
        id: &str,
        gossip: SocketAddr,
        seeds: &[SocketAddr],
    ) -> Replica {
        let folder = tempfile::tempdir().unwrap();
        let policies = format!("decision_wait: {}\n{ERRORS_ONLY}", self.wait);
        fs::write(folder.path().join("policies.yaml"), policies).unwrap();
        fs::write(folder.path().join("secret"), self.secret).unwrap();
        let seeds: Vec<_> = seeds.iter().map(ToString::to_string).collect();
        let Self { replicas, more, .. } = self;
        let file = backend.server_file(&format!(
            "shards: 1
memory: {{limit: 256MiB}}
receivers: {{otlp: {{retry_after: 50ms}}}}
cluster:
  replica_id: {id}
  peer: {{endpoint: \"127.0.0.1:0\"}}
  gossip: {{endpoint: \"{gossip}\"}}
  seeds: {seeds:?}
  secret_file: secret
  min_replicas: {replicas}
  {more}
"
        ));
        Replica::start_in(folder, &file, Some("policies.yaml")).await
    }
}

impl Default for Plan {
    /// Three replicas that decide after 5 s.
    fn default() -> Self {
        Self {
            replicas: 3,
            wait: "5s",
            secret: "what the replicas share",
            more: "",
        }
    }
}

impl Cluster {
    /// One that nobody is in yet.
    pub(crate) async fn empty(plan: Plan) -> Self {
        let gossip = free_udp_addresses(plan.replicas);
        Self {
            backend: Backend::start().await,
            replicas: BTreeMap::new(),
            directory: Directory::default(),
            plan,
            gossip,
        }
    }

    /// Founds a cluster and waits until every slot is held by its owner.
    pub(crate) async fn found(plan: Plan) -> Self {
        let mut cluster = Self::empty(plan).await;
        let all: Vec<usize> = (0..cluster.gossip.len()).collect();
        for number in &all {
            cluster.launch(*number).await;
        }
        cluster.balanced(&all).await;
        let addresses = cluster.replicas.values().map(|replica| replica.grpc);
        cluster.directory.lock().extend(addresses);
        cluster
    }

    /// Starts replica number `number` again; clients know it when it is ready.
    pub(crate) async fn start(&mut self, number: usize) {
        self.launch(number).await;
        let replica = &self.replicas[&number];
        eventually("it is ready", || async {
            replica.is_ready().await.then_some(())
        })
        .await;
        self.directory.lock().push(replica.grpc);
    }

    /// Starts replica number `number`, and waits for nothing.
    pub(crate) async fn launch(&mut self, number: usize) {
        let id = format!("r{number}");
        let gossip = self.gossip[number];
        let launch = self.plan.launch(&self.backend, &id, gossip, &self.gossip);
        self.replicas.insert(number, launch.await);
    }

    /// Takes a replica out of the directory and gives it away.
    pub(crate) fn take(&mut self, number: usize) -> Replica {
        let replica = self.replicas.remove(&number).expect("it runs");
        self.directory.lock().retain(|it| *it != replica.grpc);
        replica
    }

    /// Ends a replica as Kubernetes does: SIGTERM, while clients still send to it; it must end well.
    pub(crate) async fn stop(&mut self, number: usize) {
        let replica = self.replicas.remove(&number).expect("it runs");
        let address = replica.grpc;
        replica.stop().await;
        self.directory.lock().retain(|it| *it != address);
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self, number: usize) {
        let replica = self.take(number);
        replica.signal("KILL");
        assert_eq!(replica.ended().await.exit_code, None, "by a signal");
    }

    /// Starts one of another plan, with the same seeds and an address of its own; clients do not know it.
    pub(crate) async fn start_stranger(&self, id: &str, plan: &Plan) -> Replica {
        let gossip = free_udp_addresses(1);
        plan.launch(&self.backend, id, gossip[0], &self.gossip)
            .await
    }

    /// Waits until these replicas, and only they, are active in everybody's eyes, and hold what is theirs.
    pub(crate) async fn balanced(&self, numbers: &[usize]) -> Vec<Page> {
        let ids: Vec<String> = numbers.iter().map(|number| format!("r{number}")).collect();
        let what = format!("{ids:?} are balanced");
        eventually(&what, || async {
            let pages = self.pages().await;
            pages
                .iter()
                .all(|page| page.is_balanced(&ids))
                .then_some(pages)
        })
        .await
    }

    /// `/api/v1/cluster` of all.
    pub(crate) async fn pages(&self) -> Vec<Page> {
        join_all(self.replicas.values().map(Replica::cluster)).await
    }

    /// Waits until nothing is held anywhere any more and checks all books, then ends all replicas at once.
    pub(crate) async fn end(mut self) -> Backend {
        for replica in self.replicas.values() {
            replica.settle().await;
            replica.returns_memory().await;
        }
        let replicas = std::mem::take(&mut self.replicas);
        join_all(replicas.into_values().map(Replica::stop)).await;
        self.backend
    }
}

impl Replica {
    /// `/api/v1/cluster`.
    pub(crate) async fn cluster(&self) -> Page {
        let answer = http::get(self.admin, "/api/v1/cluster").await;
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Whether `/readyz` says so.
    pub(crate) async fn is_ready(&self) -> bool {
        http::get(self.admin, "/readyz").await.status == 200
    }
}

/// Loopback addresses whose UDP ports are free at this moment; all different.
pub(crate) fn free_udp_addresses(count: usize) -> Vec<SocketAddr> {
    let sockets = (0..count).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    // Held together until all are known: a port given back could be given again.
    let sockets: Vec<_> = sockets.collect();
    let addresses = sockets.iter().map(|socket| socket.local_addr().unwrap());
    addresses.collect()
}
