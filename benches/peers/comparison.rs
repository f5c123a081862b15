//! Tailsieve and its peers under the same load, with the same policies, on the same cores, one after the other.
//!
//! Lost are spans of traces that the policies must keep (an error, or longer than a second), that were acknowledged, and
//! that the backend did not get within a window and ten seconds of the end of the load.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tailsieve::tools::generate::ledger::Entry;

use super::collector::{self, Place};
use crate::lab::{Lab, SERVER_CORES, Stretch};
use crate::load::{Load, Seen};
use crate::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use crate::report::Row;
use crate::scrape;

const DECISION_WAIT: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_secs(10);

/// The load: name, and spans per second (0 is a closed loop).
const LOADS: [(&str, u64); 3] = [("saturation", 0), ("20000/s", 20_000), ("50000/s", 50_000)];

/// What is told about one of them.
struct Outcome {
    stretch: Stretch,
    seen: Seen,
    /// What is resident beyond what was before the load, by the encoded bytes that came within a window.
    resident_per_buffered_byte: f64,
    spans_lost: u64,
}

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    let binary = collector::build()?;
    lab.report
        .title("peers", "one core, the same load, policies and cores");
    for (name, rate) in LOADS {
        for is_gzip in [false, true] {
            let load = Load {
                spans_per_second: rate,
                is_gzip,
                ledger: Some(lab.folder.join("sent.jsonl")),
                ..Load::default()
            };
            let case = format!("{name}, {}", if is_gzip { "gzip" } else { "plain" });
            let backend = Receiver::backend(lab)?;
            let peer = collector::start(
                lab,
                &binary,
                &Place::free()?,
                SERVER_CORES,
                Policies::Three,
                DECISION_WAIT,
                backend.grpc,
            )?;
            let theirs = outcome(lab, peer, backend, &load)?;
            let backend = Receiver::backend(lab)?;
            let settings = ReplicaSettings {
                cores: SERVER_CORES,
                shards: 1,
                decision_wait: DECISION_WAIT,
                decision_cache: DECISION_CACHE,
                policies: Policies::Three,
            };
            let replica = Receiver::replica(lab, settings, &backend)?;
            let ours = outcome(lab, replica, backend, &load)?;
            lab.report
                .add("peers", &row(&format!("{case}, collector"), &theirs))?;
            lab.report
                .add("peers", &row(&format!("{case}, tailsieve"), &ours))?;
            lab.report
                .add("peer_ratios", &ratios(&case, &theirs, &ours))?;
        }
    }
    Ok(())
}

fn outcome(
    lab: &Lab,
    receiver: Receiver,
    backend: Receiver,
    load: &Load,
) -> anyhow::Result<Outcome> {
    scrape::get(backend.admin, "/traces")?;
    let idle_bytes = receiver.process.resident()?.bytes();
    let running = load.start(lab, receiver.grpc)?;
    let stretch = lab.measure(&receiver, DECISION_WAIT * 2, MEASURED)?;
    let resident_bytes = receiver.process.resident()?.bytes();
    let seen = Seen::at_end_of(running)?;
    let buffered_spans = stretch.spans_per_second() * DECISION_WAIT.as_secs_f64();
    std::thread::sleep(DECISION_WAIT + SETTLE);
    let ledger = load.ledger.as_deref().context("no ledger")?;
    let outcome = Outcome {
        resident_per_buffered_byte: resident_bytes.saturating_sub(idle_bytes) as f64
            / (buffered_spans * crate::lab::SPAN_BYTES as f64),
        spans_lost: spans_lost(ledger, &backend)?,
        stretch,
        seen,
    };
    receiver.end()?;
    Ok(outcome)
}

fn spans_lost(ledger: &Path, backend: &Receiver) -> anyhow::Result<u64> {
    let arrived = scrape::get(backend.admin, "/traces")?;
    let arrived: HashMap<&str, u64> = arrived
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(trace_id, spans)| Some((trace_id, spans.parse().ok()?)))
        .collect();
    let mut lost = 0;
    for line in std::fs::read_to_string(ledger)?.lines() {
        let sent: Entry = serde_json::from_str(line)?;
        if sent.error || sent.slow {
            let came = arrived.get(sent.trace_id.as_str()).copied().unwrap_or(0);
            lost += sent.spans_acknowledged.saturating_sub(came);
        }
    }
    Ok(lost)
}

fn row(case: &str, outcome: &Outcome) -> Row {
    Row::new(case)
        .with("cpu_ns_per_span", outcome.stretch.cpu_ns_per_span())
        .with("spans_per_s", outcome.stretch.spans_per_second())
        .with("busy_percent", outcome.stretch.utilisation_percent())
        .with(
            "resident_per_buffered_byte",
            outcome.resident_per_buffered_byte,
        )
        .with("ack_p99_ms", outcome.seen.ack_p99_ms)
        .with("spans_lost", outcome.spans_lost as f64)
}

fn ratios(case: &str, theirs: &Outcome, ours: &Outcome) -> Row {
    let times = |theirs: f64, ours: f64| theirs / ours.max(f64::MIN_POSITIVE);
    Row::new(format!("{case}: collector / tailsieve"))
        .with(
            "cpu_ns_per_span",
            times(
                theirs.stretch.cpu_ns_per_span(),
                ours.stretch.cpu_ns_per_span(),
            ),
        )
        .with(
            "resident_per_buffered_byte",
            times(
                theirs.resident_per_buffered_byte,
                ours.resident_per_buffered_byte,
            ),
        )
        .with(
            "ack_p99_ms",
            times(theirs.seen.ack_p99_ms, ours.seen.ack_p99_ms),
        )
}
