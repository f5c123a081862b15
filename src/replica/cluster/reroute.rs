//! Splits what was not taken where it was sent by the routes of the moment; what belongs here now goes to the shards.

use std::sync::Arc;

use super::core::Core;
use super::lanes::{deal, take_back};
use crate::batch::key::KeyHash;
use crate::batch::origin::Origin;
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
            // What comes back under a name may have been taken here before.
            origin: frame.name.map(|name| {
                let first_names = frame.route.first_names.clone();
                Box::new(Origin::returned(name.clone(), first_names))
            }),
        };
        let routes = self.core.routes();
        let dealt = deal(&routes, self.core.inboxes.len(), request, &spans, None);
        let mut parts = Vec::with_capacity(dealt.there.len() + 1);
        let left = take_back(&self.core, dealt.here);
        parts.extend(left.into_iter().map(|(_, part)| ReroutedPart {
            to: Whither::Later,
            part,
            mark: None,
        }));
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
