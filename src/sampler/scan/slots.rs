//! Which attributes are wanted, and where their values go: looked up for every attribute of every span.
//!
//! Most attributes are wanted by nobody: a filter of 64 bits by length and last byte turns nearly all of those away
//! before a key is hashed.

use hashbrown::HashTable;

use crate::otlp::wire::value::RawValue;
use crate::sampler::span_context::{AttributeSource, SlotId};

/// Most attributes that the policies of a set may name.
pub(crate) const SLOTS_MAX: usize = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct SlotTable {
    sources: [Wanted; 3],
    count: usize,
}

/// The wanted attributes of one source.
#[derive(Debug, Default)]
struct Wanted {
    filter: u64,
    keys: HashTable<(Box<[u8]>, SlotId)>,
}

impl SlotTable {
    /// How many slots there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether any attribute of `source` is wanted.
    pub(super) fn has(&self, source: AttributeSource) -> bool {
        self.of(source).filter != 0
    }

    /// The slot of an attribute; a new one if nobody has asked for it before.
    pub(super) fn slot(&mut self, source: AttributeSource, key: &str) -> SlotId {
        if let Some(slot) = self.of(source).find(key.as_bytes()) {
            return slot;
        }
        let slot = SlotId(self.count.min(SLOTS_MAX - 1) as u16);
        self.count += 1;
        let [span, resource, scope] = &mut self.sources;
        let wanted = match source {
            AttributeSource::Span => span,
            AttributeSource::Resource => resource,
            AttributeSource::Scope => scope,
        };
        wanted.filter |= filter_bit(key.as_bytes());
        let entry = (key.as_bytes().into(), slot);
        wanted
            .keys
            .insert_unique(hash(key.as_bytes()), entry, |(key, _)| hash(key));
        slot
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
        let wanted = self.of(source);
        if wanted.filter & filter_bit(key) == 0 {
            return 0;
        }
        let slot = wanted.find(key);
        let Some(place) = slot.and_then(|slot| slots.get_mut(usize::from(slot.0))) else {
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
        for (_, slot) in &self.of(source).keys {
            if let Some(place) = slots.get_mut(usize::from(slot.0)) {
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
    fn find(&self, key: &[u8]) -> Option<SlotId> {
        let found = self.keys.find(hash(key), |(known, _)| **known == *key);
        found.map(|(_, slot)| *slot)
    }
}

/// The keys are the operator's: nobody else can make them collide, and what is looked up is compared.
fn hash(key: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(key)
}

fn filter_bit(key: &[u8]) -> u64 {
    let last = key.last().copied().unwrap_or_default();
    1 << ((key.len() as u64).wrapping_mul(7) ^ u64::from(last)) % 64
}

#[cfg(test)]
mod tests {
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
}
