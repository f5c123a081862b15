//! What stages hand to each other: sub-batches of raw spans going in, export batches going out.

pub mod export;
pub mod key;
pub mod metadata;
pub mod sub_batch;
