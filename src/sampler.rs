//! The sampler: policies, compiled into an immutable set, that decide about whole traces.
//!
//! Architecture invariant: no I/O, no clock but the moment given, no knowledge of transports or of how spans are held.

pub mod policy_set;

mod compiler;
pub mod config;
pub mod evaluation;
mod limiter;
pub mod ottl;
pub mod pattern;
mod policies;
pub mod policy;
pub mod precedence;
mod scan;
mod span_context;
pub mod trace_summary;
pub mod trace_view;
pub mod wasm;
pub mod witness;

#[cfg(test)]
pub(crate) mod test_support;
