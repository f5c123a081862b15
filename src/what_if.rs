//! The replica's engine without a replica: one real shard over time moved by hand, for questions of what would be kept.
//!
//! Spans take the way that they take in a replica (walk, split, buffer, policies), so that an answer can't differ from
//! what a replica does: late spans, `num_traces`, `maximum_trace_size_bytes` and span-ingest included. Memory is the only
//! difference: there is no limit here at which traces are decided early, so whoever sends bounds what is sent.

pub mod policy_test;
pub mod report;
pub mod tally;
pub mod traces;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::accounting::Accounting;
use crate::batch::export::ExportBatch;
use crate::batch::sub_batch::{SharedRequest, TraceSpans};
use crate::buffer::config::BufferConfig;
use crate::buffer::decision_log::Decided;
use crate::buffer::inbox::{Inbox, inbox};
use crate::buffer::release::Outlet;
use crate::buffer::shard::{ActivePolicies, Control, Pressure, Shard, ShardParts, Turn};
use crate::clock::Clock;
use crate::config::PolicyFile;
use crate::memory::Budget;
use crate::metrics::Registry;
use crate::otlp::ids::TraceId;
use crate::otlp::wire::{RejectedSpans, WireError, walk_request};
use crate::router::Splitter;
use crate::sampler::policy_set::PolicySet;

/// More than any machine has: nothing is decided because memory is short.
const BUDGET_BYTES: u64 = 1 << 50;
/// Decisions are taken out of the log after every turn; there are no more in it than a turn makes.
const LOG_BYTES_MAX: usize = 1 << 40;
/// Only one request waits at a time.
const INBOX_SUB_BATCHES_MAX: usize = 1;

/// A shard, its time, and what it has decided.
pub struct WhatIf {
    shard: Shard,
    inbox: Inbox,
    clock: Clock,
    budget: Budget,
    accounting: Arc<Accounting>,
    policies: Arc<ActivePolicies>,
    splitter: Splitter,
    decided: Vec<Decided>,
}

/// What came of a request.
#[derive(Debug, Default)]
pub struct Taken {
    /// Its traces in order of their first span, each with its number of spans.
    pub traces: Vec<(TraceId, u64)>,
    /// Spans that a receiver would have refused.
    pub rejected: RejectedSpans,
}

/// A request could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// A receiver would not have taken it either.
    #[error("is no valid trace request")]
    Malformed(#[source] Box<WireError>),
}

/// Kept traces go nowhere.
struct Nowhere;

impl Outlet for Nowhere {
    fn offer(&self, _: ExportBatch) -> Result<(), ExportBatch> {
        Ok(())
    }
}

impl WhatIf {
    /// An empty shard with the policies of `file`, their limiters full, at `start_unix_ns` since the Unix epoch.
    #[must_use]
    pub fn new(file: &PolicyFile, start_unix_ns: u64) -> Self {
        let mut evaluation = file.evaluation;
        // The end here is that of the window, not of a process.
        evaluation.drop_pending_traces_on_shutdown = false;
        let registry = Registry::new();
        let set = PolicySet::compile(&file.policies, evaluation);
        let policies = Arc::new(ActivePolicies::new(1, set, file.windows, &registry));
        let clock = Clock::manual();
        clock.advance(Duration::from_nanos(start_unix_ns));
        let budget = Budget::new(BUDGET_BYTES);
        let accounting = Arc::new(Accounting::default());
        let (inbox, receiver) = inbox(INBOX_SUB_BATCHES_MAX);
        let shard = Shard::new(ShardParts {
            number: 0,
            config: BufferConfig {
                decision_log_bytes: LOG_BYTES_MAX,
                ..BufferConfig::default()
            },
            shards: 1,
            inbox: receiver,
            clock: clock.clone(),
            policies: Arc::clone(&policies),
            pressure: Arc::new(Pressure::new(budget.clone())),
            outlets: vec![Box::new(Nowhere)],
            accounting: Arc::clone(&accounting),
            metrics: registry.buffer(0),
            link: None,
        });
        Self {
            shard,
            inbox,
            clock,
            budget,
            accounting,
            policies,
            splitter: Splitter::default(),
            decided: Vec::new(),
        }
    }

    /// The policies in force.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies.set
    }

    /// Has the request `protobuf` arrive, with no time passing.
    ///
    /// # Errors
    /// [`WhatIfError`] when a receiver would have refused it whole; nothing of it has arrived then.
    pub fn send(&mut self, protobuf: Vec<u8>) -> Result<Taken, WhatIfError> {
        let body = Bytes::from(protobuf);
        let walked = walk_request(&body).map_err(WhatIfError::Malformed)?;
        self.accounting.received.add(walked.spans.len() as u64);
        let request = SharedRequest {
            charge: self.budget.charge(body.len() as u64),
            body,
            scopes: walked.scopes,
            metadata: None,
            origin: None,
        };
        let mut traces = Vec::new();
        for (_, sub_batch) in self.splitter.split(request, &walked.spans, 1) {
            let of_trace = |trace: &TraceSpans| (trace.trace_id, u64::from(trace.span_count));
            traces.extend(sub_batch.traces.iter().map(of_trace));
            // The turn before has emptied the inbox.
            if let Some(permit) = self.inbox.reserve() {
                permit.send(sub_batch);
            }
        }
        self.turn();
        Ok(Taken {
            traces,
            rejected: walked.rejected,
        })
    }

    /// Moves time on. What a window or a limiter makes of it shows when something arrives or is decided.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Closes the window: decides all traces held, one after another in order of first arrival, with no time passing.
    /// What arrives later is decided at once.
    pub fn decide_all(&mut self) {
        self.inbox.control(Control::Finish);
        self.turn();
    }

    /// Takes the decisions made so far, in order.
    pub fn take_decided(&mut self) -> Vec<Decided> {
        std::mem::take(&mut self.decided)
    }

    fn turn(&mut self) {
        loop {
            let turn = self.shard.turn(self.clock.now());
            self.decided.extend(self.shard.take_decisions());
            if turn != Turn::Again {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
