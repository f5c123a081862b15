//! Spans that this replica has answered for and that turned out to belong elsewhere: a slot moved while they waited for
//! their shard, or a trace is handed over. Each goes on until somebody has taken it, under one name for all attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::core::Core;
use super::lanes::{deal, take_back};
use crate::batch::origin::Origin;
use crate::batch::peer::frame::{HandedOverTrace, Mark};
use crate::batch::replica::{BatchName, ReplicaId};
use crate::batch::sub_batch::{SharedRequest, SubBatch};
use crate::buffer::shard::Passed;
use crate::metrics::ClusterMetrics;
use crate::router::forward::{Forwarder, Outcome, OwedName, Pending, Route};

/// Wait before spans that nobody took are sent again.
const RETRY: Duration = Duration::from_millis(100);

/// Sends owed spans on.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    core: Arc<Core>,
    forwarder: Forwarder,
    metrics: ClusterMetrics,
    under_way: Arc<AtomicU64>,
    /// Spans that came back to this replica's own shards, so often.
    returns: Arc<AtomicU64>,
}

impl Owed {
    /// Takes what the shards pass on, as long as they are there.
    pub(super) fn start(
        core: Arc<Core>,
        forwarder: Forwarder,
        metrics: ClusterMetrics,
        mut passed: mpsc::UnboundedReceiver<Passed>,
    ) -> Self {
        let owed = Self {
            core,
            forwarder,
            metrics,
            under_way: Arc::default(),
            returns: Arc::default(),
        };
        let sender = owed.clone();
        tokio::spawn(async move {
            while let Some(passed) = passed.recv().await {
                sender.under_way.fetch_add(1, Ordering::AcqRel);
                let sender = sender.clone();
                tokio::spawn(async move {
                    sender.deliver(passed).await;
                    sender.under_way.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        owed
    }

    /// Whether nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }

    async fn deliver(&self, mut passed: Passed) {
        let is_handed_over = passed.handed_over.is_some();
        let owed_name = self.forwarder.draw_owed_name();
        passed.first_names.push(owed_name.name().clone());
        let mut left = vec![passed];
        // The first time a mark is heeded as the shard gave it; then the routes say.
        let mut is_first = true;
        while !left.is_empty() {
            if !is_first {
                owed_name.may_be_stray();
                tokio::time::sleep(RETRY).await;
            }
            let mut next = Vec::new();
            for passed in left {
                next.extend(self.attempt(passed, &owed_name, is_first).await);
            }
            left = next;
            is_first = false;
        }
        let handed_over = u64::from(is_handed_over);
        self.metrics.traces_handed_over.increment(handed_over);
    }

    /// One attempt; returns what nobody took.
    async fn attempt(
        &self,
        mut passed: Passed,
        owed_name: &OwedName,
        is_first: bool,
    ) -> Vec<Passed> {
        if let Some(mark) = passed.mark.take().filter(|_| is_first) {
            let to = mark.target.replica.clone();
            let pending = self.send(&passed, owed_name, &to, Some(mark.as_ref().clone()));
            return match pending.settled().await {
                Outcome::Acked | Outcome::Held => Vec::new(),
                Outcome::Refused(_) | Outcome::Failed(_) => vec![passed],
            };
        }
        let dealt = self.deal_anew(&passed);
        let mut left = Vec::new();
        for (to, mark, part) in dealt {
            let part = Passed {
                sub_batch: part,
                mark: None,
                first_names: passed.first_names.clone(),
                handed_over: passed.handed_over.clone(),
            };
            let outcome = match to {
                Some(to) => self.send(&part, owed_name, &to, mark).settled().await,
                None => Outcome::Refused(Box::default()),
            };
            if matches!(outcome, Outcome::Refused(_) | Outcome::Failed(_)) {
                left.push(part);
            }
        }
        left
    }

    /// What goes to whom by the present routes; what belongs here goes to its shard.
    fn deal_anew(&self, passed: &Passed) -> Vec<(Option<ReplicaId>, Option<Mark>, SubBatch)> {
        let request = &passed.sub_batch.request;
        let routes = self.core.routes();
        let shared = SharedRequest {
            body: request.body.clone(),
            scopes: request.scopes.clone(),
            metadata: request.metadata.clone(),
            origin: Some(Box::new(self.origin_of(passed))),
            charge: request.charge.budget().charge(request.charge.bytes()),
        };
        let dealt = deal(
            &routes,
            self.core.inboxes.len(),
            shared,
            &passed.sub_batch.spans,
            None,
        );
        let left = take_back(&self.core, dealt.here).into_iter();
        let mut parts: Vec<_> = left.map(|(_, part)| (None, None, part)).collect();
        parts.extend(dealt.nobody.map(|part| (None, None, part)));
        let there = dealt.there.into_iter();
        parts.extend(there.map(|there| (Some(there.replica), there.mark, there.part)));
        parts
    }

    /// What the own shard needs to know of spans that come back to it. They get a name that nothing else has: their
    /// sender has been answered, and may have given their first one up.
    fn origin_of(&self, passed: &Passed) -> Origin {
        let sequence = self.returns.fetch_add(1, Ordering::Relaxed) + 1;
        let name = BatchName {
            sender: self.core.life(),
            stream: u32::MAX,
            sequence,
        };
        Origin {
            handed_over: passed.handed_over.iter().cloned().collect(),
            ..Origin::returned(name, passed.first_names.clone())
        }
    }

    fn send(
        &self,
        passed: &Passed,
        owed_name: &OwedName,
        to: &ReplicaId,
        mark: Option<Mark>,
    ) -> Pending {
        let route = Route {
            path: vec![self.core.life()],
            mark,
            first_names: passed.first_names.clone(),
            owed: Some(owed_name.clone()),
            received: None,
        };
        let Some(handed_over) = &passed.handed_over else {
            return self.forwarder.forward(to, &passed.sub_batch, &route);
        };
        let trace = HandedOverTrace {
            trace_id: handed_over.trace_id,
            age_ms: handed_over.age.as_millis() as u64,
            remaining_ms: handed_over.due_in.as_millis() as u64,
            names: handed_over.names.clone(),
        };
        let request = &passed.sub_batch.request;
        let spans = passed.sub_batch.spans.len() as u64;
        let (metadata, payload) = (request.metadata.clone(), request.body.clone());
        self.forwarder
            .hand_over(to, vec![trace], metadata, payload, spans, route)
    }
}
