//! Tailsieve: a tail-sampling engine for OpenTelemetry traces.
//!
//! # Life of a span
//! [`receiver`] takes OTLP requests and admits or refuses them whole; `router` walks the bytes and splits them by trace
//! ID; [`buffer`] holds each trace's raw spans in single-writer shards until its decision window closes; [`sampler`]
//! evaluates the policies; [`exporter`] delivers the traces kept.

pub mod receiver;

pub mod buffer;
pub mod sampler;

pub mod exporter;

pub mod otlp;

pub mod cli;
pub mod tools;

pub mod clock;
pub mod memory;
pub mod metrics;
