//! Names that the demo reads back from the metrics of a replica; a test keeps them equal to the registered ones.

/// Spans of readable requests.
pub const ROUTER_SPANS_RECEIVED: &str = "tailsieve_router_spans_received_total";
/// Undecided traces held.
pub const BUFFER_TRACES: &str = "tailsieve_buffer_traces";
/// Bytes held for them.
pub const BUFFER_BYTES: &str = "tailsieve_buffer_bytes";
/// Traces decided, labelled `policy` and `decision`.
pub const SAMPLER_TRACES_DECIDED: &str = "tailsieve_sampler_traces_decided_total";
