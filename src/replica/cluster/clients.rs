//! Clients' requests at a clustered replica: what it holds goes to its shards, the rest to its holders.
//!
//! The answer waits until others have acknowledged theirs, or owe it no more: what cannot reach its holder waits in this
//! replica's hold queue (contract I1).

use std::sync::Arc;

use super::core::Core;
use super::lanes::deal;
use crate::batch::sub_batch::SharedRequest;
use crate::otlp::wire::SpanHeader;
use crate::receiver::ingest::Refusal;
use crate::replica::parts::{hand_over, reserve};
use crate::router::forward::{Forwarder, Outcome, Pending, Route};

/// Where clients' requests go.
#[derive(Debug, Clone)]
pub(in crate::replica) struct ClientRoute {
    pub(super) core: Arc<Core>,
    pub(super) forwarder: Forwarder,
}

/// What of a request is on its way to others.
#[must_use]
pub(in crate::replica) struct OnTheWay(Vec<Pending>);

impl ClientRoute {
    /// Deals out a request: all parts for this replica, or none and none for others.
    ///
    /// # Errors
    /// The refusal, and how many spans are booked as refused by it already.
    pub(in crate::replica) fn deal(
        &self,
        request: SharedRequest,
        spans: &[SpanHeader],
    ) -> Result<OnTheWay, Refusal> {
        if !self.core.heartbeat.beat() {
            let problem = "the replica was paused and asks the others whether it still counts";
            return Err(Refusal::Overloaded(problem.to_owned()));
        }
        if !self.core.is_active() {
            let problem = "the replica is joining its cluster, and not active yet";
            return Err(Refusal::Overloaded(problem.to_owned()));
        }
        let routes = self.core.routes();
        let inboxes = &self.core.inboxes;
        let mut dealt = deal(&routes, inboxes.len(), request, spans, None);
        let permits = reserve(inboxes, &mut dealt.here).map_err(Refusal::Overloaded)?;
        let life = self.core.life();
        let mut pending = Vec::with_capacity(dealt.there.len() + 1);
        for there in &dealt.there {
            let mut route = Route::of_client(life.clone());
            route.mark.clone_from(&there.mark);
            pending.push(self.forwarder.forward(&there.replica, &there.part, &route));
        }
        if let Some(part) = &dealt.nobody {
            pending.push(self.forwarder.hold(part, &Route::of_client(life)));
        }
        hand_over(permits, dealt.here);
        Ok(OnTheWay(pending))
    }
}

impl OnTheWay {
    /// Waits until others have what is theirs.
    ///
    /// # Errors
    /// What was not taken is to be sent again by the client; the books have it as refused already.
    pub(in crate::replica) async fn settled(self) -> Result<(), Refusal> {
        let mut worst = Outcome::Acked;
        for pending in self.0 {
            worst = worst.and(pending.settled().await);
        }
        match worst {
            Outcome::Acked | Outcome::Held => Ok(()),
            Outcome::Refused(_) => Err(Refusal::Overloaded("no replica took the spans".to_owned())),
            Outcome::Failed(failure) => Err(Refusal::Overloaded(failure.to_string())),
        }
    }
}
