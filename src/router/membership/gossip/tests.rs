//! Real gossip between memberships of one process, on loopback.

use std::time::Duration;

use tokio::time::timeout;

use super::reader::TICK;
use super::*;
use crate::batch::key::{SLOTS, Slot};
use crate::batch::replica::ReplicaId;
use crate::clock::Clock;
use crate::keyed_hash::keyed_hash;
use crate::metrics::Registry;
use crate::router::config::Secret;
use crate::router::member::{Known, MemberState};

/// Far beyond what anything here takes on a busy machine: reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "0123456789abcdef";

struct Replica {
    membership: GossipMembership,
    registry: Registry,
}

struct Start<'a> {
    id: &'a str,
    incarnation: u64,
    name: &'a str,
    secret: &'a str,
    seeds: &'a [String],
    clock: Clock,
}

impl<'a> Start<'a> {
    fn new(id: &'a str, seeds: &'a [String]) -> Self {
        Self {
            id,
            incarnation: 1,
            name: "blue",
            secret: SECRET,
            seeds,
            clock: Clock::system(),
        }
    }

    async fn start(&self) -> Replica {
        let mut config = ClusterConfig::new(id(self.id), 1 << 30);
        config.name = self.name.to_owned();
        config.secret = Secret::new(self.secret.as_bytes());
        config.seeds = self.seeds.to_vec();
        let network = UdpNetwork::bind("127.0.0.1:0".parse().unwrap()).await;
        let network = Arc::new(network.unwrap());
        let registry = Registry::new();
        let incarnation = Incarnation(self.incarnation);
        let (heartbeat, metrics) = (Heartbeat::new(&self.clock), registry.gossip());
        let membership =
            GossipMembership::start(&config, incarnation, network, heartbeat, metrics).await;
        let membership = membership.unwrap();
        let record = Record::for_tests(self.id, self.incarnation, MemberState::Joining);
        membership.publish_record(record);
        Replica {
            membership,
            registry,
        }
    }
}

impl Replica {
    /// Waits until `is_so` of what this replica sees.
    async fn until(&self, what: &str, is_so: impl Fn(&Sight) -> bool) {
        let mut watch = self.membership.watch();
        let outcome = timeout(PATIENCE, watch.wait_for(|sight| is_so(sight))).await;
        let sight = self.membership.watch().borrow().clone();
        assert!(outcome.is_ok(), "{what}: {sight:?}");
    }

    fn seed(&self) -> [String; 1] {
        [self.membership.address().to_string()]
    }
}

fn id(name: &str) -> ReplicaId {
    ReplicaId::new(name).unwrap()
}

fn known<'a>(sight: &'a Sight, name: &str) -> Option<&'a Known> {
    sight.view.get(&id(name))
}

fn is_up(sight: &Sight, name: &str) -> bool {
    known(sight, name).is_some_and(|known| !known.is_suspect)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_know_each_other_by_one_seed_and_miss_the_one_that_stops() {
    let a = Start::new("a", &[]).start().await;
    let seed = a.seed();
    let b = Start::new("b", &seed).start().await;
    let c = Start::new("c", &seed).start().await;
    a.until("a", |it| is_up(it, "b") && is_up(it, "c")).await;
    b.until("b", |it| is_up(it, "a") && is_up(it, "c")).await;
    c.until("c", |it| is_up(it, "a") && is_up(it, "b")).await;
    // What changes is seen, digests too.
    let mut record = Record::for_tests("b", 1, MemberState::Active);
    record.version = 2;
    b.membership.publish_record(record.clone());
    let digest = Digest {
        question: 7,
        ..Digest::default()
    };
    b.membership.publish_digest(digest.clone());
    a.until("a sees what b has published since", |it| {
        known(it, "b").is_some_and(|b| *b.record == record && *b.digest == digest)
    })
    .await;
    drop(c);
    let misses_c = |it: &Sight| is_up(it, "b") && !is_up(it, "c") && known(it, "c").is_some();
    a.until("a misses c", misses_c).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_many_datagrams_arrives_whole() {
    let a = Start::new("a", &[]).start().await;
    let b = Start::new("b", &a.seed()).start().await;
    let mut record = Record::for_tests("a", 1, MemberState::Leaving);
    record.version = 2;
    for target in 0..40_u16 {
        let slots =
            (0..SLOTS).filter(|slot| keyed_hash(&slot.to_le_bytes()) % 40 == u64::from(target));
        let target = id(&format!("target-{target}"));
        record.targets.insert(target, slots.map(Slot).collect());
    }
    let length = encode_record(&record).unwrap().len();
    assert!((5_000..20_000).contains(&length), "{length}");
    a.membership.publish_record(record.clone());
    b.until("b has all of it", |it| {
        known(it, "a").is_some_and(|a| *a.record == record)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_another_secret_or_cluster_does_not_join_and_disturbs_nobody() {
    let a = Start::new("a", &[]).start().await;
    let seed = a.seed();
    let b = Start::new("b", &seed).start().await;
    let mut intruder = Start::new("c", &seed);
    intruder.secret = "fedcba9876543210";
    let intruder = intruder.start().await;
    let mut stranger = Start::new("d", &seed);
    stranger.name = "green";
    let stranger = stranger.start().await;
    a.until("a", |it| is_up(it, "b")).await;
    let refused = async {
        let series = |reason| format!("gossip_refused_total{{reason=\"{reason}\"}} 0");
        loop {
            let text = a.registry.render();
            if !text.contains(&series("secret")) && !text.contains(&series("cluster")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
    // Both have given up looking for others by then, and found their own.
    for outsider in [&intruder, &stranger] {
        let is_own = |it: &Sight| it.identity == Identity::Own;
        outsider.until("alone", is_own).await;
        assert!(outsider.membership.watch().borrow().view.others.is_empty());
    }
    let sight = a.membership.watch().borrow().clone();
    assert_eq!(sight.view.others.len(), 1);
    assert!(is_up(&sight, "b"));
    assert!(b.membership.watch().borrow().view.others.len() == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_younger_of_two_replicas_of_one_id_finds_it_taken_and_nobody_takes_it_for_the_older() {
    let a = Start::new("a", &[]).start().await;
    let seed = a.seed();
    let older = Start::new("b", &seed).start().await;
    a.until("a", |it| is_up(it, "b")).await;
    let mut younger = Start::new("b", &seed);
    younger.incarnation = 2;
    let younger = younger.start().await;
    let twin = Twin {
        incarnation: Incarnation(1),
        gossip_address: older.membership.address(),
    };
    let is_taken = |it: &Sight| it.identity == Identity::Taken(twin);
    younger.until("taken", is_taken).await;
    let sight = a.membership.watch().borrow().clone();
    let b = known(&sight, "b").unwrap();
    assert_eq!(b.record.life.incarnation, Incarnation(1));
    assert_eq!(older.membership.watch().borrow().identity, Identity::Own);
    let seen = younger.membership.watch().borrow().view.clone();
    assert!(seen.get(&id("b")).is_none(), "not among the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_killed_comes_back_under_its_id() {
    let a = Start::new("a", &[]).start().await;
    let seed = a.seed();
    let killed = Start::new("b", &seed).start().await;
    a.until("a", |it| is_up(it, "b")).await;
    drop(killed);
    let mut next = Start::new("b", &seed);
    next.incarnation = 2;
    let next = next.start().await;
    let is_next = |known: &Known| known.record.life.incarnation == Incarnation(2);
    a.until("a sees the new life", |it| {
        known(it, "b").is_some_and(|b| is_next(b) && !b.is_suspect)
    })
    .await;
    next.until("its own", |it| it.identity == Identity::Own)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeds_that_cannot_be_resolved_are_tried_on_while_the_others_serve() {
    let a = Start::new("a", &[]).start().await;
    let seeds = ["no-such-host.invalid:4320".to_owned(), a.seed()[0].clone()];
    let b = Start::new("b", &seeds).start().await;
    b.until("b", |it| is_up(it, "a")).await;
    assert!(!b.registry.render().contains("seeds_failed_total 0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_misses_nobody_for_the_time_that_it_missed() {
    let mut paused = Start::new("a", &[]);
    paused.clock = Clock::manual();
    let a = paused.start().await;
    let b = Start::new("b", &a.seed()).start().await;
    a.until("a", |it| is_up(it, "b")).await;
    drop(b);
    let library_misses_b = async {
        let chitchat = a.membership.chitchat.clone();
        while chitchat.with_chitchat(|it| it.dead_nodes().count()).await == 0 {
            tokio::time::sleep(TICK).await;
        }
    };
    timeout(PATIENCE, library_misses_b).await.unwrap();
    paused.clock.advance(Duration::from_secs(60));
    // From then on the time counts that it sees pass, in steps that are no pauses.
    let step = Duration::from_millis(500);
    let mut steps = 0;
    let watch = a.membership.watch();
    while is_up(&watch.borrow(), "b") {
        tokio::time::sleep(TICK * 3).await;
        if is_up(&watch.borrow(), "b") {
            paused.clock.advance(step);
            steps += 1;
        }
        assert!(steps < 200, "never missed");
    }
    assert!(steps >= 4, "missed after {steps} steps");
}
