//! Tailsieve: a tail-sampling engine for OpenTelemetry traces.
//!
//! # Life of a span
//! [`receiver`] takes OTLP requests over gRPC or HTTP, admits them by bytes or refuses them whole, and inflates them;
//! [`router`] walks the bytes and splits them by trace ID; [`buffer`] holds each trace's raw spans in single-writer
//! shards until its decision window closes; [`sampler`] evaluates the policies; the buffer releases what is kept to
//! [`exporter`], which delivers it until each backend has acknowledged. Spans stay the bytes that they arrived as.
//!
//! Stages do not import each other (the buffer's shards call the sampler; that is the only exception). What they hand
//! over is in [`batch`]; they are wired in [`replica`].

pub mod receiver;

pub mod router;

pub mod buffer;
pub mod sampler;

pub mod exporter;

pub mod replica;

pub mod accounting;
pub mod batch;
pub mod otlp;

pub mod admin;
pub mod clock;
pub mod config;
pub mod file_watch;
pub mod invariant;
pub mod keyed_hash;
pub mod memory;
pub mod metrics;
mod planted;

pub mod cli;
pub mod tools;
pub mod what_if;
