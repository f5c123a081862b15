//! Three replicas, and the stock collector's pair of a balancing tier and three samplers, through the same changes: one is
//! killed, one is stopped in order, one is added, in the middle of the same load with the same policies.
//!
//! A trace's five requests are spread over 3 s, windows are 5 s long, clients send again what was refused or not answered
//! within 10 s. Replicas are sent to in turn, also the one that is gone; the pair is sent to at its first tier, which
//! stays. Each case runs three times; a figure is the median of the three. `toll.rs` says what is counted.

use std::path::Path;
use std::time::Duration;

use super::pair::{self, Pair};
use crate::lab::{ALL_CORES, Lab};
use crate::load::{Load, Seen};
use crate::process::Process;
use crate::receiver::Policies;
use crate::replicas::{self, Replicas};
use crate::report::Row;
use crate::sink::Sink;
use crate::toll::Toll;

const RUNS: usize = 3;
const FOUNDERS: u8 = 3;
const DECISION_WAIT: Duration = Duration::from_secs(5);
const SPREAD: Duration = Duration::from_secs(3);
/// From the begin of the load to the change, and to its end.
const CHANGE_AT: Duration = Duration::from_secs(20);
const END_AT: Duration = Duration::from_secs(40);
/// From the last acknowledgement until all is decided and has arrived.
const SETTLE: Duration = Duration::from_secs(15);

/// What happens in mid-run.
#[derive(Debug, Clone, Copy)]
enum Change {
    Kill,
    Stop,
    Add,
}

/// What it happens to.
enum Fleet {
    Replicas(Replicas),
    Pair(Pair),
}

/// What one run showed.
struct Outcome {
    toll: Toll,
    seen: Seen,
}

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report.title(
        "rescale",
        "three replicas, or the collector's pair, lose or gain one",
    );
    for change in [Change::Kill, Change::Stop, Change::Add] {
        for is_pair in [true, false] {
            let mut outcomes = Vec::new();
            for _ in 0..RUNS {
                let outcome = outcome(lab, change, is_pair)?;
                println!("    {change:?}: {:?}, {:?}", outcome.toll, outcome.seen);
                outcomes.push(outcome);
            }
            let name = if is_pair {
                "collector pair"
            } else {
                "tailsieve"
            };
            let row = row(&format!("{}, {name}", change.name()), &outcomes);
            lab.report.add("rescale", &row)?;
        }
    }
    Ok(())
}

fn outcome(lab: &Lab, change: Change, is_pair: bool) -> anyhow::Result<Outcome> {
    let sink = Sink::start(lab)?;
    let mut fleet = Fleet::start(lab, is_pair, &sink)?;
    let sent = lab.folder.join("sent.jsonl");
    let begin = lab.clock.now();
    let load = start_load(lab, &fleet, &sent)?;
    std::thread::sleep(CHANGE_AT);
    fleet.change(lab, change)?;
    std::thread::sleep(END_AT.saturating_sub(lab.clock.now().since(begin)));
    let seen = Seen::at_end_of(load)?;
    std::thread::sleep(DECISION_WAIT + SETTLE);
    fleet.end()?;
    let toll = Toll::of(&sent, &sink.end()?)?;
    Ok(Outcome { toll, seen })
}

fn start_load(lab: &Lab, fleet: &Fleet, sent: &Path) -> anyhow::Result<Process> {
    let load = Load {
        spans_per_second: 5_000,
        error_percent: 10,
        slow_percent: 0,
        spread: SPREAD,
        patience: Duration::from_secs(120),
        ledger: Some(sent.to_owned()),
        ..Load::default()
    };
    let endpoints = match fleet {
        Fleet::Replicas(replicas) => replicas.endpoints(),
        Fleet::Pair(pair) => vec![pair.endpoint()],
    };
    load.start_on(lab, ALL_CORES, &endpoints)
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "one is killed",
            Self::Stop => "one is stopped",
            Self::Add => "one is added",
        }
    }
}

impl Fleet {
    fn start(lab: &Lab, is_pair: bool, sink: &Sink) -> anyhow::Result<Self> {
        if is_pair {
            let plan = pair::Plan {
                samplers: FOUNDERS,
                decision_wait: DECISION_WAIT,
                backend: sink.grpc,
            };
            return Ok(Self::Pair(Pair::start(lab, plan)?));
        }
        let plan = replicas::Plan {
            founders: FOUNDERS.into(),
            places: usize::from(FOUNDERS) + 1,
            decision_wait: DECISION_WAIT,
            policies: Policies::Three,
            backend: sink.grpc,
        };
        Ok(Self::Replicas(Replicas::found(lab, plan)?))
    }

    fn change(&mut self, lab: &Lab, change: Change) -> anyhow::Result<()> {
        // The second of them goes; the one that comes is the fourth.
        match (self, change) {
            (Self::Replicas(replicas), Change::Kill) => replicas.kill(1),
            (Self::Replicas(replicas), Change::Stop) => replicas.stop(1),
            (Self::Replicas(replicas), Change::Add) => replicas.launch(lab, FOUNDERS.into()),
            (Self::Pair(pair), Change::Kill) => pair.kill(1),
            (Self::Pair(pair), Change::Stop) => pair.stop(1),
            (Self::Pair(pair), Change::Add) => pair.add(lab, FOUNDERS),
        }
    }

    fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Replicas(replicas) => replicas.end(),
            Self::Pair(pair) => pair.end(),
        }
    }
}

fn row(case: &str, outcomes: &[Outcome]) -> Row {
    let median = |of: fn(&Outcome) -> f64| {
        let mut all: Vec<f64> = outcomes.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Row::new(case)
        .with("error_traces", median(|it| it.toll.errors as f64))
        .with("lost", median(|it| it.toll.lost as f64))
        .with("split", median(|it| it.toll.split as f64))
        .with("doubled", median(|it| it.toll.doubled as f64))
        .with("spans_lost", median(|it| it.toll.spans_lost as f64))
        .with("spans_doubled", median(|it| it.toll.spans_doubled as f64))
        .with("others_split", median(|it| it.toll.others_split as f64))
        .with("longest_ack_s", median(|it| it.seen.ack_max_ms / 1e3))
        .with(
            "spans_not_acknowledged",
            median(|it| (it.seen.spans_sent - it.seen.spans_acknowledged) as f64),
        )
}
