//! The hash of what clients choose, for tables that clients must not be able to fill with one hash.
//!
//! rapidhash is fast and spreads well, but with secrets that everybody knows it collides at will: every trace ID whose
//! first eight bytes are one of the secrets hashes alike, and a table of them is searched from end to end. So tables use
//! secrets of this process's own. What replicas must agree on (slots, remembered decisions) is in `batch::key`.

use std::sync::LazyLock;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

static SECRETS: LazyLock<RapidSecrets> = LazyLock::new(|| RapidSecrets::seed(rand::random()));

/// A hash of `bytes` that holds within this process and that nobody outside can foresee.
#[inline]
#[must_use]
pub fn keyed_hash(bytes: &[u8]) -> u64 {
    rapidhash_v3_seeded(bytes, &SECRETS)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rapidhash::v3::rapidhash_v3;

    use super::*;
    use crate::otlp::ids::colliding_for_tests;

    #[test]
    fn identifiers_that_collide_by_the_public_secrets_do_not_by_the_own_ones() {
        let ids: Vec<_> = (0..1_000).map(colliding_for_tests).collect();
        let public: HashSet<u64> = ids.iter().map(|id| rapidhash_v3(&id.0)).collect();
        let keyed: HashSet<u64> = ids.iter().map(|id| keyed_hash(&id.0)).collect();
        assert_eq!(public.len(), 1);
        assert_eq!(keyed.len(), ids.len());
    }
}
