//! Request headers that travel with spans (`include_metadata`): part of a trace's key, sent on by exporters.

use std::sync::Arc;

use rapidhash::v3::rapidhash_v3;

/// Header names and values of a request: names in lower case, in the order of the configuration; a header that the
/// request did not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RequestMetadata(pub Vec<(String, String)>);

/// Whether two requests have the same metadata. Receivers intern it, so equal ones are one.
#[must_use]
pub fn is_same(one: Option<&Arc<RequestMetadata>>, other: Option<&Arc<RequestMetadata>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

impl RequestMetadata {
    /// A hash of names and values that is the same on every replica.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.iter().fold(0, |hash: u64, (name, value)| {
            let mixed =
                rapidhash_v3(name.as_bytes()).rotate_left(1) ^ rapidhash_v3(value.as_bytes());
            rapidhash_v3(&[hash.to_le_bytes(), mixed.to_le_bytes()].concat())
        })
    }
}
