//! The buffer: single-writer shards that hold each trace's raw spans until it is decided.
//!
//! A shard is a synchronous state machine ([`shard::Shard::turn`]); [`driver`] gives it a thread. What it keeps goes to
//! [`release`], which encodes export batches for whoever is behind [`release::Outlet`].

mod applied_names;
mod block_pool;
pub mod config;
pub mod deadlines;
pub mod decision_cache;
pub mod decision_log;
pub mod driver;
mod envelopes;
pub mod inbox;
mod ledger;
mod marks;
mod plugin_observer;
pub mod release;
pub mod shard;
mod span_store;
mod trace;
mod trace_table;
