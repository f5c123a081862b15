//! What stages hand to each other: sub-batches of raw spans going in, export batches going out.

pub mod export;
pub mod key;
pub mod metadata;
pub mod peer;
pub mod replica;
pub mod slot_set;
pub mod sub_batch;
