//! One shard without a process around it, over time moved by hand: for rules that real time would blur.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use parking_lot::Mutex;
use prost::Message;
use tailsieve::accounting::Accounting;
use tailsieve::batch::export::ExportBatch;
use tailsieve::batch::sub_batch::SharedRequest;
use tailsieve::buffer::config::BufferConfig;
use tailsieve::buffer::inbox::{Inbox, inbox};
use tailsieve::buffer::release::Outlet;
use tailsieve::buffer::shard::{ActivePolicies, Pressure, Shard, ShardParts, Turn};
use tailsieve::clock::{Clock, Moment};
use tailsieve::config::policy_file::PolicyFile;
use tailsieve::memory::Budget;
use tailsieve::metrics::Registry;
use tailsieve::otlp::wire::walk_request;
use tailsieve::router::Splitter;
use tailsieve::sampler::policy_set::PolicySet;

use super::spans::by_trace;

/// A shard, its exporter and its time.
pub(crate) struct ShardInHand {
    inbox: Inbox,
    shard: Shard,
    budget: Budget,
    accounting: Arc<Accounting>,
    released: Arc<Mutex<Vec<Bytes>>>,
    now: Moment,
    registry: Registry,
    policies: Vec<String>,
}

/// How often a policy voted so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub(crate) struct Votes {
    pub(crate) sampled: u64,
    pub(crate) not_sampled: u64,
    pub(crate) dropped: u64,
}

struct Collect(Arc<Mutex<Vec<Bytes>>>);

impl Outlet for Collect {
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        self.0.lock().push(batch.body);
        Ok(())
    }
}

impl ShardInHand {
    pub(crate) fn new(file: &PolicyFile) -> Self {
        let registry = Registry::new();
        let budget = Budget::new(1 << 30);
        let accounting = Arc::new(Accounting::default());
        let released = Arc::new(Mutex::default());
        let (inbox, receiver) = inbox(64);
        let set = PolicySet::compile(&file.policies, file.evaluation);
        let policies = set.names().map(str::to_owned).collect();
        let shard = Shard::new(ShardParts {
            number: 0,
            config: BufferConfig {
                decision_cache_bytes: 4 << 20,
                ..BufferConfig::default()
            },
            shards: 1,
            inbox: receiver,
            clock: Clock::manual(),
            policies: Arc::new(ActivePolicies::new(1, set, file.windows, &registry)),
            pressure: Arc::new(Pressure::new(budget.clone())),
            outlets: vec![Box::new(Collect(Arc::clone(&released)))],
            accounting: Arc::clone(&accounting),
            metrics: registry.buffer(0),
            link: None,
        });
        Self {
            inbox,
            shard,
            budget,
            accounting,
            released,
            now: Moment(0),
            registry,
            policies,
        }
    }

    /// Takes a request in, with no time passing.
    pub(crate) fn send(&mut self, protobuf: Vec<u8>) {
        let body = Bytes::from(protobuf);
        let walked = walk_request(&body).unwrap();
        self.accounting.received.add(walked.spans.len() as u64);
        let shared = SharedRequest {
            charge: self.budget.charge(body.len() as u64),
            body,
            scopes: walked.scopes,
            metadata: None,
            origin: None,
        };
        for (_, sub_batch) in Splitter::default().split(shared, &walked.spans, 1) {
            self.inbox.reserve().unwrap().send(sub_batch);
        }
        self.turn();
    }

    /// Moves time on at one stroke.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.turn();
    }

    /// Spans that came out so far, by trace ID in hex.
    pub(crate) fn released(&self) -> BTreeMap<String, usize> {
        let released = self.released.lock();
        let requests = released
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        count_by_trace(&requests.collect::<Vec<_>>())
    }

    /// Votes of the top-level policies.
    pub(crate) fn votes(&self) -> BTreeMap<String, Votes> {
        let samples = self.samples();
        let votes = |policy: &str, vote: &str| {
            let policy = escaped(policy);
            let labels = format!("{{policy=\"{policy}\",vote=\"{vote}\"}}");
            let name = format!("tailsieve_sampler_votes_total{labels}");
            samples.get(&name).copied().unwrap_or_default()
        };
        let policies = self.policies.iter().map(|policy| {
            let votes = Votes {
                sampled: votes(policy, "sampled"),
                not_sampled: votes(policy, "not_sampled"),
                dropped: votes(policy, "dropped"),
            };
            (policy.clone(), votes)
        });
        policies.collect()
    }

    /// Evaluations of top-level policies that failed.
    pub(crate) fn evaluation_errors(&self) -> u64 {
        let samples = self.samples();
        let errors = self.policies.iter().map(|policy| {
            let policy = escaped(policy);
            let name = format!("tailsieve_sampler_evaluation_errors_total{{policy=\"{policy}\"}}");
            samples.get(&name).copied().unwrap_or_default()
        });
        errors.sum()
    }

    /// Traces decided for this reason.
    pub(crate) fn decisions(&self, trigger: &str) -> u64 {
        let name = format!("tailsieve_buffer_decisions_total{{trigger=\"{trigger}\"}}");
        self.samples().get(&name).copied().unwrap_or_default()
    }

    /// All counters, by name and labels.
    fn samples(&self) -> BTreeMap<String, u64> {
        let text = self.registry.render();
        let samples = text.lines().filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        samples.collect()
    }

    fn turn(&mut self) {
        while self.shard.turn(self.now) == Turn::Again {}
        assert_eq!(self.accounting.snapshot().unaccounted(), 0);
    }
}

/// A label's value as the exposition format has it.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The number of spans of each trace, by its ID in hex.
pub(crate) fn count_by_trace(requests: &[ExportTraceServiceRequest]) -> BTreeMap<String, usize> {
    let hex = |id: Vec<u8>| id.iter().map(|byte| format!("{byte:02x}")).collect();
    by_trace(requests)
        .into_iter()
        .map(|(id, spans)| (hex(id), spans.len()))
        .collect()
}
