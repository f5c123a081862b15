//! What the demo is made of: processes of this same executable, a look at the replica's metrics while they run, and a
//! verdict from the two ledgers.
//!
//! Architecture invariant: the [`verdict`] knows the ledgers only. What the replica says of itself ([`snapshot`]) is
//! shown while it runs and never judged by.

pub mod process;
pub mod snapshot;
pub mod verdict;
