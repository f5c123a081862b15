//! Several replicas on this machine that find each other: started, stopped, killed, and started again under their
//! numbers and at their addresses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tailsieve::tools::cluster::ClusterPage;

use super::lab::{ALL_CORES, Lab};
use super::process::{Process, free_address};
use super::receiver::{DECISION_CACHE, Policies, Receiver, argument, policies};
use super::scrape;

/// How often it is looked whether they are where they should be.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 600;

/// What is the same for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many found the cluster, numbered from 0.
    pub(crate) founders: usize,
    /// How many there may be.
    pub(crate) places: usize,
    pub(crate) decision_wait: Duration,
    pub(crate) policies: Policies,
    /// Where they export to.
    pub(crate) backend: SocketAddr,
}

/// Replicas by number.
pub(crate) struct Replicas {
    plan: Plan,
    places: Vec<Place>,
    running: BTreeMap<usize, Receiver>,
    /// Lives so far, by which logs are told apart.
    lives: usize,
}

/// Where a replica listens.
#[derive(Debug, Clone, Copy)]
struct Place {
    grpc: SocketAddr,
    http: SocketAddr,
    admin: SocketAddr,
    peer: SocketAddr,
    gossip: SocketAddr,
}

impl Replicas {
    /// Starts the founders and waits until each holds its part.
    pub(crate) fn found(lab: &Lab, plan: Plan) -> anyhow::Result<Self> {
        let places: anyhow::Result<Vec<_>> = (0..plan.places).map(|_| Place::free()).collect();
        let mut replicas = Self {
            plan,
            places: places?,
            running: BTreeMap::new(),
            lives: 0,
        };
        for number in 0..plan.founders {
            replicas.launch(lab, number)?;
        }
        replicas.wait_until_balanced()?;
        Ok(replicas)
    }

    /// Where clients send to: all places, also those where nobody is yet.
    pub(crate) fn endpoints(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.grpc).collect()
    }

    /// Where they are asked how they are.
    pub(crate) fn admins(&self) -> Vec<SocketAddr> {
        self.places.iter().map(|place| place.admin).collect()
    }

    /// Those that run.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Receiver> {
        self.running.values()
    }

    /// Starts number `number`, for the first time or again.
    pub(crate) fn launch(&mut self, lab: &Lab, number: usize) -> anyhow::Result<()> {
        let place = *self.places.get(number).context("no place for a replica")?;
        let text = policies(self.plan.policies, self.plan.decision_wait);
        let policies = lab.write("policies.yaml", &text)?;
        let config = self.server_file(number, place);
        let config = lab.write(&format!("tailsieve-{number}.yaml"), &config)?;
        let mut arguments = vec!["run".to_owned(), argument("config", &config)];
        let mut set = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
        set("policies", policies.display().to_string());
        set("grpc-endpoint", place.grpc.to_string());
        set("http-endpoint", place.http.to_string());
        set("admin-endpoint", place.admin.to_string());
        set("exporter-endpoint", format!("http://{}", self.plan.backend));
        self.lives += 1;
        let name = format!("replica-{number}.life-{}.log", self.lives);
        let log = lab.folder.join(name);
        let process = Process::start(ALL_CORES, &lab.tailsieve, &arguments, Some(&log))?;
        let metric = "tailsieve_router_spans_received_total";
        let replica = Receiver::ready(process, place.grpc, place.admin, metric)?;
        self.running.insert(number, replica);
        Ok(())
    }

    /// SIGTERM; waits until it has left, which must go well.
    pub(crate) fn stop(&mut self, number: usize) -> anyhow::Result<()> {
        self.take(number)?.end()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.take(number)?.process.kill()
    }

    /// Waits until those that run, and only they, are active in everybody's eyes and hold what is theirs.
    pub(crate) fn wait_until_balanced(&self) -> anyhow::Result<()> {
        let ids: Vec<String> = self.running.keys().map(|number| id(*number)).collect();
        for _ in 0..LOOKS_MAX {
            let is_balanced = |page: &ClusterPage| page.is_balanced(&ids);
            if self
                .pages()
                .is_ok_and(|pages| pages.iter().all(is_balanced))
            {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        for page in self.pages()? {
            println!("{page}");
        }
        anyhow::bail!("{ids:?} are not balanced")
    }

    /// What each tells of the cluster.
    fn pages(&self) -> anyhow::Result<Vec<ClusterPage>> {
        let pages = self.running().map(|replica| {
            let page = scrape::get(replica.admin, "/api/v1/cluster")?;
            Ok(serde_json::from_str(&page)?)
        });
        pages.collect()
    }

    /// Ends all at once: they cannot hand over to each other, and decide what they hold.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        std::thread::scope(|scope| {
            let ending: Vec<_> = self
                .running
                .into_values()
                .map(|replica| scope.spawn(|| replica.end()))
                .collect();
            ending.into_iter().try_for_each(|ending| {
                let ended = ending.join();
                ended.map_err(|_| anyhow::anyhow!("ending panicked"))?
            })
        })
    }

    fn take(&mut self, number: usize) -> anyhow::Result<Receiver> {
        let replica = self.running.remove(&number);
        replica.with_context(|| format!("{} does not run", id(number)))
    }

    fn server_file(&self, number: usize, place: Place) -> String {
        let seeds: Vec<_> = self.places.iter().map(|it| it.gossip.to_string()).collect();
        format!(
            "memory: {{limit: 2GiB}}
decision_cache: {{limit: {DECISION_CACHE}}}
shards: 1
cluster:
  replica_id: {id}
  peer: {{endpoint: '{peer}'}}
  gossip: {{endpoint: '{gossip}'}}
  seeds: [{seeds}]
  min_replicas: {founders}
",
            id = id(number),
            peer = place.peer,
            gossip = place.gossip,
            seeds = seeds.join(", "),
            founders = self.plan.founders,
        )
    }
}

impl Place {
    fn free() -> anyhow::Result<Self> {
        Ok(Self {
            grpc: free_address()?,
            http: free_address()?,
            admin: free_address()?,
            peer: free_address()?,
            gossip: free_address()?,
        })
    }
}

fn id(number: usize) -> String {
    format!("replica-{number}")
}
