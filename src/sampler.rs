//! The sampler: policies, compiled into an immutable set, that decide about whole traces.
//!
//! Architecture invariant: no I/O, no clock but the moment given, no knowledge of transports or of how spans are held.

pub mod config;
mod limiter;
pub mod ottl;
pub mod pattern;
pub mod policies;
pub mod policy;
pub mod policy_set;
pub mod precedence;
mod span_context;
pub mod trace_summary;
pub mod trace_view;
