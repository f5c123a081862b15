//! Three replicas against one, at the same rate: what the hop between them costs, and how long acknowledgements take. The
//! clients' load is spread over the replicas evenly, so that two spans of three belong to another one.

use std::time::Duration;

use super::lab::{ALL_CORES, Lab, Stretch};
use super::load::{Load, Seen};
use super::process::Process;
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::replicas::{Plan, Replicas};
use super::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(8);
const MEASURED: Duration = Duration::from_secs(10);
const REPLICAS: u16 = 3;
/// Spans a second; 0 is as many as the replicas acknowledge.
const RATES: [u64; 3] = [10_000, 30_000, 0];

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("cluster", "three replicas against one, at the same rate");
    for spans_per_second in RATES {
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
    let case = format!("{}, one replica", name(rate));
    report(lab, &case, &[stretch], &[seen])?;
    replica.end()
}

fn three(lab: &mut Lab, rate: u64) -> anyhow::Result<()> {
    let backend = Receiver::backend(lab)?;
    let plan = Plan {
        founders: REPLICAS.into(),
        places: REPLICAS.into(),
        decision_wait: DECISION_WAIT,
        policies: Policies::Three,
        backend: backend.grpc,
    };
    let replicas = Replicas::found(lab, plan)?;
    let loads: Vec<Process> = replicas
        .running()
        .map(|replica| load(rate / u64::from(REPLICAS)).start(lab, replica.grpc))
        .collect::<anyhow::Result<_>>()?;
    let lab_seen: &Lab = lab;
    let stretches = std::thread::scope(|scope| {
        let measuring: Vec<_> = replicas
            .running()
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
    let case = format!("{}, three replicas", name(rate));
    report(lab, &case, &stretches, &seen)?;
    replicas.end()
}

fn name(rate: u64) -> String {
    match rate {
        0 => "saturation".to_owned(),
        rate => format!("{rate}/s"),
    }
}

fn load(rate: u64) -> Load {
    Load {
        spans_per_second: rate,
        connections: 2,
        ..Load::default()
    }
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
