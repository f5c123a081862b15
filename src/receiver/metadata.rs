//! The request headers that are part of a trace's key (`include_metadata`), interned.
//!
//! Each combination of values exists once per process, shared by its requests, traces and batches, and is forgotten
//! with the last of them. Its number is limited (`metadata_cardinality_limit`, 1,000 by default) because each one
//! splits traces and export batches: a header that is different in every request would undo both.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

use hashbrown::HashTable;
use http::{HeaderMap, HeaderName};
use parking_lot::Mutex;
use rapidhash::fast::RandomState;

use crate::batch::metadata::RequestMetadata;

use super::status::Failure;

/// Longest combination, names and values together, in bytes: 1,000 of them take 4 MB at most.
const COMBINATION_BYTES_MAX: usize = 4_096;

/// The combinations alive.
#[derive(Debug)]
pub struct MetadataTable {
    names: Vec<HeaderName>,
    combinations_max: usize,
    hasher: RandomState,
    combinations: Mutex<HashTable<Weak<RequestMetadata>>>,
}

impl MetadataTable {
    /// A table for `names` in lower case. A name that no HTTP header can have is never found and so left out.
    #[must_use]
    pub fn new(names: &[String], combinations_max: usize) -> Self {
        Self {
            names: names.iter().filter_map(|name| name.parse().ok()).collect(),
            combinations_max,
            hasher: RandomState::new(),
            combinations: Mutex::new(HashTable::new()),
        }
    }

    /// The combination that `headers` hold; `None` when they have none of the names.
    ///
    /// # Errors
    /// [`Failure::Undecodable`] for values that cannot be told apart or sent on faithfully (no UTF-8, too long),
    /// [`Failure::Overloaded`] for one combination too many.
    pub(super) fn of(&self, headers: &HeaderMap) -> Result<Option<Arc<RequestMetadata>>, Failure> {
        if self.names.is_empty() {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        let mut bytes = 0;
        for name in &self.names {
            for value in headers.get_all(name) {
                let value = std::str::from_utf8(value.as_bytes()).map_err(|error| {
                    Failure::Undecodable(format!("header {name} is no UTF-8: {error}"))
                })?;
                bytes += name.as_str().len() + value.len();
                pairs.push((name.as_str(), value));
            }
        }
        if pairs.is_empty() {
            return Ok(None);
        }
        if bytes > COMBINATION_BYTES_MAX {
            return Err(Failure::Undecodable(format!(
                "the headers of include_metadata have {bytes} bytes, at most {COMBINATION_BYTES_MAX} are taken"
            )));
        }
        self.intern(&pairs).map(Some)
    }

    /// The combination that came from another replica, which has counted it.
    #[must_use]
    pub fn of_peer(&self, metadata: Arc<RequestMetadata>) -> Arc<RequestMetadata> {
        let pairs = metadata.0.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let hash = self.hash(pairs.iter().copied());
        let mut combinations = self.combinations.lock();
        if let Some(known) = alive(&combinations, hash, &pairs) {
            return known;
        }
        if combinations.len() >= self.combinations_max {
            combinations.retain(|weak| weak.strong_count() > 0);
        }
        self.insert(&mut combinations, hash, &metadata);
        metadata
    }

    fn intern(&self, pairs: &[(&str, &str)]) -> Result<Arc<RequestMetadata>, Failure> {
        let hash = self.hash(pairs.iter().copied());
        let mut combinations = self.combinations.lock();
        if let Some(known) = alive(&combinations, hash, pairs) {
            return Ok(known);
        }
        if combinations.len() >= self.combinations_max {
            combinations.retain(|weak| weak.strong_count() > 0);
        }
        if combinations.len() >= self.combinations_max {
            return Err(Failure::Overloaded(format!(
                "metadata_cardinality_limit is reached: {} combinations of include_metadata headers are in use",
                self.combinations_max
            )));
        }
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let fresh = Arc::new(RequestMetadata(owned));
        self.insert(&mut combinations, hash, &fresh);
        Ok(fresh)
    }

    fn insert(
        &self,
        combinations: &mut HashTable<Weak<RequestMetadata>>,
        hash: u64,
        fresh: &Arc<RequestMetadata>,
    ) {
        combinations.insert_unique(hash, Arc::downgrade(fresh), |weak| {
            // A dead entry may land anywhere: nothing looks for it any more.
            weak.upgrade().map_or(0, |known| self.hash_of(&known))
        });
    }

    fn hash_of(&self, metadata: &RequestMetadata) -> u64 {
        let pairs = metadata.0.iter();
        self.hash(pairs.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn hash<'a>(&self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        pairs.for_each(|pair| pair.hash(&mut hasher));
        hasher.finish()
    }
}

fn alive(
    combinations: &HashTable<Weak<RequestMetadata>>,
    hash: u64,
    pairs: &[(&str, &str)],
) -> Option<Arc<RequestMetadata>> {
    let found = combinations.find(hash, |weak| {
        weak.upgrade().is_some_and(|known| same(&known, pairs))
    });
    found.and_then(Weak::upgrade)
}

fn same(known: &RequestMetadata, pairs: &[(&str, &str)]) -> bool {
    known.0.len() == pairs.len()
        && known
            .0
            .iter()
            .zip(pairs)
            .all(|(known, pair)| known.0 == pair.0 && known.1 == pair.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn table(combinations_max: usize) -> MetadataTable {
        let names = ["x-tenant".to_owned(), "x-zone".to_owned()];
        MetadataTable::new(&names, combinations_max)
    }

    #[test]
    fn what_another_replica_sends_is_the_same_as_what_clients_send() {
        let table = table(1);
        let own = table.of(&headers(&[("x-tenant", "a")])).unwrap().unwrap();
        let sent = |value: &str| Arc::new(RequestMetadata(vec![("x-tenant".into(), value.into())]));
        assert!(Arc::ptr_eq(&own, &table.of_peer(sent("a"))));
        // That replica has let it in.
        let other = table.of_peer(sent("b"));
        assert!(Arc::ptr_eq(&other, &table.of_peer(sent("b"))));
    }

    #[test]
    fn equal_headers_share_one_combination_and_others_do_not() {
        let table = table(10);
        let of = |value| table.of(&headers(&[("x-tenant", value)])).unwrap().unwrap();
        let (first, second, other) = (of("a"), of("a"), of("b"));
        assert!(Arc::ptr_eq(&first, &second));
        assert_ne!(first, other);
        assert_eq!(first.0, [("x-tenant".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn headers_that_are_not_named_do_not_count() {
        let table = table(10);
        assert_eq!(table.of(&headers(&[("x-other", "1")])), Ok(None));
        let plain = MetadataTable::new(&[], 0);
        assert_eq!(plain.of(&headers(&[("x-tenant", "1")])), Ok(None));
    }

    #[test]
    fn one_combination_too_many_is_overload_until_another_is_forgotten() {
        let table = table(2);
        let of = |value| table.of(&headers(&[("x-tenant", value)]));
        let first = of("a").unwrap();
        let _second = of("b").unwrap();
        assert!(
            matches!(of("c"), Err(Failure::Overloaded(why)) if why.contains("metadata_cardinality_limit"))
        );
        assert_eq!(of("a").unwrap(), first);
        drop(first);
        assert!(of("c").is_ok());
    }

    #[test]
    fn values_that_are_no_text_or_too_long_are_refused() {
        let table = table(2);
        let mut odd = HeaderMap::new();
        odd.insert("x-tenant", http::HeaderValue::from_bytes(&[0xff]).unwrap());
        assert!(matches!(table.of(&odd), Err(Failure::Undecodable(_))));
        let long = "x".repeat(COMBINATION_BYTES_MAX);
        assert!(matches!(
            table.of(&headers(&[("x-tenant", &long)])),
            Err(Failure::Undecodable(_))
        ));
    }
}
