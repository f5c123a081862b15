//! A request's spans, dealt to this replica's shards and to other replicas by the routes of the moment.

use std::cell::RefCell;

use super::core::{Core, Lane};
use crate::batch::key::KeyHash;
use crate::batch::peer::frame::Mark;
use crate::batch::replica::ReplicaId;
use crate::batch::slot_set::SlotSet;
use crate::batch::sub_batch::{SharedRequest, SubBatch};
use crate::buffer::inbox::{Inbox, Permit};
use crate::otlp::wire::SpanHeader;
use crate::router::Splitter;
use crate::router::holders::{Route, Routes};

thread_local! {
    static SPLITTER: RefCell<Splitter> = RefCell::default();
}

/// The parts of one request.
#[derive(Debug, Default)]
pub(super) struct Dealt {
    /// For this replica's shards.
    pub(super) here: Vec<(usize, SubBatch)>,
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
    let parts =
        SPLITTER.with_borrow_mut(|splitter| splitter.split_by(request, spans, shards, lane_of));
    let ways = ways.into_inner();
    let mut dealt = Dealt::default();
    for (lane, part) in parts {
        match lane {
            Lane::Shard(shard) => dealt.here.push((shard.0, part)),
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

/// Room for all parts that stay here, or the sentence that says what there is no room for.
pub(super) fn reserve<'a>(
    inboxes: &'a [Inbox],
    here: &mut [(usize, SubBatch)],
) -> Result<Vec<Permit<'a>>, String> {
    let mut permits = Vec::with_capacity(here.len());
    for (shard, sub_batch) in here {
        sub_batch
            .reserve_room()
            .map_err(|exhausted| format!("memory.limit: {exhausted}"))?;
        let permit = inboxes.get(*shard).and_then(Inbox::reserve);
        let full = || "inbox_limit: too many requests wait for a shard".to_owned();
        permits.push(permit.ok_or_else(full)?);
    }
    Ok(permits)
}

/// Hands all parts that stay here over.
pub(super) fn hand_over(permits: Vec<Permit<'_>>, here: Vec<(usize, SubBatch)>) {
    for (permit, (_, sub_batch)) in permits.into_iter().zip(here) {
        permit.send(sub_batch);
    }
}
