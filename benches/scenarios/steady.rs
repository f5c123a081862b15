//! Cost per span and latency of acknowledgements at rates far below saturation, where wake-ups dominate: against a bare
//! receiver at the same rate, moments before.

use std::time::Duration;

use super::lab::{ALL_CORES, Lab, SERVER_CORES};
use super::load::{Load, Seen};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(6);
const MEASURED: Duration = Duration::from_secs(10);

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("steady", "open loop, against a bare receiver");
    for cores in [SERVER_CORES, ALL_CORES] {
        for spans_per_second in [20_000, 50_000] {
            for is_gzip in [false, true] {
                compare(lab, cores, spans_per_second, is_gzip)?;
            }
        }
    }
    Ok(())
}

fn compare(lab: &mut Lab, cores: &'static str, rate: u64, is_gzip: bool) -> anyhow::Result<()> {
    let encoding = if is_gzip { "gzip" } else { "plain" };
    let place = if cores == ALL_CORES {
        "both cores"
    } else {
        "one core"
    };
    let case = format!("{rate}/s, {encoding}, {place}");
    let load = Load {
        spans_per_second: rate,
        is_gzip,
        ..Load::default()
    };
    let bare = Receiver::bare(lab, cores, "bare")?;
    let floor = measure(lab, &bare, &load, &format!("{case}, bare"), None)?;
    bare.end()?;
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores,
        shards: 0,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies: Policies::Three,
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    measure(
        lab,
        &replica,
        &load,
        &format!("{case}, tailsieve"),
        Some(floor),
    )?;
    replica.end()
}

fn measure(
    lab: &mut Lab,
    receiver: &Receiver,
    load: &Load,
    case: &str,
    floor: Option<f64>,
) -> anyhow::Result<f64> {
    let load = load.start(lab, receiver.grpc)?;
    let stretch = lab.measure(receiver, WARM_UP, MEASURED)?;
    let seen = Seen::at_end_of(load)?;
    let cost = stretch.cpu_ns_per_span();
    let mut row = Row::new(case).with("cpu_ns_per_span", cost);
    if let Some(floor) = floor {
        row = row.with("above_bare_ns", cost - floor);
    }
    row = row
        .with("ack_p50_ms", seen.ack_p50_ms)
        .with("ack_p99_ms", seen.ack_p99_ms)
        .with("switches_per_100_spans", stretch.switches_per_request())
        .with_threads(&stretch.cpu, stretch.spans);
    lab.report.add("steady", &row)?;
    Ok(cost)
}
