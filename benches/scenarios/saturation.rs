//! Cost per span when one core does all it can: a closed loop over four connections with four requests under way each.
//!
//! A figure is of saturation only where the core was busy (`busy_percent`), and of normal work only where hardly a span
//! was late or a duplicate (`odd_percent`): requests come again in rounds.

use std::time::Duration;

use super::lab::{Lab, SERVER_CORES};
use super::receiver::{Policies, Receiver, ReplicaSettings};
use super::replay;
use super::report::Row;

/// Shorter than a round of requests.
const DECISION_WAIT: Duration = Duration::from_secs(1);
/// 25,000 decisions: a round has 80,000 traces.
const DECISION_CACHE: &str = "500KB";
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(10);

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report.title("saturation", "one core, closed loop");
    for is_gzip in [false, true] {
        let encoding = if is_gzip { "gzip" } else { "plain" };
        let bare = Receiver::bare(lab, SERVER_CORES, "bare")?;
        measure(lab, &bare, is_gzip, &format!("{encoding}, bare receiver"))?;
        bare.end()?;
        let backend = Receiver::backend(lab)?;
        let settings = ReplicaSettings {
            cores: SERVER_CORES,
            shards: 1,
            decision_wait: DECISION_WAIT,
            decision_cache: DECISION_CACHE,
            policies: Policies::Three,
        };
        let replica = Receiver::replica(lab, settings, &backend)?;
        measure(lab, &replica, is_gzip, &format!("{encoding}, tailsieve"))?;
        replica.end()?;
    }
    Ok(())
}

fn measure(lab: &mut Lab, receiver: &Receiver, is_gzip: bool, case: &str) -> anyhow::Result<()> {
    let load = replay::start(lab, receiver.grpc, is_gzip)?;
    wait_for_spans(receiver)?;
    let odd_before = odd_spans(receiver)?;
    let stretch = lab.measure(receiver, WARM_UP, MEASURED)?;
    let odd = odd_spans(receiver)? - odd_before;
    drop(load);
    let row = Row::new(case)
        .with("cpu_ns_per_span", stretch.cpu_ns_per_span())
        .with("spans_per_s", stretch.spans_per_second())
        .with("busy_percent", stretch.utilisation_percent())
        .with("odd_percent", odd / stretch.spans.max(1) as f64 * 100.0)
        .with_threads(&stretch.cpu, stretch.spans);
    lab.report.add("saturation", &row)
}

fn wait_for_spans(receiver: &Receiver) -> anyhow::Result<()> {
    const LOOKS_PER_SECOND: u32 = 5;
    for _ in 0..replay::PREPARATION.as_secs() as u32 * LOOKS_PER_SECOND {
        if receiver.spans_received()? > 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1) / LOOKS_PER_SECOND);
    }
    anyhow::bail!("the load sends nothing")
}

/// Spans that came late or again; 0 for a receiver that knows nothing of that.
fn odd_spans(receiver: &Receiver) -> anyhow::Result<f64> {
    let scrape = receiver.scrape()?;
    Ok(scrape.sum("tailsieve_buffer_late_spans_total")
        + scrape.sum("tailsieve_buffer_spans_deduplicated_total"))
}
