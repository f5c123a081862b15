//! The buffer: single-writer shards that hold each trace's raw spans until it is decided.

pub mod config;
