//! Clusters of 3 to 100 replicas in one process: what gossip costs each, and how long they take to agree.
//!
//! Each replica is the real membership (gossip with its sealed datagrams), the real agreement on deaths and the real holders;
//! time is tokio's, moved when everybody waits; datagrams arrive at once, orders after 10 ms. Shards are left out: nothing is
//! buffered, so that a slot changes hands as soon as the protocol lets it. Times are seconds of that clock, bytes are
//! those of datagrams without the headers of UDP and IP, sent, by each replica. Chance is not fixed: figures vary.
//!
//! `cargo bench --bench membership` prints a row for each size; `-- 3 10` those sizes alone.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

mod replica;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tailsieve::batch::key::SLOTS;
use tailsieve::batch::replica::ReplicaId;
use tailsieve::clock::Clock;
use tailsieve::router::holders::Input;

use replica::{Replica, SentOrder};
use wire::Wire;

const SIZES: [usize; 4] = [3, 10, 30, 100];
/// An order's way.
const STEP: Duration = Duration::from_millis(10);
/// As the product's driver.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const AT_REST: Duration = Duration::from_secs(30);
/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(300);

struct Cluster {
    wire: Wire,
    clock: Clock,
    elapsed: Duration,
    founders: usize,
    replicas: BTreeMap<ReplicaId, Replica>,
    /// On their way.
    orders: Vec<SentOrder>,
}

/// What happened to a cluster of one size.
struct Row {
    founded: Duration,
    at_rest_bytes: f64,
    joined: Duration,
    taken_over: Duration,
    joining_bytes: f64,
    buried: Duration,
    claimed: Duration,
    burying_bytes: f64,
}

fn main() -> anyhow::Result<()> {
    let asked: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    let sizes = if asked.is_empty() {
        SIZES.to_vec()
    } else {
        asked
    };
    println!(
        "| replicas | founded s | at rest B/s | join agreed s | slots moved s | B/s meanwhile | death agreed s | slots claimed s | B/s meanwhile |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()?;
        let row = runtime.block_on(measure(size))?;
        println!(
            "| {size} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} |",
            row.founded.as_secs_f64(),
            row.at_rest_bytes,
            row.joined.as_secs_f64(),
            row.taken_over.as_secs_f64(),
            row.joining_bytes,
            row.buried.as_secs_f64(),
            row.claimed.as_secs_f64(),
            row.burying_bytes,
        );
    }
    Ok(())
}

/// A moment, and what everybody had sent by then.
struct Mark {
    at: Duration,
    sent: BTreeMap<ReplicaId, f64>,
}

async fn measure(size: usize) -> anyhow::Result<Row> {
    let mut cluster = Cluster::new(size);
    for number in 0..size {
        cluster.start(number).await?;
    }
    cluster
        .until("found their cluster", |it| it.is_settled(size))
        .await?;
    let founded = cluster.elapsed;
    cluster.run(AT_REST).await;
    let before = cluster.mark();
    cluster.run(AT_REST).await;
    let at_rest_bytes = cluster.bytes_per_second_since(&before);

    let before = cluster.mark();
    cluster.start(size).await?;
    cluster
        .until("agree on a join", |it| it.agrees_on(size + 1))
        .await?;
    let joined = cluster.since(&before);
    cluster
        .until("move slots to who joined", |it| it.is_settled(size + 1))
        .await?;
    let taken_over = cluster.since(&before);
    let joining_bytes = cluster.bytes_per_second_since(&before);

    cluster.run(AT_REST).await;
    let before = cluster.mark();
    cluster.kill(0)?;
    cluster
        .until("agree on a death", |it| it.agrees_on(size))
        .await?;
    let buried = cluster.since(&before);
    cluster
        .until("claim the slots of the dead", |it| it.is_settled(size))
        .await?;
    Ok(Row {
        founded,
        at_rest_bytes,
        joined,
        taken_over,
        joining_bytes,
        buried,
        claimed: cluster.since(&before),
        burying_bytes: cluster.bytes_per_second_since(&before),
    })
}

impl Cluster {
    fn new(founders: usize) -> Self {
        Self {
            wire: Wire::default(),
            clock: Clock::manual(),
            elapsed: Duration::ZERO,
            founders,
            replicas: BTreeMap::new(),
            orders: Vec::new(),
        }
    }

    async fn start(&mut self, number: usize) -> anyhow::Result<()> {
        let id = id_of(number)?;
        let replica = Replica::start(&self.wire, &self.clock, number, self.founders).await?;
        self.replicas.insert(id, replica);
        Ok(())
    }

    /// Ends a replica without a word.
    fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.wire.cut_off(address_of(number));
        self.replicas
            .remove(&id_of(number)?)
            .context("it is not there")?;
        Ok(())
    }

    async fn run(&mut self, time: Duration) {
        let until = self.elapsed + time;
        while self.elapsed < until {
            self.step().await;
        }
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let give_up = self.elapsed + PATIENCE;
        while !is_so(self) {
            anyhow::ensure!(
                self.elapsed < give_up,
                "{} replicas do not {what}",
                self.replicas.len()
            );
            self.step().await;
        }
        Ok(())
    }

    async fn step(&mut self) {
        tokio::time::sleep(STEP).await;
        self.clock.advance(STEP);
        self.elapsed += STEP;
        let mut sent = Vec::new();
        for (to, from, order) in std::mem::take(&mut self.orders) {
            if let Some(replica) = self.replicas.get_mut(&to.replica) {
                let to = to.incarnation;
                replica.feed(Input::Order { from, to, order }, &self.clock, &mut sent);
            }
        }
        if self
            .elapsed
            .as_millis()
            .is_multiple_of(LOOK_EVERY.as_millis())
        {
            for replica in self.replicas.values_mut() {
                replica.look(&self.clock, &mut sent);
            }
        }
        self.orders = sent;
    }

    /// Whether all have the same table, of `count` members.
    fn agrees_on(&self, count: usize) -> bool {
        let mut tables = self.replicas.values().map(|it| it.holders.table());
        let Some(first) = tables.next() else {
            return false;
        };
        first.members().len() == count && tables.all(|table| table.hash() == first.hash())
    }

    /// Whether besides each holds what the table says, and all is held.
    fn is_settled(&self, count: usize) -> bool {
        let of_its_own = |(id, replica): (&ReplicaId, &Replica)| {
            *replica.holders.holds() == replica.holders.table().owned_by(id)
        };
        let held: usize = self
            .replicas
            .values()
            .map(|it| it.holders.holds().len())
            .sum();
        self.agrees_on(count) && held == usize::from(SLOTS) && self.replicas.iter().all(of_its_own)
    }

    fn mark(&self) -> Mark {
        let sent = self.replicas.iter();
        Mark {
            at: self.elapsed,
            sent: sent.map(|(id, it)| (id.clone(), it.bytes_sent())).collect(),
        }
    }

    fn since(&self, mark: &Mark) -> Duration {
        self.elapsed - mark.at
    }

    /// What each living replica sent a second since then, on average.
    fn bytes_per_second_since(&self, mark: &Mark) -> f64 {
        let sent: f64 = self
            .replicas
            .iter()
            .map(|(id, it)| it.bytes_sent() - mark.sent.get(id).unwrap_or(&0.0))
            .sum();
        sent / self.replicas.len() as f64 / self.since(mark).as_secs_f64()
    }
}

fn id_of(number: usize) -> anyhow::Result<ReplicaId> {
    let name = format!("replica-{number}");
    ReplicaId::new(&name).map_err(anyhow::Error::msg)
}

fn address_of(number: usize) -> SocketAddr {
    let [high, low] = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 4320))
}
