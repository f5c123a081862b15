//! Which attributes are wanted, and where their values go: looked up for every attribute of every span.
//!
//! Most attributes are wanted by nobody. Chains by length and a few bytes of the key turn nearly all of those away without
//! a comparison, and find the others with one. How many there are is bounded by the size of policy files.

use crate::otlp::wire::value::{RawValue, key_value, leading_key};
use crate::sampler::span_context::{AttributeSource, SlotId};

#[derive(Debug, Default)]
pub(super) struct SlotTable {
    sources: [Wanted; 3],
    count: usize,
}

/// The wanted attributes of one source.
#[derive(Debug)]
struct Wanted {
    /// First of `keys` in each chain, counted from 1; 0 where nothing is wanted.
    heads: Vec<u32>,
    keys: Vec<WantedKey>,
}

#[derive(Debug)]
struct WantedKey {
    key: Box<[u8]>,
    slot: SlotId,
    /// Next of its chain, as in `heads`.
    next: u32,
}

/// Fewest chains, so that nearly all attributes that nobody wants meet an empty one.
const CHAINS_MIN: usize = 256;
/// Chains for each key, at least.
const CHAINS_A_KEY: usize = 8;

impl SlotTable {
    /// How many slots there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether any attribute of `source` is wanted.
    pub(super) fn has(&self, source: AttributeSource) -> bool {
        !self.of(source).keys.is_empty()
    }

    /// The slot of an attribute; a new one if nobody has asked for it before.
    pub(super) fn slot(&mut self, source: AttributeSource, key: &str) -> SlotId {
        if let Some(slot) = self.of(source).find(key.as_bytes()) {
            return slot;
        }
        let slot = SlotId(self.count as u32);
        self.count += 1;
        let [span, resource, scope] = &mut self.sources;
        let wanted = match source {
            AttributeSource::Span => span,
            AttributeSource::Resource => resource,
            AttributeSource::Scope => scope,
        };
        wanted.add(key.as_bytes(), slot);
        slot
    }

    /// Puts a span's encoded attribute into its slot as [`Self::put`] does.
    #[inline]
    pub(super) fn put_encoded<'a>(
        &self,
        attribute: &'a [u8],
        slots: &mut [Option<RawValue<'a>>],
    ) -> u64 {
        let [span, ..] = &self.sources;
        if leading_key(attribute).is_some_and(|key| span.head(key) == 0) {
            return 0;
        }
        match key_value(attribute) {
            Some((key, value)) => self.put(AttributeSource::Span, key, value, slots),
            None => 0,
        }
    }

    /// Puts a value into its slot if it is wanted; returns how many were there already (the first one stays).
    #[inline]
    pub(super) fn put<'a>(
        &self,
        source: AttributeSource,
        key: &[u8],
        value: RawValue<'a>,
        slots: &mut [Option<RawValue<'a>>],
    ) -> u64 {
        let slot = self.of(source).find(key);
        let Some(place) = slot.and_then(|slot| slots.get_mut(slot.0 as usize)) else {
            return 0;
        };
        if place.is_some() {
            return 1;
        }
        *place = Some(value);
        0
    }

    /// Empties the slots of one source.
    pub(super) fn clear(&self, source: AttributeSource, slots: &mut [Option<RawValue<'_>>]) {
        for wanted in &self.of(source).keys {
            if let Some(place) = slots.get_mut(wanted.slot.0 as usize) {
                *place = None;
            }
        }
    }

    fn of(&self, source: AttributeSource) -> &Wanted {
        let [span, resource, scope] = &self.sources;
        match source {
            AttributeSource::Span => span,
            AttributeSource::Resource => resource,
            AttributeSource::Scope => scope,
        }
    }
}

impl Wanted {
    fn add(&mut self, key: &[u8], slot: SlotId) {
        self.keys.push(WantedKey {
            key: key.into(),
            slot,
            next: 0,
        });
        let chains = (self.keys.len() * CHAINS_A_KEY).next_power_of_two();
        if chains <= self.heads.len() {
            self.link(self.keys.len() - 1);
            return;
        }
        self.heads = vec![0; chains];
        for index in 0..self.keys.len() {
            self.link(index);
        }
    }

    /// Puts a key at the head of its chain.
    fn link(&mut self, index: usize) {
        let Some(wanted) = self.keys.get_mut(index) else {
            return;
        };
        let chain = chain_of(&wanted.key, self.heads.len());
        if let Some(head) = self.heads.get_mut(chain) {
            wanted.next = std::mem::replace(head, index as u32 + 1);
        }
    }

    #[inline]
    fn head(&self, key: &[u8]) -> u32 {
        let chain = chain_of(key, self.heads.len());
        self.heads.get(chain).copied().unwrap_or_default()
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<SlotId> {
        let mut next = self.head(key);
        while let Some(wanted) = self.keys.get((next as usize).wrapping_sub(1)) {
            if *wanted.key == *key {
                return Some(wanted.slot);
            }
            next = wanted.next;
        }
        None
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            heads: vec![0; CHAINS_MIN],
            keys: Vec::new(),
        }
    }
}

/// The chain of a key among a power of two of them, by its length, its first byte and its last ones.
#[inline]
fn chain_of(key: &[u8], chains: usize) -> usize {
    let mut mixed = key.len() as u64;
    if let [first, .., before, last] = key {
        mixed ^= u64::from(*first) << 8 | u64::from(*before) << 16 | u64::from(*last) << 24;
    }
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (chains - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_wanted_attribute_gets_one_slot_and_keeps_its_first_value() {
        let mut table = SlotTable::default();
        let route = table.slot(AttributeSource::Span, "http.route");
        assert_eq!(table.slot(AttributeSource::Span, "http.route"), route);
        assert_ne!(table.slot(AttributeSource::Resource, "http.route"), route);
        let mut slots = vec![None; table.count()];
        let mut put =
            |key: &[u8], value| table.put(AttributeSource::Span, key, RawValue(value), &mut slots);
        assert_eq!(put(b"http.route", b"1"), 0);
        assert_eq!(put(b"http.route", b"2"), 1);
        assert_eq!(put(b"http.other", b"3"), 0);
        assert_eq!(slots, [Some(RawValue(b"1")), None]);
        table.clear(AttributeSource::Span, &mut slots);
        assert_eq!(slots, [None, None]);
    }

    #[test]
    fn more_keys_than_16_bits_count_have_a_slot_each() {
        let mut table = SlotTable::default();
        let keys = (0..70_000).map(|number| format!("app.key.{number}"));
        let slots: HashSet<SlotId> = keys
            .map(|key| table.slot(AttributeSource::Span, &key))
            .collect();
        assert_eq!(slots.len(), 70_000);
        assert_eq!(table.count(), 70_000);
    }

    #[test]
    fn every_key_of_many_is_found_and_no_other() {
        let mut table = SlotTable::default();
        let keys: Vec<String> = (0..5_000)
            .map(|number| format!("app.key.{number}"))
            .collect();
        let slots: Vec<SlotId> = keys
            .iter()
            .map(|key| table.slot(AttributeSource::Span, key))
            .collect();
        let wanted = table.of(AttributeSource::Span);
        for (key, slot) in keys.iter().zip(slots) {
            assert_eq!(wanted.find(key.as_bytes()), Some(slot));
        }
        for other in ["", "a", "app.key.", "app.key.5000", "app_key_1"] {
            assert_eq!(wanted.find(other.as_bytes()), None);
        }
    }
}
