//! The parts of a request on their way to this replica's shards: handed over all, or none.

use std::cell::RefCell;

use crate::buffer::inbox::{Inbox, Permit};
use crate::router::{Routed, Splitter};

thread_local! {
    static SPLITTER: RefCell<Splitter> = RefCell::default();
}

/// Splits by this thread's splitter, which spares each request its allocations.
pub(super) fn split<T>(split: impl FnOnce(&mut Splitter) -> T) -> T {
    SPLITTER.with_borrow_mut(split)
}

/// Room for all parts, or the sentence that says what there is no room for.
pub(super) fn reserve<'a>(
    inboxes: &'a [Inbox],
    parts: &mut Routed,
) -> Result<Vec<Permit<'a>>, String> {
    let mut permits = Vec::with_capacity(parts.len());
    for (shard, sub_batch) in parts {
        sub_batch
            .reserve_room()
            .map_err(|exhausted| format!("memory.limit: {exhausted}"))?;
        let permit = inboxes.get(shard.0).and_then(Inbox::reserve);
        let full = || "inbox_limit: too many requests wait for a shard".to_owned();
        permits.push(permit.ok_or_else(full)?);
    }
    Ok(permits)
}

/// Hands all parts over; there is room for them.
pub(super) fn hand_over(permits: Vec<Permit<'_>>, parts: Routed) {
    for (permit, (_, sub_batch)) in permits.into_iter().zip(parts) {
        permit.send(sub_batch);
    }
}
