//! OTLP as bytes: the walk over the wire format, identifiers, and the JSON encoding at the edges.
//!
//! Architecture invariant: nothing here knows receivers, buffers or exporters.

pub mod grpc_status;
pub mod ids;
pub mod json;
pub mod size;
pub(crate) mod trace_state;
pub mod wire;
