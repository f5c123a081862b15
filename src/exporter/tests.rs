//! The exporter as a whole: in virtual time with a scripted destination, and over real connections.

mod delivery;
mod outage;
mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::config::{FileConfig, OtlpConfig, Overflow};
use super::*;
use crate::memory::Budget;
use crate::metrics::Registry;

/// What surrounds an exporter under test.
struct Rig {
    registry: Registry,
    budget: Budget,
    wakes: Arc<AtomicUsize>,
}

impl Rig {
    fn new() -> Self {
        Self {
            registry: Registry::new(),
            budget: Budget::new(1 << 20),
            wakes: Arc::default(),
        }
    }

    fn context(&self) -> ExporterContext {
        let wakes = Arc::clone(&self.wakes);
        ExporterContext {
            clock: Clock::manual(),
            metrics: self.registry.exporter("otlp"),
            on_room: Arc::new(move || {
                wakes.fetch_add(1, Ordering::Relaxed);
            }),
            encode_json: |body| Ok(body.to_vec()),
        }
    }

    fn start(&self, destination: Destination, queue: QueueConfig) -> Exporter {
        let config = ExporterConfig {
            name: "otlp".to_owned(),
            destination,
            queue,
        };
        Exporter::start(config, self.context(), &Handle::current()).unwrap()
    }

    fn batch(&self, spans: u64, text: &str) -> ExportBatch {
        test_backend::batch(&self.budget, spans, text)
    }

    /// The value of a metric, labels included in its name.
    fn metric(&self, series: &str) -> Option<u64> {
        let rendered = self.registry.render();
        let mut lines = rendered.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.parse().ok()
    }

    fn failed(&self, reason: &str) -> Option<u64> {
        let labels = format!("{{exporter=\"otlp\",reason=\"{reason}\"}}");
        self.metric(&format!("tailsieve_exporter_spans_failed_total{labels}"))
    }
}

fn queue(num_consumers: usize) -> QueueConfig {
    QueueConfig {
        num_consumers,
        ..QueueConfig::default()
    }
}

const MINUTE: Duration = Duration::from_secs(60);
