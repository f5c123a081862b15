//! A set of slots: 512 bytes, whatever is in it.

use super::key::{SLOTS, Slot};

const WORDS: usize = SLOTS as usize / 64;

/// Which of the 4096 slots.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SlotSet([u64; WORDS]);

impl SlotSet {
    /// Bytes of [`SlotSet::to_bytes`].
    pub const BYTES: usize = WORDS * 8;

    /// Every slot.
    #[must_use]
    pub fn all() -> Self {
        Self([u64::MAX; WORDS])
    }

    /// Whether `slot` is in it.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        self.0
            .get(usize::from(slot.0 / 64))
            .is_some_and(|word| word >> (slot.0 % 64) & 1 == 1)
    }

    /// Adds `slot`; says whether it is new.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let is_new = !self.contains(slot);
        if let Some(word) = self.0.get_mut(usize::from(slot.0 / 64)) {
            *word |= 1 << (slot.0 % 64);
        }
        is_new
    }

    /// Takes `slot` out; says whether it was in.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let was_in = self.contains(slot);
        if let Some(word) = self.0.get_mut(usize::from(slot.0 / 64)) {
            *word &= !(1 << (slot.0 % 64));
        }
        was_in
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Its slots, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        (0..SLOTS).map(Slot).filter(|slot| self.contains(*slot))
    }

    /// Little-endian words, the lowest slots first.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (eight, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            eight.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The inverse of [`SlotSet::to_bytes`]; `None` for another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        if words.len() != WORDS || !rest.is_empty() {
            return None;
        }
        let mut set = Self::default();
        for (word, eight) in set.0.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*eight);
        }
        Some(set)
    }
}

impl Default for SlotSet {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl std::fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlotSet({} of {SLOTS})", self.len())
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::default();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_of_slots(wanted in btree_set(0..SLOTS, 0..200), removed in 0..SLOTS) {
            let mut set: SlotSet = wanted.iter().copied().map(Slot).collect();
            prop_assert_eq!(set.len(), wanted.len());
            prop_assert_eq!(set.is_empty(), wanted.is_empty());
            let listed: BTreeSet<u16> = set.iter().map(|slot| slot.0).collect();
            prop_assert_eq!(&listed, &wanted);
            prop_assert_eq!(SlotSet::from_bytes(&set.to_bytes()).unwrap(), set.clone());
            prop_assert_eq!(set.remove(Slot(removed)), wanted.contains(&removed));
            prop_assert!(!set.contains(Slot(removed)));
            prop_assert!(set.insert(Slot(removed)));
        }
    }

    #[test]
    fn other_lengths_are_no_set() {
        assert!(SlotSet::from_bytes(&[0; 511]).is_none());
        assert!(SlotSet::from_bytes(&[0; 520]).is_none());
        assert_eq!(SlotSet::all().len(), usize::from(SLOTS));
    }
}
