//! Three replicas become four, all four are restarted one after the other, four become three, under one load that goes on:
//! nothing acknowledged may be lost, split or doubled.
//!
//! A trace's five requests are spread over 3 s, the window is 5 s, every fifth trace has an error. Clients send to all four
//! places in turn, whether or not somebody is there, and again to the next.

use std::time::Duration;

use super::lab::{ALL_CORES, Lab};
use super::load::{self, Load, Seen};
use super::receiver::Policies;
use super::replicas::{Plan, Replicas};
use super::report::Row;
use super::sink::Sink;
use super::toll::Toll;
use super::watch::Watch;

const RATES: [u64; 3] = [50_000, 30_000, 10_000];
const FOUNDERS: usize = 3;
const DECISION_WAIT: Duration = Duration::from_secs(5);
const SPREAD: Duration = Duration::from_secs(3);
/// Between two changes.
const CALM: Duration = Duration::from_secs(2);
const SETTLE: Duration = Duration::from_secs(15);

/// What tells of trouble.
const LATE: &str = "tailsieve_buffer_late_spans_total";
const HELD: &str = "tailsieve_cluster_spans_held_total";
const HANDED_OVER: &str = "tailsieve_cluster_traces_handed_over_total";
const FAILED: &str = "tailsieve_exporter_spans_failed_total";

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("rolling", "3, 4, each of them restarted, 3 replicas");
    for rate in RATES {
        at_rate(lab, rate)?;
    }
    Ok(())
}

fn at_rate(lab: &mut Lab, rate: u64) -> anyhow::Result<()> {
    let sink = Sink::start(lab)?;
    let plan = Plan {
        founders: FOUNDERS,
        places: FOUNDERS + 1,
        decision_wait: DECISION_WAIT,
        policies: Policies::Three,
        backend: sink.grpc,
    };
    let mut replicas = Replicas::found(lab, plan)?;
    let sent = lab.folder.join("sent.jsonl");
    let load = Load {
        spans_per_second: rate,
        connections: 2,
        error_percent: 20,
        slow_percent: 0,
        spread: SPREAD,
        patience: Duration::from_secs(120),
        ledger: Some(sent.clone()),
        ..Load::default()
    };
    let begin = lab.clock.now();
    let load = load.start_on(lab, ALL_CORES, &replicas.endpoints())?;
    let watch = Watch::start(replicas.admins(), &[LATE, HELD, HANDED_OVER, FAILED]);
    std::thread::sleep(SPREAD + DECISION_WAIT);
    play(lab, &mut replicas)?;
    let load_s = lab.clock.now().since(begin).as_secs_f64();
    let summary = load::end(load)?;
    lab.write("load.json", &summary)?;
    let seen = Seen::in_summary(&summary)?;
    std::thread::sleep(DECISION_WAIT + SETTLE);
    let counted = watch.end()?;
    let counted = |name: &str| counted.get(name).copied().unwrap_or_default();
    replicas.end()?;
    let toll = Toll::of(&sent, &sink.end()?)?;
    let row = Row::new(format!("{rate}/s"))
        .with("load_s", load_s)
        .with("spans_acknowledged", seen.spans_acknowledged as f64)
        .with(
            "spans_not_acknowledged",
            (seen.spans_sent - seen.spans_acknowledged) as f64,
        )
        .with("error_traces", toll.errors as f64)
        .with("lost", toll.lost as f64)
        .with("split", (toll.split + toll.others_split) as f64)
        .with("doubled", toll.doubled as f64)
        .with("spans_lost", toll.spans_lost as f64)
        .with("spans_doubled", toll.spans_doubled as f64)
        .with("ack_p99_ms", seen.ack_p99_ms)
        .with("longest_ack_s", seen.ack_max_ms / 1e3)
        .with("late_spans", counted(LATE))
        .with("spans_held_back", counted(HELD))
        .with("traces_handed_over", counted(HANDED_OVER))
        .with("spans_failed", counted(FAILED));
    lab.report.add("rolling", &row)?;
    anyhow::ensure!(
        toll.lost + toll.split + toll.others_split + toll.doubled == 0,
        "not clean; books and logs are in {}",
        lab.folder.display()
    );
    Ok(())
}

/// Each change when all is in the right hands after the one before.
fn play(lab: &Lab, replicas: &mut Replicas) -> anyhow::Result<()> {
    replicas.launch(lab, FOUNDERS)?;
    settle(replicas)?;
    for number in 0..=FOUNDERS {
        replicas.stop(number)?;
        replicas.launch(lab, number)?;
        settle(replicas)?;
    }
    replicas.stop(FOUNDERS)?;
    settle(replicas)
}

fn settle(replicas: &Replicas) -> anyhow::Result<()> {
    replicas.wait_until_balanced()?;
    std::thread::sleep(CALM);
    Ok(())
}
