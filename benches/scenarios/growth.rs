//! Whether a span costs more when more traces are live: the same rate with windows of different length.

use std::time::Duration;

use super::lab::{Lab, SERVER_CORES};
use super::load::{Load, Seen};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;

const SPANS_PER_SECOND: u64 = 50_000;
const SPANS_PER_TRACE: u32 = 5;
const MEASURED: Duration = Duration::from_secs(15);

/// Windows that hold 1,000, 100,000 and 1,000,000 traces.
const DECISION_WAITS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_secs(10),
    Duration::from_secs(100),
];

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("growth", "50,000 spans/s, 5 spans a trace, one core");
    let mut smallest = None;
    for decision_wait in DECISION_WAITS {
        let backend = Receiver::backend(lab)?;
        let settings = ReplicaSettings {
            cores: SERVER_CORES,
            shards: 1,
            decision_wait,
            decision_cache: DECISION_CACHE,
            policies: Policies::Three,
        };
        let replica = Receiver::replica(lab, settings, &backend)?;
        let load = Load {
            spans_per_second: SPANS_PER_SECOND,
            spans_per_trace: SPANS_PER_TRACE,
            services: 1,
            ..Load::default()
        };
        let load = load.start(lab, replica.grpc)?;
        let warm_up = decision_wait + Duration::from_secs(5);
        let stretch = lab.measure(&replica, warm_up, MEASURED)?;
        let traces = replica.scrape()?.sum("tailsieve_buffer_traces");
        Seen::at_end_of(load)?;
        let cost = stretch.cpu_ns_per_span();
        let row = Row::new(format!("window of {decision_wait:?}"))
            .with("traces_live", traces)
            .with("cpu_ns_per_span", cost)
            .with("above_smallest_ns", cost - *smallest.get_or_insert(cost))
            .with_threads(&stretch.cpu, stretch.spans);
        lab.report.add("growth", &row)?;
    }
    Ok(())
}
