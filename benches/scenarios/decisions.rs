//! How late decisions are with 200,000 traces live: by the replica's own histogram, and as the backend sees it.
//!
//! From outside it is the time from the end of a root span to its arrival at the backend, less the window; that holds
//! the way in, the batch's wait for company (200 ms) and the way out besides.

use std::time::Duration;

use super::bare::{ROOT_AGE_MAX_METRIC, ROOT_AGE_P99_METRIC};
use super::lab::{ALL_CORES, Lab};
use super::load::{Load, Seen};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;
use super::scrape;

pub(crate) const LAG_METRIC: &str = "tailsieve_buffer_decision_lag_seconds";

const DECISION_WAIT: Duration = Duration::from_secs(20);
const SPANS_PER_SECOND: u64 = 50_000;
const SPANS_PER_TRACE: u32 = 5;
const MEASURED: Duration = Duration::from_secs(15);

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    lab.report
        .title("decisions", "200,000 traces live, 50,000 spans/s");
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: ALL_CORES,
        shards: 0,
        decision_wait: DECISION_WAIT,
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
    std::thread::sleep(DECISION_WAIT + Duration::from_secs(3));
    scrape::get(backend.admin, "/traces")?;
    let before = replica.scrape()?.buckets(LAG_METRIC);
    std::thread::sleep(MEASURED);
    let after = replica.scrape()?;
    let lags = after.buckets(LAG_METRIC).since(&before);
    let outside = backend.scrape()?;
    let seen = Seen::at_end_of(load)?;
    let wait_ms = DECISION_WAIT.as_millis() as f64;
    let row = Row::new("decision lag")
        .with("traces_live", after.sum("tailsieve_buffer_traces"))
        .with("decided", lags.count())
        .with("p50_ms_at_most", lags.quantile_at_most(0.5) * 1e3)
        .with("p99_ms_at_most", lags.quantile_at_most(0.99) * 1e3)
        .with("max_ms_at_most", lags.quantile_at_most(1.0) * 1e3)
        .with("outside_p99_ms", outside.sum(ROOT_AGE_P99_METRIC) - wait_ms)
        .with("outside_max_ms", outside.sum(ROOT_AGE_MAX_METRIC) - wait_ms)
        .with("ack_p99_ms", seen.ack_p99_ms);
    lab.report.add("decisions", &row)?;
    replica.end()
}
