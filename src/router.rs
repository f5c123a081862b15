//! The router: walks a request's bytes and splits its spans by trace ID into sub-batches, one per shard.
//!
//! Pure, but for [`forward`]: it owns no queue and sends nothing. `replica` reserves room for all sub-batches of a request
//! and hands them over, all or none. [`forward`] takes those that another replica owns to that replica.

pub mod forward;
pub mod member;

mod split;

pub use split::{Routed, Splitter, routed_bytes_max, working_bytes_max};
