//! Exporters: bounded queues of encoded requests, delivered with retry until each backend has acknowledged.

pub mod batch;
pub mod config;
