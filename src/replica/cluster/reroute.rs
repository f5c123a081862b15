//! Splits what was not taken where it was sent by the routes of the moment; what belongs here now goes to the shards.

use std::sync::Arc;

use super::core::Core;
use super::lanes::{deal, hand_over, reserve};
use crate::batch::key::KeyHash;
use crate::batch::origin::Origin;
use crate::batch::replica::BatchName;
use crate::batch::sub_batch::SharedRequest;
use crate::memory::Budget;
use crate::otlp::wire::{SpanHeader, walk_request};
use crate::router::forward::{Reroute, ReroutedPart, ReturnedFrame, Whither};

/// Splits frames of one replica anew.
#[derive(Debug)]
pub(super) struct Rerouter {
    pub(super) core: Arc<Core>,
    pub(super) memory: Budget,
}

impl Reroute for Rerouter {
    fn reroute(&self, frame: &ReturnedFrame<'_>) -> Result<Vec<ReroutedPart>, String> {
        let walked = walk_request(frame.payload).map_err(|error| error.to_string())?;
        let sent = walked.spans.len() as u64;
        let is_returned = |span: &SpanHeader| {
            let slot = KeyHash::of(span.trace_id, None).slot();
            frame.slots.is_none_or(|slots| slots.contains(slot))
        };
        let spans: Vec<SpanHeader> = walked.spans.into_iter().filter(is_returned).collect();
        self.book_taken_elsewhere(sent - spans.len() as u64);
        let request = SharedRequest {
            charge: self.memory.charge(frame.payload.len() as u64),
            body: frame.payload.clone(),
            scopes: walked.scopes,
            metadata: frame.metadata.cloned(),
            origin: frame.name.map(|name| Box::new(origin_of(name, frame))),
        };
        let routes = self.core.routes();
        let inboxes = &self.core.inboxes;
        let mut dealt = deal(&routes, inboxes.len(), request, &spans, None);
        let mut parts = Vec::with_capacity(dealt.there.len() + 1);
        match reserve(inboxes, &mut dealt.here) {
            Ok(permits) => {
                let here = dealt.here.iter().map(|(_, part)| part.spans.len() as u64);
                self.core.accounting.held.subtract(here.sum());
                hand_over(permits, dealt.here);
            }
            Err(_) => parts.extend(dealt.here.into_iter().map(|(_, part)| ReroutedPart {
                to: Whither::Later,
                part,
                mark: None,
            })),
        }
        parts.extend(dealt.there.into_iter().map(|there| ReroutedPart {
            to: Whither::There(there.replica),
            part: there.part,
            mark: there.mark,
        }));
        parts.extend(dealt.nobody.map(|part| ReroutedPart {
            to: Whither::Nobody,
            part,
            mark: None,
        }));
        Ok(parts)
    }
}

impl Rerouter {
    fn book_taken_elsewhere(&self, spans: u64) {
        self.core.accounting.held.subtract(spans);
        self.core.accounting.forwarded.add(spans);
    }
}

/// What comes back to this replica under a name may have been taken here before.
fn origin_of(name: &BatchName, frame: &ReturnedFrame<'_>) -> Origin {
    Origin {
        name: name.clone(),
        low_water: 0,
        marks: Vec::new(),
        first_names: frame.route.first_names.clone(),
        marked: None,
        handed_over: Vec::new(),
    }
}
