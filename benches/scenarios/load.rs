//! The load: `tailsieve generate` on the load's cores, and what it says at its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::lab::{LOAD_CORES, Lab, SPAN_BYTES};
use super::process::Process;

/// Requests of 100 spans, 20 traces each, unless told otherwise. It goes on until it is ended.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// 0 is a closed loop.
    pub(crate) spans_per_second: u64,
    pub(crate) connections: u16,
    pub(crate) is_gzip: bool,
    pub(crate) spans_per_trace: u32,
    pub(crate) services: u32,
    pub(crate) traces_per_request: u32,
    pub(crate) error_percent: u32,
    pub(crate) slow_percent: u32,
    /// From a trace's first request to its last.
    pub(crate) spread: Duration,
    /// How long refused or unanswered requests are sent again.
    pub(crate) patience: Duration,
    /// Where to write what was sent, by trace.
    pub(crate) ledger: Option<PathBuf>,
}

/// What the load saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) spans_sent: u64,
    pub(crate) spans_acknowledged: u64,
    pub(crate) ack_p50_ms: f64,
    pub(crate) ack_p99_ms: f64,
    /// From the moment at which the request was meant to go out: attempts before the one that succeeded count.
    pub(crate) ack_max_ms: f64,
    pub(crate) bytes_per_span: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            spans_per_second: 0,
            connections: 4,
            is_gzip: false,
            spans_per_trace: 25,
            services: 5,
            traces_per_request: 20,
            error_percent: 1,
            slow_percent: 1,
            spread: Duration::from_secs(1),
            patience: Duration::from_secs(30),
            ledger: None,
        }
    }
}

impl Load {
    pub(crate) fn start(&self, lab: &Lab, endpoint: SocketAddr) -> anyhow::Result<Process> {
        self.start_on(lab, LOAD_CORES, &[endpoint])
    }

    /// Starts it on `cores`; several endpoints take turns, a second attempt goes to the next.
    pub(crate) fn start_on(
        &self,
        lab: &Lab,
        cores: &str,
        endpoints: &[SocketAddr],
    ) -> anyhow::Result<Process> {
        let mut arguments = vec!["generate".to_owned(), "--json".to_owned()];
        let mut set = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
        for endpoint in endpoints {
            set("endpoint", format!("http://{endpoint}"));
        }
        set("rate", self.spans_per_second.to_string());
        set("connections", self.connections.to_string());
        set(
            "compression",
            if self.is_gzip { "gzip" } else { "none" }.to_owned(),
        );
        set("spans-per-trace", self.spans_per_trace.to_string());
        set("services", self.services.to_string());
        set("traces-per-request", self.traces_per_request.to_string());
        set("span-bytes", SPAN_BYTES.to_string());
        set("error-rate", format!("{}%", self.error_percent));
        set("slow-rate", format!("{}%", self.slow_percent));
        set("spread", format!("{}ms", self.spread.as_millis()));
        set("retry", format!("{}ms", self.patience.as_millis()));
        if let Some(ledger) = &self.ledger {
            set("ledger", ledger.display().to_string());
        }
        Process::start(cores, &lab.tailsieve, &arguments, None)
    }
}

impl Seen {
    /// Ends the load and reads its summary.
    pub(crate) fn at_end_of(load: Process) -> anyhow::Result<Self> {
        Self::in_summary(&end(load)?)
    }

    /// Reads a summary.
    pub(crate) fn in_summary(summary: &str) -> anyhow::Result<Self> {
        let summary: Value = serde_json::from_str(summary)?;
        let number = |path: &str| summary.pointer(path).and_then(Value::as_f64).unwrap_or(0.0);
        let sent = number("/spans/sent");
        Ok(Self {
            spans_sent: sent as u64,
            spans_acknowledged: number("/spans/acknowledged") as u64,
            ack_p50_ms: number("/latency_ms/answer/p50"),
            ack_p99_ms: number("/latency_ms/answer/p99"),
            ack_max_ms: number("/latency_ms/intended/max"),
            bytes_per_span: number("/body_bytes") / sent.max(1.0),
        })
    }
}

/// Ends the load; its summary, as JSON.
pub(crate) fn end(load: Process) -> anyhow::Result<String> {
    let (_, output) = load.end()?;
    let line = output.lines().last().context("the load said nothing")?;
    Ok(line.to_owned())
}
