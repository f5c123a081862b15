//! The stock OpenTelemetry Collector: built once from Go modules by its own builder, started with the same policies.
//!
//! The build is in `target/peers/collector`; it needs Go and takes minutes the first time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::lab::{Lab, target};
use crate::process::{Process, free_address};
use crate::receiver::{Policies, Receiver, argument, policies};

const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.156.0";

/// What goes in, at the versions that contrib's v0.156.0 names in its `go.mod`.
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
";

/// How many traces it may hold: beyond its default of 50,000 it would drop some.
const TRACES_MAX: u64 = 2_000_000;

/// The collector's binary, built if it is not there.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let folder = target().join("peers/collector");
    let binary = folder.join("build/otelcol-peer");
    if binary.exists() {
        return Ok(binary);
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("builder.yaml"), MANIFEST)?;
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

/// Starts it on `cores`, exporting to `backend`.
pub(crate) fn start(
    lab: &Lab,
    binary: &Path,
    cores: &str,
    decides: Policies,
    decision_wait: Duration,
    backend: &Receiver,
) -> anyhow::Result<Receiver> {
    let (grpc, admin) = (free_address()?, free_address()?);
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
  telemetry:
    metrics:
      readers:
        - pull: {{exporter: {{prometheus: {{host: {host}, port: {port}}}}}}}
",
        backend = backend.grpc,
        host = admin.ip(),
        port = admin.port(),
    );
    let config = lab.write("collector.yaml", &config)?;
    let log = lab.folder.join("collector.log");
    let process = Process::start(cores, binary, &[argument("config", &config)], Some(&log))?;
    Receiver::ready(process, grpc, admin, "otelcol_receiver_accepted_spans")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{command:?} (is Go installed?)"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
