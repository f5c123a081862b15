//! `sending_queue` of an exporter.

use crate::config::decode::{Fields, Place};
use crate::exporter::config::{Overflow, QueueConfig};

/// Most requests under way of one exporter.
const CONSUMERS_MAX: usize = 1_024;

/// The queue, which must take a request of `batch_bytes_max`.
pub(super) fn queue(fields: &mut Fields<'_>, batch_bytes_max: usize) -> QueueConfig {
    let mut config = QueueConfig::default();
    let Some(mut queue) = fields.section("sending_queue") else {
        return config;
    };
    queue.set("limit", &mut config.limit_bytes, |limit| {
        queue_limit(limit, batch_bytes_max)
    });
    queue.set("num_consumers", &mut config.num_consumers, |consumers| {
        consumers.count(1..=CONSUMERS_MAX)
    });
    let choices = [
        ("wait", Overflow::Wait),
        ("drop_oldest", Overflow::DropOldest),
    ];
    queue.set("overflow", &mut config.overflow, |overflow| {
        overflow.choice(&choices)
    });
    let advice = "use limit, in bytes, for example 256MiB";
    queue.refuse("queue_size", "is a key of the collector", advice);
    queue.refuse("sizer", "is a key of the collector", advice);
    let advice = "use overflow: wait or drop_oldest";
    queue.refuse("block_on_overflow", "is a key of the collector", advice);
    let advice = "every exporter has a queue; set its limit";
    queue.refuse("enabled", "is a key of the collector", advice);
    queue.finish();
    config
}

fn queue_limit(place: &Place<'_>, batch_bytes_max: usize) -> Option<u64> {
    let bytes = place.size(1..=u64::MAX)?;
    if bytes < batch_bytes_max as u64 {
        place.error(
            "is smaller than batch.max_size, so that no full request would fit",
            "raise it, or lower batch.max_size",
        );
        return None;
    }
    Some(bytes)
}
