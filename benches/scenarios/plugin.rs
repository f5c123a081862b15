//! What a plugin in Rust (`plugins/slo-burn`) costs the whole replica: CPU time per span with the three policies alone,
//! and with it among them, at the saturation of one core; and what many plugins take on eight shards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::lab::{ALL_CORES, Lab, SERVER_CORES, target};
use super::load::{Load, Seen};
use super::receiver::{DECISION_CACHE, Policies, Receiver, ReplicaSettings};
use super::report::Row;

/// Runs of each case, with and without it in turn; the median of each counts.
const RUNS: usize = 3;
const DECISION_WAIT: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
const MANY: usize = 20;
const SHARDS: usize = 8;

pub(crate) fn run(lab: &mut Lab) -> anyhow::Result<()> {
    build()?;
    lab.report
        .title("plugin", "a plugin beside the three policies, one core");
    for spans_per_trace in [20, 5] {
        let mut without = Vec::new();
        let mut with = Vec::new();
        for _ in 0..RUNS {
            without.push(cpu_ns_per_span(lab, Policies::Three, spans_per_trace)?);
            with.push(cpu_ns_per_span(lab, Policies::Plugins(1), spans_per_trace)?);
        }
        let (without, with) = (median(without), median(with));
        let row = Row::new(format!("traces of {spans_per_trace} spans"))
            .with("without_ns_per_span", without)
            .with("with_ns_per_span", with)
            .with("throughput_less_percent", (1.0 - without / with) * 100.0);
        lab.report.add("plugin", &row)?;
    }
    lab.report
        .title("plugins-memory", "plugins on eight shards, every one used");
    for count in [0, 1, MANY] {
        memory(lab, count)?;
    }
    Ok(())
}

/// Where [`build`] puts the module.
pub(crate) fn module() -> PathBuf {
    folder().join("wasm32-unknown-unknown/release/slo_burn.wasm")
}

fn folder() -> PathBuf {
    target().join("plugins")
}

fn build() -> anyhow::Result<()> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/slo-burn");
    let status = Command::new("cargo")
        // Its own `.cargo/config.toml` names the linker that makes components.
        .current_dir(project)
        .args(["build", "--release", "--target", "wasm32-unknown-unknown"])
        .arg("--target-dir")
        .arg(folder())
        .status()
        .context("starting cargo")?;
    anyhow::ensure!(status.success(), "building the plugin: {status}");
    Ok(())
}

fn cpu_ns_per_span(lab: &Lab, policies: Policies, spans_per_trace: u32) -> anyhow::Result<f64> {
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: SERVER_CORES,
        shards: 1,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies,
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    let load = Load {
        spans_per_trace,
        ..Load::default()
    };
    let running = load.start(lab, replica.grpc)?;
    let stretch = lab.measure(&replica, DECISION_WAIT * 2, MEASURED)?;
    Seen::at_end_of(running)?;
    replica.end()?;
    Ok(stretch.cpu_ns_per_span())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn memory(lab: &mut Lab, count: usize) -> anyhow::Result<()> {
    let backend = Receiver::backend(lab)?;
    let settings = ReplicaSettings {
        cores: ALL_CORES,
        shards: SHARDS,
        decision_wait: DECISION_WAIT,
        decision_cache: DECISION_CACHE,
        policies: Policies::Plugins(count),
    };
    let replica = Receiver::replica(lab, settings, &backend)?;
    let load = Load {
        spans_per_second: 5_000,
        spans_per_trace: 5,
        ..Load::default()
    };
    let running = load.start(lab, replica.grpc)?;
    std::thread::sleep(DECISION_WAIT * 3);
    let resident = replica.process.resident()?;
    let of_guests = replica.scrape()?.sum("tailsieve_plugin_memory_bytes");
    Seen::at_end_of(running)?;
    replica.end()?;
    let row = Row::new(format!("plugins: {count}"))
        .with("instances", (count * SHARDS) as f64)
        .with("anonymous_mb", resident.anonymous_bytes as f64 / 1e6)
        .with("file_mb", resident.file_bytes as f64 / 1e6)
        .with("memory_of_guests_mb", of_guests / 1e6);
    lab.report.add("plugins-memory", &row)
}
