//! Resources and scopes of the spans held, each stored once per shard and counted, since many spans share them.

use bytes::Bytes;
use hashbrown::HashTable;

use crate::keyed_hash::keyed_hash;
use crate::otlp::wire::ScopeEnvelope;

/// A stored envelope of this shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EnvelopeId(pub(super) u32);

/// A stored resource of this shard; several envelopes share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ResourceId(pub(super) u32);

/// The envelopes of one shard.
#[derive(Debug, Default)]
pub(super) struct Envelopes {
    resources: Interned<Box<[u8]>>,
    scopes: Interned<(ResourceId, Box<[u8]>)>,
}

/// Values stored once, by a hash that is given with them, with a count of their users.
#[derive(Debug)]
struct Interned<T> {
    entries: Vec<Option<Entry<T>>>,
    free: Vec<u32>,
    by_hash: HashTable<(u64, u32)>,
    held_bytes: u64,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    hash: u64,
    users: u64,
    bytes: u64,
}

impl Envelopes {
    /// Stores `envelope`, or counts one user more if it is there.
    pub(super) fn acquire(&mut self, envelope: &ScopeEnvelope) -> EnvelopeId {
        let resource = self.acquire_resource(&envelope.resource);
        let hash = scope_hash(resource, &envelope.scope);
        let is_same =
            |(of, scope): &(ResourceId, Box<[u8]>)| *of == resource && **scope == *envelope.scope;
        if let Some(id) = self.scopes.add_user(hash, is_same) {
            self.resources.remove_user(resource.0);
            return EnvelopeId(id);
        }
        let value = (resource, Box::from(&*envelope.scope));
        EnvelopeId(self.scopes.insert(hash, value, envelope.scope.len()))
    }

    /// Counts one user more of an envelope that has one.
    pub(super) fn add_user(&mut self, id: EnvelopeId) {
        if let Some(Some(entry)) = self.scopes.entries.get_mut(id.0 as usize) {
            entry.users += 1;
        }
    }

    /// Counts one user less; the last one's envelope is forgotten.
    pub(super) fn release(&mut self, id: EnvelopeId) {
        if let Some((resource, _)) = self.scopes.remove_user(id.0) {
            self.resources.remove_user(resource.0);
        }
    }

    /// The resource of an envelope: its ID and encoded fields.
    pub(super) fn resource(&self, id: EnvelopeId) -> Option<(ResourceId, &[u8])> {
        let (resource, _) = self.scopes.get(id.0)?;
        Some((*resource, self.resources.get(resource.0)?))
    }

    /// The encoded scope fields of an envelope.
    pub(super) fn scope(&self, id: EnvelopeId) -> &[u8] {
        self.scopes.get(id.0).map_or(&[], |(_, scope)| scope)
    }

    /// Bytes held of the process's memory.
    pub(super) fn held_bytes(&self) -> u64 {
        self.resources.held_bytes + self.scopes.held_bytes
    }

    fn acquire_resource(&mut self, resource: &Bytes) -> ResourceId {
        let hash = keyed_hash(resource);
        let found = self.resources.add_user(hash, |held| **held == **resource);
        ResourceId(found.unwrap_or_else(|| {
            self.resources
                .insert(hash, Box::from(&**resource), resource.len())
        }))
    }
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            by_hash: HashTable::new(),
            held_bytes: 0,
        }
    }
}

impl<T> Interned<T> {
    fn get(&self, id: u32) -> Option<&T> {
        let entry = self.entries.get(id as usize)?.as_ref()?;
        Some(&entry.value)
    }

    fn add_user(&mut self, hash: u64, is_same: impl Fn(&T) -> bool) -> Option<u32> {
        let entries = &mut self.entries;
        let (_, id) = *self.by_hash.find(hash, |(held, id)| {
            let entry = entries.get(*id as usize).and_then(Option::as_ref);
            *held == hash && entry.is_some_and(|entry| is_same(&entry.value))
        })?;
        entries.get_mut(id as usize)?.as_mut()?.users += 1;
        Some(id)
    }

    fn insert(&mut self, hash: u64, value: T, content_bytes: usize) -> u32 {
        let bytes = (content_bytes + size_of::<Option<Entry<T>>>() + 24) as u64;
        self.held_bytes += bytes;
        let entry = Some(Entry {
            value,
            hash,
            users: 1,
            bytes,
        });
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.entries.get_mut(id as usize) {
                    *place = entry;
                }
                id
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.by_hash
            .insert_unique(hash, (hash, id), |(hash, _)| *hash);
        id
    }

    /// Returns the value when that was its last user.
    fn remove_user(&mut self, id: u32) -> Option<T> {
        let place = self.entries.get_mut(id as usize)?;
        let entry = place.as_mut()?;
        entry.users -= 1;
        if entry.users > 0 {
            return None;
        }
        let entry = place.take()?;
        if let Ok(found) = self
            .by_hash
            .find_entry(entry.hash, |(_, other)| *other == id)
        {
            found.remove();
        }
        self.free.push(id);
        self.held_bytes -= entry.bytes;
        if self.free.len() == self.entries.len() {
            *self = Self::default();
        }
        Some(entry.value)
    }
}

/// A fleet has the same few scopes around thousands of resources: they must differ at both ends, where a `HashTable`
/// looks.
fn scope_hash(resource: ResourceId, scope: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    (keyed_hash(scope) ^ u64::from(resource.0)).wrapping_mul(ODD)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn one_scope_around_many_resources_spreads_over_the_table() {
        let hashes = (0..4_096).map(|resource| scope_hash(ResourceId(resource), b"http"));
        let (low, high): (HashSet<_>, HashSet<_>) =
            hashes.map(|hash| (hash % 4_096, hash >> 57)).unzip();
        assert_eq!(low.len(), 4_096);
        assert_eq!(high.len(), 128);
    }

    fn envelope(resource: &'static str, scope: &'static str) -> ScopeEnvelope {
        ScopeEnvelope {
            resource_index: 0,
            resource: Bytes::from_static(resource.as_bytes()),
            scope: Bytes::from_static(scope.as_bytes()),
        }
    }

    #[test]
    fn equal_envelopes_are_stored_once_and_forgotten_with_their_last_user() {
        let mut envelopes = Envelopes::default();
        let a = envelopes.acquire(&envelope("cart", "http"));
        let b = envelopes.acquire(&envelope("cart", "grpc"));
        let again = envelopes.acquire(&envelope("cart", "http"));
        assert_eq!(a, again);
        assert_ne!(a, b);
        assert_eq!(envelopes.resource(a), envelopes.resource(b));
        assert_eq!(envelopes.scope(b), b"grpc");
        envelopes.release(a);
        assert_eq!(envelopes.scope(a), b"http");
        envelopes.release(again);
        assert_eq!(envelopes.resource(a), None);
        assert!(envelopes.resource(b).is_some());
        envelopes.release(b);
        assert_eq!(envelopes.held_bytes(), 0);
    }

    #[test]
    fn a_freed_place_is_used_again() {
        let mut envelopes = Envelopes::default();
        let keep = envelopes.acquire(&envelope("keep", ""));
        let gone = envelopes.acquire(&envelope("gone", ""));
        envelopes.release(gone);
        let new = envelopes.acquire(&envelope("new", ""));
        assert_eq!(new, gone);
        assert_eq!(envelopes.resource(new).unwrap().1, b"new");
        assert_eq!(envelopes.resource(keep).unwrap().1, b"keep");
    }
}
