//! Request headers that travel with spans (`include_metadata`): part of a trace's key, sent on by exporters.

use rapidhash::v3::rapidhash_v3;

/// Header names and values of a request: names in lower case, in the order of the configuration; a header that the
/// request did not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RequestMetadata(pub Vec<(String, String)>);

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
