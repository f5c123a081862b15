//! What the replicas of a simulation decided and sent: the backend, and the decisions as they were taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::batch::export::ExportBatch;
use crate::batch::replica::ReplicaId;
use crate::buffer::decision_log::Decided;
use crate::buffer::release::Outlet;
use crate::otlp::ids::{SpanId, TraceId};
use crate::otlp::wire::walk_request;
use crate::sampler::precedence::Decision;

/// The backend of all replicas.
#[derive(Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Inside>>);

/// A replica's way to it.
pub(super) struct SinkOutlet {
    pub(super) sink: Sink,
    pub(super) replica: ReplicaId,
}

/// All decisions, as one replica's shards report them.
#[derive(Clone)]
pub(super) struct Decisions {
    by: Option<ReplicaId>,
    all: Arc<Mutex<Vec<Taken>>>,
}

/// One decision.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) by: ReplicaId,
    pub(super) trace_id: TraceId,
    pub(super) decision: Decision,
    pub(super) span_count: u64,
}

#[derive(Default)]
struct Inside {
    /// How often each span has come.
    spans: BTreeMap<(TraceId, SpanId), u32>,
    is_refusing: bool,
}

impl Sink {
    pub(super) fn refuse(&self, is_refusing: bool) {
        self.0.lock().is_refusing = is_refusing;
    }

    /// How often a span has come.
    pub(super) fn copies(&self, trace_id: TraceId, span_id: SpanId) -> u32 {
        let inside = self.0.lock();
        inside.spans.get(&(trace_id, span_id)).copied().unwrap_or(0)
    }
}

impl Outlet for SinkOutlet {
    fn offer(&self, batch: ExportBatch) -> Result<(), ExportBatch> {
        let mut inside = self.sink.0.lock();
        if inside.is_refusing {
            return Err(batch);
        }
        let walked = walk_request(&batch.body).unwrap();
        assert_eq!(walked.rejected.count, 0, "{} sends nonsense", self.replica);
        for span in walked.spans {
            *inside
                .spans
                .entry((span.trace_id, span.span_id))
                .or_default() += 1;
        }
        Ok(())
    }
}

impl Decisions {
    pub(super) fn new() -> Self {
        Self {
            by: None,
            all: Arc::default(),
        }
    }

    pub(super) fn of(&self, replica: &ReplicaId) -> Self {
        Self {
            by: Some(replica.clone()),
            all: Arc::clone(&self.all),
        }
    }

    pub(super) fn note(&self, taken: impl Iterator<Item = Decided>) {
        let Some(by) = &self.by else {
            return;
        };
        self.all.lock().extend(taken.map(|decided| Taken {
            by: by.clone(),
            trace_id: decided.trace_id,
            decision: decided.verdict.decision,
            span_count: decided.span_count,
        }));
    }

    /// Those from number `first` on.
    pub(super) fn since(&self, first: usize) -> Vec<Taken> {
        self.all.lock()[first..].to_vec()
    }
}
