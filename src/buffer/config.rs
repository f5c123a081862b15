//! Settings of the buffer, already checked: the windows come from the policy file, the rest from the server file.

use std::time::Duration;

/// How long traces are held and how much may be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferConfig {
    /// `shards`: single-writer threads; 0 is one per core. Default 0.
    pub shards: usize,
    /// `inbox_limit`: sub-batches waiting in front of a shard. Default 1,024.
    pub inbox_sub_batches_max: usize,
    /// `decision_cache.limit`, in bytes, over all shards. Default 100 MB, 5 million decisions. 0 switches it off.
    pub decision_cache_bytes: usize,
    /// `decision_log.limit`, in bytes, over all shards: recent decisions with all votes. Default 4 MiB, some 15,000
    /// decisions of three policies. 0 switches it off.
    pub decision_log_bytes: usize,
    /// `batch.max_size`: an export request is cut when it is as large. Default 1 MiB.
    pub batch_bytes_max: usize,
    /// `batch.timeout`: longest wait of a kept trace for company. Default 200 ms.
    pub batch_timeout: Duration,
}

/// The windows of a policy file; they apply to traces first seen while it is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowConfig {
    /// `decision_wait` after a trace's first span. Default 30 s.
    pub decision_wait: Duration,
    /// `decision_wait_after_root_received`; `None` (0 in the file) leaves the window to `decision_wait`. Default none.
    pub decision_wait_after_root: Option<Duration>,
    /// `num_traces`, over all shards: most traces held. Default `None`: bounded by bytes alone.
    pub num_traces: Option<usize>,
    /// `num_traces_overflow`: what becomes of the oldest trace when `num_traces` is reached. Default decide.
    pub num_traces_overflow: Overflow,
    /// `block_on_overflow`: at `num_traces` new traces wait, and nothing happens to the oldest. Default false.
    pub block_on_overflow: bool,
    /// `maximum_trace_size_bytes`: a trace beyond it is not kept; `None` (0 in the file) is no limit. Default none.
    pub maximum_trace_size_bytes: Option<u64>,
}

/// What becomes of a trace for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// `decide`: it is decided with the spans that it has.
    #[default]
    Decide,
    /// `discard`: it is forgotten undecided, as the collector does.
    Discard,
}

impl Default for BufferConfig {
    fn default() -> Self {
        Self {
            shards: 0,
            inbox_sub_batches_max: 1_024,
            decision_cache_bytes: 100_000_000,
            decision_log_bytes: 4 << 20,
            batch_bytes_max: 1 << 20,
            batch_timeout: Duration::from_millis(200),
        }
    }
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            decision_wait: Duration::from_secs(30),
            decision_wait_after_root: None,
            num_traces: None,
            num_traces_overflow: Overflow::Decide,
            block_on_overflow: false,
            maximum_trace_size_bytes: None,
        }
    }
}
