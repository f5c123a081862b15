//! The router: walks a request's bytes and splits its spans by trace ID into sub-batches, one per shard.
//!
//! Pure: it owns no queue and sends nothing. `replica` reserves room for all sub-batches of a request and hands them
//! over, all or none. So is what a replica concludes from what it knows of the others ([`deaths`], [`holders`]); only
//! [`membership`], which learns it, and [`forward`], which sends spans there, are network.

pub mod config;
pub mod deaths;
pub mod forward;
pub mod holders;
pub mod load;
pub mod member;
pub mod membership;
pub mod ownership;

mod split;

pub use split::{Routed, Splitter, routed_bytes_max, working_bytes_max};
