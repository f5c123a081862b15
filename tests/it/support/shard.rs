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
        let metrics = registry.sampler(
            set.names(),
            set.infos().iter().map(|info| info.path.as_str()),
        );
        let shard = Shard::new(ShardParts {
            config: BufferConfig {
                decision_cache_bytes: 4 << 20,
                ..BufferConfig::default()
            },
            shards: 1,
            inbox: receiver,
            clock: Clock::manual(),
            policies: Arc::new(ActivePolicies {
                generation: 1,
                set,
                windows: file.windows,
                metrics,
            }),
            pressure: Arc::new(Pressure::new(budget.clone())),
            outlets: vec![Box::new(Collect(Arc::clone(&released)))],
            accounting: Arc::clone(&accounting),
            metrics: registry.buffer(0),
        });
        Self {
            inbox,
            shard,
            budget,
            accounting,
            released,
            now: Moment(0),
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

    fn turn(&mut self) {
        while self.shard.turn(self.now) == Turn::Again {}
        assert_eq!(self.accounting.snapshot().unaccounted(), 0);
    }
}

/// The number of spans of each trace, by its ID in hex.
pub(crate) fn count_by_trace(requests: &[ExportTraceServiceRequest]) -> BTreeMap<String, usize> {
    let hex = |id: Vec<u8>| id.iter().map(|byte| format!("{byte:02x}")).collect();
    by_trace(requests)
        .into_iter()
        .map(|(id, spans)| (hex(id), spans.len()))
        .collect()
}
