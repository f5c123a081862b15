//! The sampler: policies, compiled into an immutable set, that decide about whole traces.
//!
//! Architecture invariant: no I/O, no clock but the moment given, no knowledge of transports.

pub mod config;
