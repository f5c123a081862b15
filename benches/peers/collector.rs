//! The stock OpenTelemetry Collector: built once from Go modules by its own builder, started with the same policies.
//!
//! The build is in `target/peers/collector`; it needs Go and takes minutes the first time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::lab::{Lab, target};
use crate::process::{Process, free_address};
use crate::receiver::{Policies, Receiver, argument, policies};

const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.156.0";

/// What goes in, at the versions that contrib's v0.156.0 names in its `go.mod`; the load-balancing exporter is the last
/// that builds. What is replaced is what its tests want, which nobody has at that version any more.
const MANIFEST: &str = "\
dist:
  name: otelcol-peer
  output_path: ./build
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.156.0
processors:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor v0.156.0
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.156.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/loadbalancingexporter v0.150.0
replaces:
  - go.opentelemetry.io/collector/otelcol/otelcoltest v0.150.0 => go.opentelemetry.io/collector/otelcol/otelcoltest v0.156.0
";

/// The counter of spans taken.
pub(crate) const SPANS_METRIC: &str = "otelcol_receiver_accepted_spans";

/// How many traces it may hold: beyond its default of 50,000 it would drop some.
const TRACES_MAX: u64 = 2_000_000;

/// Where one listens, and what its files are called.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// The collector's binary, built if it is not there or was made of other parts.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let folder = target().join("peers/collector");
    let binary = folder.join("build/otelcol-peer");
    let manifest = folder.join("builder.yaml");
    let is_of_these = std::fs::read_to_string(&manifest).is_ok_and(|parts| parts == MANIFEST);
    if is_of_these && binary.exists() {
        return Ok(binary);
    }
    if binary.exists() {
        std::fs::remove_file(&binary)?;
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&manifest, MANIFEST)?;
    println!("building the collector in {} (minutes)", folder.display());
    let bin = folder.join("bin");
    let mut install = Command::new("go");
    run(install.args(["install", BUILDER]).env("GOBIN", &bin))?;
    let mut build = Command::new(bin.join("builder"));
    run(build
        .args(["--config", "builder.yaml"])
        .current_dir(&folder)
        .env("CGO_ENABLED", "0"))?;
    Ok(binary)
}

/// Starts one that samples on `cores`, exporting to `backend`.
pub(crate) fn start(
    lab: &Lab,
    binary: &Path,
    place: &Place,
    cores: &str,
    decides: Policies,
    decision_wait: Duration,
    backend: SocketAddr,
) -> anyhow::Result<Receiver> {
    let policies = policies(decides, decision_wait).replace('\n', "\n    ");
    let config = format!(
        "receivers:
  otlp:
    protocols:
      grpc: {{endpoint: {grpc}}}
processors:
  tail_sampling:
    num_traces: {TRACES_MAX}
    {policies}
exporters:
  otlp_grpc:
    endpoint: {backend}
    tls: {{insecure: true}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [tail_sampling], exporters: [otlp_grpc]}}
{telemetry}",
        grpc = place.grpc,
        telemetry = place.telemetry(),
    );
    let config = lab.write(&format!("{}.yaml", place.name), &config)?;
    let log = lab.folder.join(format!("{}.log", place.name));
    let process = Process::start(cores, binary, &[argument("config", &config)], Some(&log))?;
    Receiver::ready(process, place.grpc, place.admin, SPANS_METRIC)
}

impl Place {
    /// One alone, anywhere.
    pub(crate) fn free() -> anyhow::Result<Self> {
        Ok(Self {
            name: "collector".to_owned(),
            grpc: free_address()?,
            admin: free_address()?,
        })
    }

    /// The part of the configuration, within `service`, that opens the admin port.
    pub(super) fn telemetry(&self) -> String {
        format!(
            "  telemetry:
    metrics:
      readers:
        - pull: {{exporter: {{prometheus: {{host: {host}, port: {port}}}}}}}
",
            host = self.admin.ip(),
            port = self.admin.port(),
        )
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{command:?} (is Go installed?)"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
