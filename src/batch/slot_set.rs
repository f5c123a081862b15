//! A set of slots: 512 bytes, whatever is in it.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Sub, SubAssign};

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
        let words = self.0.iter().zip((0_u16..).step_by(64));
        words.flat_map(|(word, first)| Bits(*word).map(move |bit| Slot(first + bit)))
    }

    /// Its `most` lowest slots.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        self.iter().take(most).collect()
    }

    /// Whether a slot is in both.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .any(|(own, other)| own & other != 0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .all(|(own, other)| other & !own == 0)
    }

    fn each(&mut self, other: &Self, combine: impl Fn(u64, u64) -> u64) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own = combine(*own, other);
        }
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

/// The numbers of the bits that are set in a word.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        u16::try_from(bit).ok().filter(|bit| *bit < 64)
    }
}

impl BitOrAssign<&SlotSet> for SlotSet {
    fn bitor_assign(&mut self, other: &SlotSet) {
        self.each(other, |own, other| own | other);
    }
}

impl BitAndAssign<&SlotSet> for SlotSet {
    fn bitand_assign(&mut self, other: &SlotSet) {
        self.each(other, |own, other| own & other);
    }
}

impl SubAssign<&SlotSet> for SlotSet {
    fn sub_assign(&mut self, other: &SlotSet) {
        self.each(other, |own, other| own & !other);
    }
}

impl BitOr for &SlotSet {
    type Output = SlotSet;

    fn bitor(self, other: &SlotSet) -> SlotSet {
        let mut both = self.clone();
        both |= other;
        both
    }
}

impl BitAnd for &SlotSet {
    type Output = SlotSet;

    fn bitand(self, other: &SlotSet) -> SlotSet {
        let mut common = self.clone();
        common &= other;
        common
    }
}

impl Sub for &SlotSet {
    type Output = SlotSet;

    fn sub(self, other: &SlotSet) -> SlotSet {
        let mut rest = self.clone();
        rest -= other;
        rest
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

    proptest! {
        #[test]
        fn sets_combine_as_sets_do(one in btree_set(0..SLOTS, 0..200), other in btree_set(0..SLOTS, 0..200)) {
            let set = |slots: &BTreeSet<u16>| -> SlotSet { slots.iter().copied().map(Slot).collect() };
            let (a, b) = (set(&one), set(&other));
            prop_assert_eq!(&a | &b, set(&(&one | &other)));
            prop_assert_eq!(&a & &b, set(&(&one & &other)));
            prop_assert_eq!(&a - &b, set(&(&one - &other)));
            prop_assert_eq!(a.intersects(&b), !one.is_disjoint(&other));
            prop_assert!((&a | &b).is_superset(&b));
            prop_assert_eq!(a.is_superset(&b), one.is_superset(&other));
            prop_assert_eq!(a.first(3).len(), one.len().min(3));
        }
    }

    #[test]
    fn other_lengths_are_no_set() {
        assert!(SlotSet::from_bytes(&[0; 511]).is_none());
        assert!(SlotSet::from_bytes(&[0; 520]).is_none());
        assert_eq!(SlotSet::all().len(), usize::from(SLOTS));
    }
}
