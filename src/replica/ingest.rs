//! Where receivers, router and shards meet: a request is walked, split, and handed over whole or not at all.

mod repair;

use std::sync::Arc;

use tokio::runtime::RuntimeFlavor;

use super::cluster::{ClientRoute, OnTheWay};
use super::parts;
use crate::accounting::Accounting;
use crate::batch::sub_batch::SharedRequest;
use crate::buffer::inbox::Inbox;
use crate::buffer::shard::Pressure;
use crate::clock::Clock;
use crate::clock::log_limit::LogLimit;
use crate::memory::{Charge, Exhausted};
use crate::metrics::RouterMetrics;
use crate::otlp::wire::{Counted, RejectedSpans, ScopeEnvelope, SpanHeader, walk_counted};
use crate::receiver::ingest::{Accepted, Ingest, ReceivedRequest, Refusal, Rejected};
use crate::router::{routed_bytes_max, working_bytes_max};

/// Walking a larger body takes milliseconds, for which other connections get a thread of their own.
const LARGE_BODY_BYTES: usize = 4 << 20;

/// Takes requests for one replica.
#[derive(Debug, Clone)]
pub(super) struct ReplicaIngest {
    inboxes: Arc<[Inbox]>,
    pressure: Arc<Pressure>,
    accounting: Arc<Accounting>,
    metrics: RouterMetrics,
    /// Of a replica in a cluster: spans that others hold go there.
    cluster: Option<ClientRoute>,
    log_malformed: Arc<LogLimit>,
}

impl ReplicaIngest {
    pub(super) fn new(
        inboxes: Arc<[Inbox]>,
        pressure: Arc<Pressure>,
        accounting: Arc<Accounting>,
        metrics: RouterMetrics,
        cluster: Option<ClientRoute>,
        clock: Clock,
    ) -> Self {
        Self {
            inboxes,
            pressure,
            accounting,
            metrics,
            cluster,
            log_malformed: Arc::new(LogLimit::new(clock)),
        }
    }

    /// Takes what belongs here; what belongs elsewhere is on its way then.
    fn take(&self, mut request: ReceivedRequest) -> Result<(Accepted, Option<OnTheWay>), Refusal> {
        let counted = Counted::of(&request.body);
        let _until_split = self.make_room(&mut request.charge, counted)?;
        let (walked, left_out) = match walk_counted(&request.body, counted) {
            Ok(walked) => (walked, None),
            Err(error) => self.repair_and_walk(&mut request, counted, error)?,
        };
        let spans = walked.spans.len() as u64;
        self.accounting.received.add(spans + walked.rejected.count);
        self.metrics
            .spans_received
            .increment(spans + walked.rejected.count);
        self.metrics
            .span_bytes_received
            .increment(request.body.len() as u64);
        let mut on_the_way = None;
        if !walked.spans.is_empty() {
            let shared = SharedRequest {
                body: request.body,
                scopes: walked.scopes,
                metadata: request.metadata,
                origin: None,
                charge: request.charge,
            };
            on_the_way = self.hand_over(shared, &walked.spans).inspect_err(|_| {
                // A retry brings the rejected ones again.
                self.accounting.refused.add(spans + walked.rejected.count);
                self.metrics
                    .spans_refused_overloaded
                    .increment(spans + walked.rejected.count);
            })?;
        }
        self.accounting.refused.add(walked.rejected.count);
        self.metrics
            .spans_refused_identifier
            .increment(walked.rejected.count);
        let rejected = rejected(walked.rejected);
        let accepted = Accepted {
            rejected: match left_out {
                None => rejected,
                Some(left_out) => Some(self.tell_of(left_out, rejected)),
            },
        };
        Ok((accepted, on_the_way))
    }

    /// Charges what walking and splitting take before they take it: of tiny spans that is several times their body.
    /// What the sub-batches hold joins `charge`; the rest is returned, to be given back after the split.
    fn make_room(&self, charge: &mut Charge, counted: Counted) -> Result<Charge, Refusal> {
        let held = routed_bytes_max(counted.spans) + counted.scopes * size_of::<ScopeEnvelope>();
        let working = counted.spans * size_of::<SpanHeader>() + working_bytes_max(counted.spans);
        charge
            .grow(held as u64)
            .and_then(|()| charge.reserve_beside(working as u64))
            .map_err(|exhausted| self.no_room(counted, exhausted))
    }

    fn no_room(&self, counted: Counted, exhausted: Exhausted) -> Refusal {
        let spans = counted.spans as u64;
        self.accounting.received.add(spans);
        self.accounting.refused.add(spans);
        self.metrics.spans_received.increment(spans);
        self.metrics.spans_refused_overloaded.increment(spans);
        Refusal::Overloaded(format!("memory.limit: {exhausted}"))
    }

    fn hand_over(
        &self,
        request: SharedRequest,
        spans: &[SpanHeader],
    ) -> Result<Option<OnTheWay>, Refusal> {
        if self.pressure.is_blocked() {
            let problem = "num_traces: as many traces are held, and block_on_overflow is set";
            return Err(Refusal::Overloaded(problem.to_owned()));
        }
        if let Some(cluster) = &self.cluster {
            return cluster.deal(request, spans).map(Some);
        }
        let mut routed =
            parts::split(|splitter| splitter.split(request, spans, self.inboxes.len()));
        let permits = parts::reserve(&self.inboxes, &mut routed).map_err(Refusal::Overloaded)?;
        parts::hand_over(permits, routed);
        Ok(None)
    }
}

impl Ingest for ReplicaIngest {
    async fn ingest(&self, request: ReceivedRequest) -> Result<Accepted, Refusal> {
        let is_large = request.body.len() > LARGE_BODY_BYTES;
        let flavor = tokio::runtime::Handle::current().runtime_flavor();
        let taken = if is_large && flavor == RuntimeFlavor::MultiThread {
            tokio::task::block_in_place(|| self.take(request))
        } else {
            self.take(request)
        };
        let (accepted, on_the_way) = taken?;
        if let Some(on_the_way) = on_the_way {
            on_the_way.settled().await?;
        }
        Ok(accepted)
    }
}

fn rejected(spans: RejectedSpans) -> Option<Rejected> {
    let first = spans.first?;
    Some(Rejected {
        spans: spans.count,
        message: format!("{} spans rejected; the first: {first}", spans.count),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::buffer::inbox::inbox;
    use crate::memory::Budget;
    use crate::metrics::Registry;

    /// A request of `count` spans of 30 bytes, each of a trace of its own.
    fn tiny_spans(count: u64) -> Bytes {
        let spans = (1..=count).map(|number| {
            let mut span = vec![0x12, 28, 0x0a, 16];
            span.extend([7; 8]);
            span.extend(number.to_be_bytes());
            span.extend([0x12, 8]);
            span.extend(number.to_be_bytes());
            span
        });
        let spans: Vec<u8> = spans.flatten().collect();
        let delimited = |key: u8, content: &[u8]| {
            let mut field = vec![key];
            prost::encoding::encode_varint(content.len() as u64, &mut field);
            field.extend_from_slice(content);
            field
        };
        Bytes::from(delimited(0x0a, &delimited(0x12, &spans)))
    }

    #[test]
    fn a_request_is_refused_when_there_is_no_room_for_what_its_spans_take_beside_their_bytes() {
        let (sender, receiver) = inbox(8);
        let accounting = Arc::new(Accounting::default());
        let ingest = ReplicaIngest::new(
            Arc::from([sender]),
            Arc::new(Pressure::new(Budget::new(1 << 20))),
            Arc::clone(&accounting),
            Registry::new().router(),
            None,
            Clock::manual(),
        );
        let budget = Budget::new(1 << 20);
        let take = |count| {
            let body = tiny_spans(count);
            let charge = budget.reserve(body.len() as u64).unwrap();
            let request = ReceivedRequest {
                body,
                metadata: None,
                charge,
            };
            ingest.take(request).map(|(accepted, _)| accepted)
        };
        assert!(matches!(take(20_000), Err(Refusal::Overloaded(_))));
        assert_eq!(budget.used_bytes(), 0);
        assert_eq!(accounting.snapshot().unaccounted(), 0);
        assert_eq!(take(1_000), Ok(Accepted::default()));
        let sub_batch = receiver.take_sub_batch().unwrap();
        let held = sub_batch.request.body.len()
            + size_of_val(sub_batch.spans.as_slice())
            + size_of_val(sub_batch.traces.as_slice());
        assert!(budget.used_bytes() >= held as u64);
        drop(sub_batch);
        assert_eq!(budget.used_bytes(), 0);
    }
}
