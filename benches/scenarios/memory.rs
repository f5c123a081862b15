//! Resident bytes with a million spans held: while filling, over three windows, and after the load has ended.
//!
//! Divided by the encoded bytes of the spans held at that moment; once as the whole process has it, once without what it
//! had before the load.

use std::time::Duration;

use super::lab::{ALL_CORES, Lab};
use super::load::{Load, Seen};
use super::process::Resident;
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(20);
const SPANS_PER_SECOND: u64 = 50_000;
const WINDOWS: u32 = 3;
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What was seen at one moment.
#[derive(Clone, Copy)]
struct Look {
    spans_held: f64,
    resident: Resident,
}

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("memory", "1,000,000 spans held, 50,000/s, window of 20 s");
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: ALL_CORES,
        shards: 0,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies: Policies::Three,
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    let idle = replica.process.resident()?;
    let load = Load {
        spans_per_second: SPANS_PER_SECOND,
        ..Load::default()
    };
    let load = load.start(lab, replica.grpc)?;
    let filling = looks(&replica, DECISION_WAIT.mul_f64(0.95))?;
    let steady = looks(&replica, DECISION_WAIT * WINDOWS)?;
    let seen = Seen::at_end_of(load)?;
    let after = looks(&replica, DECISION_WAIT.mul_f64(1.05))?;
    let later = looks(&replica, DECISION_WAIT)?;

    let worst = |looks: &[Look]| {
        let by_ratio = |a: &&Look, b: &&Look| a.ratio(&seen).total_cmp(&b.ratio(&seen));
        looks.iter().max_by(by_ratio).copied()
    };
    let cases = [
        ("filled once", filling.last().copied()),
        (
            "steady, worst moment",
            worst(steady.get(steady.len() / 3..).unwrap_or_default()),
        ),
        ("steady, last moment", steady.last().copied()),
    ];
    for (case, look) in cases {
        let Some(look) = look else { continue };
        let row = look
            .row(case)
            .with("resident_per_wire_byte", look.ratio(&seen))
            .with("without_idle", look.ratio_above(idle, &seen));
        lab.report.add("memory", &row)?;
    }
    let cases = [
        ("a window after the load", after.last().copied()),
        ("two windows after the load", later.last().copied()),
        (
            "idle, before",
            Some(Look {
                spans_held: 0.0,
                resident: idle,
            }),
        ),
    ];
    for (case, look) in cases {
        let Some(look) = look else { continue };
        lab.report.add("memory", &look.row(case))?;
    }
    replica.end()
}

fn looks(replica: &Receiver, time: Duration) -> anyhow::Result<Vec<Look>> {
    let count = (time.as_secs_f64() / LOOK_INTERVAL.as_secs_f64()) as usize;
    let mut looks = Vec::with_capacity(count);
    for _ in 0..count {
        std::thread::sleep(LOOK_INTERVAL);
        looks.push(Look {
            spans_held: replica.scrape()?.sum("tailsieve_buffer_spans"),
            resident: replica.process.resident()?,
        });
    }
    Ok(looks)
}

impl Look {
    fn ratio(&self, seen: &Seen) -> f64 {
        self.resident.bytes() as f64 / (self.spans_held * seen.bytes_per_span).max(1.0)
    }

    fn ratio_above(&self, idle: Resident, seen: &Seen) -> f64 {
        let above = self.resident.bytes().saturating_sub(idle.bytes());
        above as f64 / (self.spans_held * seen.bytes_per_span).max(1.0)
    }

    fn row(&self, case: &str) -> Row {
        Row::new(case)
            .with("spans_held", self.spans_held)
            .with("anonymous_mb", self.resident.anonymous_bytes as f64 / 1e6)
            .with("file_mb", self.resident.file_bytes as f64 / 1e6)
    }
}
