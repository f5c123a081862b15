//! A request's spans, dealt to this replica's shards and to other replicas by the routes of the moment.

use std::cell::RefCell;

use super::core::{Core, Lane};
use crate::batch::key::KeyHash;
use crate::batch::peer::frame::Mark;
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::{SharedRequest, SubBatch};
use crate::otlp::wire::SpanHeader;
use crate::replica::parts::{self, hand_over, reserve};
use crate::router::Routed;
use crate::router::holders::{Route, Routes};

/// The parts of one request.
#[derive(Debug, Default)]
pub(super) struct Dealt {
    /// For this replica's shards.
    pub(super) here: Routed,
    /// For others.
    pub(super) there: Vec<PartThere>,
    /// Of slots that nobody holds.
    pub(super) nobody: Option<SubBatch>,
}

/// What goes to one other replica.
#[derive(Debug)]
pub(super) struct PartThere {
    pub(super) replica: ReplicaId,
    pub(super) mark: Option<Mark>,
    pub(super) part: SubBatch,
}

/// Deals `spans` of `request`. Those of `marked` slots go to this replica's shards, whatever the routes say.
pub(super) fn deal(
    routes: &Routes,
    shards: usize,
    request: SharedRequest,
    spans: &[SpanHeader],
    marked: Option<&SlotSet>,
) -> Dealt {
    let ways: RefCell<Vec<&Route>> = RefCell::default();
    let lane_of = |hash: KeyHash| {
        let slot = hash.slot();
        if marked.is_some_and(|marked| marked.contains(slot)) {
            return Lane::Shard(hash.shard(shards));
        }
        match routes.get(slot) {
            Route::Here => Lane::Shard(hash.shard(shards)),
            Route::Nobody => Lane::Nobody,
            way @ Route::There { .. } => {
                let mut ways = ways.borrow_mut();
                let known = ways.iter().position(|known| std::ptr::eq(*known, way));
                let place = known.unwrap_or_else(|| {
                    ways.push(way);
                    ways.len() - 1
                });
                Lane::There(place as u16)
            }
        }
    };
    let parts = parts::split(|splitter| splitter.split_by(request, spans, shards, lane_of));
    let ways = ways.into_inner();
    let mut dealt = Dealt::default();
    for (lane, part) in parts {
        match lane {
            Lane::Shard(shard) => dealt.here.push((shard, part)),
            Lane::Nobody => dealt.nobody = Some(part),
            Lane::There(place) => {
                if let Some(route @ Route::There { replica, .. }) = ways.get(usize::from(place)) {
                    dealt.there.push(PartThere {
                        replica: replica.clone(),
                        mark: Core::mark_of(route),
                        part,
                    });
                }
            }
        }
    }
    dealt
}

/// Hands what this replica owes, and what belongs here after all, to its shards, all or none; gives it back if there is no
/// room.
pub(super) fn take_back(core: &Core, mut here: Routed) -> Routed {
    let Ok(permits) = reserve(&core.inboxes, &mut here) else {
        return here;
    };
    let spans = here.iter().map(|(_, part)| part.spans.len() as u64);
    core.accounting.held.subtract(spans.sum());
    hand_over(permits, here);
    Routed::new()
}
