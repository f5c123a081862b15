//! Every metric: its name, its labels, its description. The only file that spells a metric's name.
//!
//! Each replica has a [`Registry`] of its own. Stages get structs of handles that are resolved once, at start, so that
//! counting is an atomic addition, done per batch and not per span. Names are `tailsieve_<stage>_<noun>_<unit>`.

mod buffer;
mod cluster;
mod cluster_peer;
mod exporter;
pub mod names;
mod plugins;
mod policies;
mod receiver;
mod router;

use std::collections::HashSet;
use std::sync::Arc;

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use parking_lot::Mutex;

pub use buffer::{BufferMetrics, DecidedMetrics, PolicyMetrics, SamplerMetrics, TIMED_EVERY};
pub use cluster::{ClusterMetrics, GossipMetrics};
pub use cluster_peer::{ForwardMetrics, PeerMetrics, RefusedPeers};
pub use exporter::ExporterMetrics;
pub use plugins::{PluginLabels, PluginMetrics};
pub use policies::PoliciesMetrics;
pub use receiver::{ReceiverMetrics, RefusedRequests, TransportMetrics};
pub use router::RouterMetrics;

/// Bucket bounds of every histogram, in seconds: 100 µs to 30 s.
const SECONDS_BUCKETS: [f64; 14] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0,
];

/// Bucket bounds of the time that a slot takes to change hands, in seconds.
const RELEASE_SECONDS_BUCKETS: [f64; 9] = [0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];

/// Metrics of one replica.
#[derive(Clone)]
pub struct Registry {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    policy_labels: Arc<Mutex<HashSet<String>>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
            .and_then(|builder| {
                // It takes a window, which may be minutes.
                let release = Matcher::Full("tailsieve_cluster_release_seconds".to_owned());
                builder.set_buckets_for_metric(release, &RELEASE_SECONDS_BUCKETS)
            })
            .and_then(|builder| {
                let call = Matcher::Full(plugins::CALL_SECONDS.to_owned());
                builder.set_buckets_for_metric(call, &plugins::CALL_SECONDS_BUCKETS)
            })
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        Self {
            handle: recorder.handle(),
            recorder: Arc::new(recorder),
            policy_labels: Arc::default(),
        }
    }

    /// The Prometheus text exposition of all metrics.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves what histograms have recorded into their buckets; call it every few seconds so that they stay bounded.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn counter(
        &self,
        name: &'static str,
        about: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Counter {
        self.recorder.describe_counter(
            KeyName::from_const_str(name),
            Some(Unit::Count),
            about.into(),
        );
        self.recorder
            .register_counter(&key(name, labels), &METADATA)
    }

    fn gauge(
        &self,
        name: &'static str,
        about: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Gauge {
        self.recorder
            .describe_gauge(KeyName::from_const_str(name), None, about.into());
        self.recorder.register_gauge(&key(name, labels), &METADATA)
    }

    fn histogram(
        &self,
        name: &'static str,
        about: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Histogram {
        self.recorder.describe_histogram(
            KeyName::from_const_str(name),
            Some(Unit::Seconds),
            about.into(),
        );
        self.recorder
            .register_histogram(&key(name, labels), &METADATA)
    }
}

const METADATA: Metadata<'static> = Metadata::new("tailsieve", Level::INFO, Some("tailsieve"));

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect();
    Key::from_parts(name, labels)
}

#[cfg(test)]
mod tests;
