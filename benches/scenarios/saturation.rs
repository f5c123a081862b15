//! Cost per span when one core does all it can: a closed loop over four connections with four requests under way each.
//!
//! A figure is of saturation only where the core was busy: see `busy_percent`.

use std::time::Duration;

use super::lab::{Lab, SERVER_CORES};
use super::load::{Load, Seen};
use super::receiver::{Receiver, ReplicaSettings};
use super::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(6);
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
        };
        let replica = Receiver::replica(lab, settings, &backend)?;
        measure(lab, &replica, is_gzip, &format!("{encoding}, tailsieve"))?;
        replica.end()?;
    }
    Ok(())
}

fn measure(lab: &mut Lab, receiver: &Receiver, is_gzip: bool, case: &str) -> anyhow::Result<()> {
    let load = Load {
        is_gzip,
        ..Load::default()
    };
    let load = load.start(lab, receiver.grpc)?;
    let stretch = lab.measure(receiver, WARM_UP, MEASURED)?;
    Seen::at_end_of(load)?;
    let row = Row::new(case)
        .with("cpu_ns_per_span", stretch.cpu_ns_per_span())
        .with("spans_per_s", stretch.spans_per_second())
        .with("busy_percent", stretch.utilisation_percent())
        .with_threads(&stretch.cpu, stretch.spans);
    lab.report.add("saturation", &row)
}
