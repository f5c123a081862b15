//! Three replicas against one, at the same rate: what the hop between them costs, and how long acknowledgements take. The
//! clients' load is spread over the replicas evenly, so that two spans of three belong to another one.

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::Context as _;

use super::lab::{ALL_CORES, Lab, Stretch};
use super::load::{Load, Seen};
use super::process::{Process, free_address};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings, argument, policies};
use super::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(8);
const MEASURED: Duration = Duration::from_secs(10);
const REPLICAS: u64 = 3;
/// How long they may take to found their cluster.
const FOUNDING_TRIES: u32 = 300;

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("cluster", "three replicas against one, at the same rate");
    for spans_per_second in [10_000, 30_000] {
        one(lab, spans_per_second)?;
        three(lab, spans_per_second)?;
    }
    Ok(())
}

fn one(lab: &mut Lab, rate: u64) -> anyhow::Result<()> {
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: ALL_CORES,
        shards: 1,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies: Policies::Three,
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    let load = load(rate).start(lab, replica.grpc)?;
    let stretch = lab.measure(&replica, WARM_UP, MEASURED)?;
    let seen = Seen::at_end_of(load)?;
    report(lab, &format!("{rate}/s, one replica"), &[stretch], &[seen])?;
    replica.end()
}

fn three(lab: &mut Lab, rate: u64) -> anyhow::Result<()> {
    let backend = Receiver::backend(lab)?;
    let gossip: Vec<String> = (0..REPLICAS)
        .map(|_| Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.to_string()))
        .collect::<anyhow::Result<_>>()?;
    let replicas: Vec<Receiver> = (0..REPLICAS as usize)
        .map(|number| replica(lab, number, &gossip, &backend))
        .collect::<anyhow::Result<_>>()?;
    for replica in &replicas {
        wait_until_ready(replica)?;
    }
    let loads: Vec<Process> = replicas
        .iter()
        .map(|replica| load(rate / REPLICAS).start(lab, replica.grpc))
        .collect::<anyhow::Result<_>>()?;
    let lab_seen: &Lab = lab;
    let stretches = std::thread::scope(|scope| {
        let measuring: Vec<_> = replicas
            .iter()
            .map(|replica| scope.spawn(|| lab_seen.measure(replica, WARM_UP, MEASURED)))
            .collect();
        let measured = measuring.into_iter().map(|measuring| {
            let measured = measuring.join();
            measured.map_err(|_| anyhow::anyhow!("measuring panicked"))?
        });
        measured.collect::<anyhow::Result<Vec<Stretch>>>()
    })?;
    let seen = loads
        .into_iter()
        .map(Seen::at_end_of)
        .collect::<anyhow::Result<Vec<_>>>()?;
    report(lab, &format!("{rate}/s, three replicas"), &stretches, &seen)?;
    // All at once: they cannot hand over to each other, and decide what they hold.
    std::thread::scope(|scope| {
        let ending: Vec<_> = replicas
            .into_iter()
            .map(|replica| scope.spawn(|| replica.end()))
            .collect();
        ending.into_iter().try_for_each(|ending| {
            ending
                .join()
                .map_err(|_| anyhow::anyhow!("ending panicked"))?
        })
    })
}

fn load(rate: u64) -> Load {
    Load {
        spans_per_second: rate,
        connections: 2,
        ..Load::default()
    }
}

fn replica(
    lab: &Lab,
    number: usize,
    gossip: &[String],
    backend: &Receiver,
) -> anyhow::Result<Receiver> {
    let (grpc, http, admin, peer) = (
        free_address()?,
        free_address()?,
        free_address()?,
        free_address()?,
    );
    let policies = lab.write("policies.yaml", &policies(Policies::Three, DECISION_WAIT))?;
    let own = gossip.get(number).context("no address for gossip")?;
    let seeds = gossip.join(", ");
    let config = format!(
        "memory: {{limit: 2GiB}}
decision_cache: {{limit: {DECISION_CACHE}}}
shards: 1
cluster:
  replica_id: replica-{number}
  peer: {{endpoint: '{peer}'}}
  gossip: {{endpoint: '{own}'}}
  seeds: [{seeds}]
  min_replicas: {REPLICAS}
"
    );
    let config = lab.write(&format!("tailsieve-{number}.yaml"), &config)?;
    let mut arguments = vec!["run".to_owned(), argument("config", &config)];
    let mut set = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
    set("policies", policies.display().to_string());
    set("grpc-endpoint", grpc.to_string());
    set("http-endpoint", http.to_string());
    set("admin-endpoint", admin.to_string());
    set("exporter-endpoint", format!("http://{}", backend.grpc));
    let log = lab.folder.join(format!("replica-{number}.log"));
    let process = Process::start(ALL_CORES, &lab.tailsieve, &arguments, Some(&log))?;
    Receiver::ready(
        process,
        grpc,
        admin,
        "tailsieve_router_spans_received_total",
    )
}

fn wait_until_ready(replica: &Receiver) -> anyhow::Result<()> {
    for _ in 0..FOUNDING_TRIES {
        if super::scrape::get(replica.admin, "/readyz")?.trim() == "ready" {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("the replicas do not find each other")
}

fn report(lab: &mut Lab, case: &str, stretches: &[Stretch], seen: &[Seen]) -> anyhow::Result<()> {
    let spans: u64 = stretches.iter().map(|stretch| stretch.spans).sum();
    let run_ns: u64 = stretches.iter().map(|stretch| stretch.cpu.run_ns()).sum();
    let worst = |of: fn(&Seen) -> f64| seen.iter().map(of).fold(0.0, f64::max);
    let sent: u64 = seen.iter().map(|seen| seen.spans_sent).sum();
    let acknowledged: u64 = seen.iter().map(|seen| seen.spans_acknowledged).sum();
    let row = Row::new(case)
        .with("cpu_ns_per_span", run_ns as f64 / spans.max(1) as f64)
        .with("ack_p50_ms", worst(|seen| seen.ack_p50_ms))
        .with("ack_p99_ms", worst(|seen| seen.ack_p99_ms))
        .with("spans_not_acknowledged", (sent - acknowledged) as f64);
    lab.report.add("cluster", &row)
}
