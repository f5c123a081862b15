//! What other replicas send: frames are walked and split as clients' requests are, and go to this replica's shards, or on
//! to whoever holds their slots (rules 1 to 5). Orders go to the driver of the holders.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::core::{Command, Core};
use super::lanes::{PartThere, deal};
use crate::batch::key::KeyHash;
use crate::batch::origin::{HandedOver, Origin};
use crate::batch::peer::answer::FrameAnswer;
use crate::batch::peer::frame::{Frame, FrameHeader, FrameKind, HOPS_MAX, HandedOverTrace};
use crate::batch::replica::Life;
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::{SharedRequest, SubBatch};
use crate::memory::Charge;
use crate::metrics::PeerMetrics;
use crate::otlp::ids::TraceId;
use crate::otlp::wire::{Counted, ScopeEnvelope, SpanHeader, walk_counted};
use crate::planted::{Planted, is_planted};
use crate::receiver::MetadataTable;
use crate::receiver::peer::PeerIngest;
use crate::replica::parts::{hand_over, reserve};
use crate::replica::traces;
use crate::router::forward::{ForwardFailure, Forwarder, Outcome, Pending, ReceivedName, Route};
use crate::router::routed_bytes_max;

/// What a replica is told to wait for whose frame finds no room.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Takes frames and orders for one replica.
#[derive(Debug, Clone)]
pub(super) struct PeerRoute {
    pub(super) core: Arc<Core>,
    pub(super) forwarder: Forwarder,
    pub(super) metadata: Arc<MetadataTable>,
    pub(super) metrics: PeerMetrics,
}

impl PeerIngest for PeerRoute {
    fn life(&self) -> Life {
        self.core.life()
    }

    async fn frame(&self, frame: Frame, charge: Charge) -> FrameAnswer {
        self.take(frame, charge)
            .await
            .unwrap_or_else(|answer| answer)
    }

    async fn order(&self, from: Life, order: Bytes) -> Bytes {
        // The answer is an order of its own.
        let (taken, is_taken) = oneshot::channel();
        let command = Command::Order(from, order, taken);
        if self.core.commands.send(command).is_ok() {
            let _ = is_taken.await;
        }
        Bytes::new()
    }

    async fn about(&self, trace_id: TraceId) -> Bytes {
        let found = traces::of_shards(&self.core.inboxes, trace_id).await;
        serde_json::to_vec(&found).unwrap_or_default().into()
    }
}

impl PeerRoute {
    async fn take(&self, frame: Frame, mut charge: Charge) -> Result<FrameAnswer, FrameAnswer> {
        let overloaded = || FrameAnswer::Overloaded {
            retry_after: RETRY_AFTER,
        };
        if !self.core.heartbeat.beat() {
            return Err(overloaded());
        }
        let Frame {
            mut header,
            payload,
        } = frame;
        let metadata = header.metadata.take();
        header.metadata = metadata.map(|metadata| self.metadata.of_peer(metadata));
        let counted = Counted::of(&payload);
        let held = routed_bytes_max(counted.spans) + counted.scopes * size_of::<ScopeEnvelope>();
        charge.grow(held as u64).map_err(|_| overloaded())?;
        let walked = walk_counted(&payload, counted).map_err(|error| FrameAnswer::Malformed {
            problem: error.to_string(),
        })?;
        let mut marked = self.heed(&header, &walked.spans).await;
        if is_planted(Planted::TakeAtHopLimit) && header.path.len() >= HOPS_MAX {
            marked = Some(Box::new(SlotSet::all()));
        }
        let request = SharedRequest {
            body: payload,
            scopes: walked.scopes,
            metadata: header.metadata.clone(),
            origin: Some(Box::new(origin_of(&header, marked.clone()))),
            charge,
        };
        self.metrics
            .spans_received
            .increment(walked.spans.len() as u64);
        let (refused, passed_on) = {
            let routes = self.core.routes();
            let inboxes = &self.core.inboxes;
            let mut dealt = deal(
                &routes,
                inboxes.len(),
                request,
                &walked.spans,
                marked.as_deref(),
            );
            let permits = reserve(inboxes, &mut dealt.here).map_err(|_| overloaded())?;
            let mut refused = SlotSet::default();
            if let Some(part) = &dealt.nobody {
                refused |= &slots_of(part);
            }
            let passed_on = self.pass_on(&header, dealt.there, &mut refused);
            let here = dealt.here.iter().map(|(_, part)| part.spans.len() as u64);
            self.core.accounting.received_from_peers.add(here.sum());
            hand_over(permits, dealt.here);
            (refused, passed_on)
        };
        Ok(self.answer(refused, passed_on).await)
    }

    /// The slots of marked spans that are to be taken here (rule 2).
    async fn heed(&self, header: &FrameHeader, spans: &[SpanHeader]) -> Option<Box<SlotSet>> {
        let mark = header.mark.as_ref()?;
        let slots = spans
            .iter()
            .map(|span| KeyHash::of(span.trace_id, None).slot());
        let heeded = self.core.heed(mark, slots.collect()).await;
        (!heeded.is_empty()).then(|| Box::new(heeded))
    }

    /// Passes parts on to whoever holds their slots; what has gone through too many replicas is refused (rule 4).
    fn pass_on(
        &self,
        header: &FrameHeader,
        there: Vec<PartThere>,
        refused: &mut SlotSet,
    ) -> Vec<(SubBatch, Pending)> {
        if there.is_empty() {
            return Vec::new();
        }
        let is_at_limit = header.path.len() >= HOPS_MAX;
        // The ages of handed-over traces are lost on the way on: their giver splits them anew.
        if is_at_limit || matches!(header.kind, FrameKind::HandedOver(_)) {
            self.metrics
                .hop_limit_hits
                .increment(u64::from(is_at_limit));
            if is_at_limit && is_planted(Planted::DropAtHopLimit) {
                return Vec::new();
            }
            for part in &there {
                *refused |= &slots_of(&part.part);
            }
            return Vec::new();
        }
        let mut path = header.path.clone();
        path.push(self.core.life());
        let passed_on = there.into_iter().map(|there| {
            let route = Route {
                path: path.clone(),
                mark: there.mark,
                first_names: header.first_names.clone(),
                owed: None,
                received: Some(ReceivedName {
                    name: header.name.clone(),
                    low_water: header.low_water,
                }),
            };
            let pending = self.forwarder.forward(&there.replica, &there.part, &route);
            (there.part, pending)
        });
        passed_on.collect()
    }

    /// Waits for those that parts were passed on to; their word is this replica's.
    async fn answer(
        &self,
        mut refused: SlotSet,
        passed_on: Vec<(SubBatch, Pending)>,
    ) -> FrameAnswer {
        for (part, pending) in passed_on {
            let not_taken = match pending.settled().await {
                Outcome::Acked | Outcome::Held => SlotSet::default(),
                Outcome::Refused(slots) => *slots,
                Outcome::Failed(ForwardFailure::Malformed) => {
                    return FrameAnswer::Malformed {
                        problem: "the replica that it was passed on to cannot read it".to_owned(),
                    };
                }
                Outcome::Failed(_) => slots_of(&part),
            };
            let taken = part.traces.iter();
            let taken = taken.filter(|trace| !not_taken.contains(trace.hash.slot()));
            let taken: u64 = taken.map(|trace| u64::from(trace.span_count)).sum();
            self.core.accounting.received_from_peers.add(taken);
            self.core.accounting.forwarded.add(taken);
            refused |= &not_taken;
        }
        if refused.is_empty() {
            FrameAnswer::Applied
        } else {
            FrameAnswer::PartlyRefused(Box::new(refused))
        }
    }
}

/// What the shards need to know of a frame.
pub(super) fn origin_of(header: &FrameHeader, marked: Option<Box<SlotSet>>) -> Origin {
    let mut handed_over: Vec<HandedOver> = match &header.kind {
        FrameKind::Spans => Vec::new(),
        FrameKind::HandedOver(traces) => traces.iter().map(handed_over_of).collect(),
    };
    handed_over.sort_unstable_by_key(|handed| handed.trace_id);
    Origin {
        name: header.name.clone(),
        low_water: header.low_water,
        marks: header.marks.clone(),
        first_names: header.first_names.clone(),
        marked,
        handed_over,
    }
}

fn handed_over_of(trace: &HandedOverTrace) -> HandedOver {
    HandedOver {
        trace_id: trace.trace_id,
        age: Duration::from_millis(trace.age_ms),
        due_in: Duration::from_millis(trace.remaining_ms),
        names: trace.names.clone(),
    }
}

/// The slots of a part's traces.
pub(super) fn slots_of(part: &SubBatch) -> SlotSet {
    part.traces.iter().map(|trace| trace.hash.slot()).collect()
}
