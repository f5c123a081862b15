//! `shards`, `inbox_limit`, `decision_cache`, `decision_log` and `batch`.

use crate::buffer::config::BufferConfig;
use crate::config::decode::{Fields, Place};

/// Most shards: far above the cores of any machine, and a typing error below it does no harm.
const SHARDS_MAX: usize = 1_024;
/// Most sub-batches in front of a shard.
const INBOX_MAX: usize = 1 << 20;
/// Largest decision cache: 16 GiB holds some 800 million decisions.
const CACHE_BYTES_MAX: u64 = 16 << 30;
/// Largest decision log: a shard looks through all of it when it is asked.
const LOG_BYTES_MAX: u64 = 1 << 30;
/// Largest export request. Most backends refuse gRPC messages above 4 MiB unless told otherwise.
const BATCH_BYTES_MAX: u64 = 64 << 20;

pub(super) fn buffer(fields: &mut Fields<'_>) -> BufferConfig {
    let mut config = BufferConfig::default();
    fields.set("shards", &mut config.shards, |shards| {
        shards.count(0..=SHARDS_MAX)
    });
    fields.set("inbox_limit", &mut config.inbox_sub_batches_max, |limit| {
        limit.count(1..=INBOX_MAX)
    });
    if let Some(mut cache) = fields.section("decision_cache") {
        cache.set("limit", &mut config.decision_cache_bytes, |limit| {
            limit.size_in_memory(0..=CACHE_BYTES_MAX)
        });
        let problem = "is a key of policy files";
        let advice = "decisions of both kinds share decision_cache.limit, in bytes";
        cache.refuse("sampled_cache_size", problem, advice);
        cache.refuse("non_sampled_cache_size", problem, advice);
        cache.finish();
    }
    if let Some(mut log) = fields.section("decision_log") {
        log.set("limit", &mut config.decision_log_bytes, |limit| {
            limit.size_in_memory(0..=LOG_BYTES_MAX)
        });
        log.finish();
    }
    if let Some(mut batch) = fields.section("batch") {
        batch.set("max_size", &mut config.batch_bytes_max, |size| {
            size.size_in_memory(1_024..=BATCH_BYTES_MAX)
        });
        batch.set("timeout", &mut config.batch_timeout, Place::duration);
        batch.finish();
    }
    config
}
