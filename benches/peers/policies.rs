//! What ten more policies cost, here and in the collector: CPU time per trace at the saturation of one core.

use std::time::Duration;

use super::collector::{self, Place};
use crate::lab::{Lab, SERVER_CORES};
use crate::load::{Load, Seen};
use crate::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use crate::report::Row;

const DECISION_WAIT: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(10);
const SPANS_A_TRACE: u32 = 20;

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    let binary = collector::build()?;
    lab.report
        .title("policies", "thirteen policies against three, one core");
    for is_collector in [true, false] {
        let name = if is_collector {
            "collector"
        } else {
            "tailsieve"
        };
        let mut cpu_ns_per_trace = Vec::new();
        for decides in [Policies::Three, Policies::Thirteen] {
            let backend = Receiver::backend(lab)?;
            let receiver = if is_collector {
                collector::start(
                    lab,
                    &binary,
                    &Place::free()?,
                    SERVER_CORES,
                    decides,
                    DECISION_WAIT,
                    backend.grpc,
                )?
            } else {
                let settings = ReplicaSettings {
                    cores: SERVER_CORES,
                    shards: 1,
                    decision_wait: DECISION_WAIT,
                    decision_cache: DECISION_CACHE,
                    policies: decides,
                };
                Receiver::replica(lab, settings, &backend)?
            };
            let load = Load {
                spans_per_trace: SPANS_A_TRACE,
                ..Load::default()
            };
            let running = load.start(lab, receiver.grpc)?;
            let stretch = lab.measure(&receiver, DECISION_WAIT * 2, MEASURED)?;
            Seen::at_end_of(running)?;
            receiver.end()?;
            cpu_ns_per_trace.push(stretch.cpu_ns_per_span() * f64::from(SPANS_A_TRACE));
        }
        if let [three, thirteen] = cpu_ns_per_trace.as_slice() {
            let row = Row::new(name)
                .with("three_policies_ns_per_trace", *three)
                .with("thirteen_policies_ns_per_trace", *thirteen)
                .with("ten_more_ns_per_trace", thirteen - three);
            lab.report.add("policies", &row)?;
        }
    }
    Ok(())
}
