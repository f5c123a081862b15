//! Remembered decisions, so that late spans follow them: bounded in bytes, 16 bytes a decision.
//!
//! Sets of 64 decisions, the most recently used first; a new one pushes the last of its set out. With 5 million
//! decisions in 100 MB the sets are four fifths full, so that hardly one in a hundred is forgotten early. The
//! cache starts at an eighth of its limit and doubles as it fills, each set becoming two neighbours. All 64
//! bits of the hash are compared (56 stored, 8 implied by the place), so that with 5 million remembered a false match
//! has a chance of 3e-13 a look-up.
//!
//! An entry is two words; a set has all first words, then all second ones:
//!
//! | word | bits 63-8                       | 7-2                     | 1-0      |
//! |------|---------------------------------|-------------------------|----------|
//! | 0    | hash without its bits 51-44     | policy, upper 6 bits    | decision |
//!
//! | word | bits 63-56           | 55-0               |
//! |------|----------------------|--------------------|
//! | 1    | policy, lower 8 bits | sampling threshold |

use crate::batch::key::KeyHash;
use crate::batch::slot_set::SlotSet;
use crate::sampler::precedence::Decision;

/// What is remembered of a decided trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// What became of it.
    pub decision: Decision,
    /// Number of the mark of the policy that kept it, at most [`Remembered::POLICY_MAX`]; that value means none.
    pub policy: u16,
    /// OpenTelemetry's rejection threshold, 56 bits; 0 keeps all.
    pub threshold: u64,
}

impl Remembered {
    /// The greatest number there is room for.
    pub const POLICY_MAX: u16 = (1 << 14) - 1;
}

const WAYS: usize = 64;
const ENTRY_BYTES: usize = 16;
/// The place implies 8 bits of the hash, for which the number of sets must be a multiple of this.
const SETS_STEP: usize = 256;

/// How often the cache doubles until it is as large as it may be.
const DOUBLINGS: u32 = 3;

/// A set's words; an entry whose first word has 0 for a decision is empty.
type Set = [u64; SET_WORDS];
const SET_WORDS: usize = 2 * WAYS;

/// A fixed number of remembered decisions. Single writer.
#[derive(Debug)]
pub struct DecisionCache {
    /// Sets one after the other. Zeroed pages come from the system untouched: memory is used as decisions come in.
    words: Vec<u64>,
    sets_max: usize,
}

impl DecisionCache {
    /// A cache of at most `limit_bytes`; of less than 2 MiB there is none, and nothing is remembered.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        let step = SETS_STEP << DOUBLINGS;
        let sets_max = limit_bytes / (WAYS * ENTRY_BYTES) / step * step;
        Self {
            words: vec![0; (sets_max >> DOUBLINGS) * SET_WORDS],
            sets_max,
        }
    }

    /// How many decisions it will have room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.sets_max * WAYS
    }

    /// Remembers a decision, in place of an older one about the same trace.
    pub fn insert(&mut self, hash: KeyHash, remembered: Remembered) {
        let tag = tag_of(hash);
        let Some(way) = self.place_for(hash, tag) else {
            return;
        };
        let Some(set) = self.set_mut(hash) else {
            return;
        };
        move_to_front(set, way);
        let (first, second) = pack(tag, remembered);
        write_front(set, first, second);
    }

    /// Looks a decision up and makes it the last of its set to be forgotten.
    #[inline]
    pub fn get(&mut self, hash: KeyHash) -> Option<Remembered> {
        let tag = tag_of(hash);
        let set = self.set_mut(hash)?;
        let way = find(set, tag)?;
        move_to_front(set, way);
        entries(set)
            .next()
            .and_then(|(first, second)| unpack(first, second))
    }

    /// All decisions remembered for the traces of `slots`. Looks at every place: ask for many slots at once.
    pub fn of_slots(&self, slots: &SlotSet) -> impl Iterator<Item = (KeyHash, Remembered)> {
        let (sets, _) = self.words.as_chunks::<SET_WORDS>();
        let count = sets.len();
        sets.iter().enumerate().flat_map(move |(index, set)| {
            entries(set).filter_map(move |(first, second)| {
                let remembered = unpack(first, second)?;
                let hash = hash_of(first >> 8, index, count);
                slots.contains(hash.slot()).then_some((hash, remembered))
            })
        })
    }

    /// The way that a new decision about this trace takes: its old one's, an empty one, or the last. Grows first where
    /// that would push another decision out.
    fn place_for(&mut self, hash: KeyHash, tag: u64) -> Option<usize> {
        let set = self.set_mut(hash)?;
        if let Some(way) = find(set, tag).or_else(|| find_empty(set)) {
            return Some(way);
        }
        if self.sets() < self.sets_max {
            self.grow();
            return self.place_for(hash, tag);
        }
        Some(WAYS - 1)
    }

    /// Doubles the sets: each becomes two neighbours, told apart by the next bit of the hash.
    fn grow(&mut self) {
        let count = self.sets();
        let mut grown = Self {
            words: vec![0; self.words.len() * 2],
            sets_max: self.sets_max,
        };
        let (sets, _) = self.words.as_chunks::<SET_WORDS>();
        for (index, set) in sets.iter().enumerate() {
            // The last to be forgotten goes in last.
            let (firsts, seconds) = set.split_at(WAYS);
            for (first, second) in firsts
                .iter()
                .zip(seconds)
                .rev()
                .filter(|(first, _)| **first & 3 != 0)
            {
                let hash = hash_of(first >> 8, index, count);
                if let Some(set) = grown.set_mut(hash) {
                    move_to_front(set, WAYS - 1);
                    write_front(set, tag_of(hash) << 8 | first & 0xff, *second);
                }
            }
        }
        *self = grown;
    }

    fn sets(&self) -> usize {
        self.words.len() / SET_WORDS
    }

    fn set_mut(&mut self, hash: KeyHash) -> Option<&mut Set> {
        let index = set_index(hash, self.sets());
        self.words.as_chunks_mut::<SET_WORDS>().0.get_mut(index)
    }
}

/// Bits 51-20 of the hash, scaled to the number of sets.
fn set_index(hash: KeyHash, sets: usize) -> usize {
    ((((hash.0 >> 20) & 0xffff_ffff) * sets as u64) >> 32) as usize
}

/// The hash without bits 51-44, 56 bits.
fn tag_of(hash: KeyHash) -> u64 {
    (hash.0 >> 52) << 44 | hash.0 & ((1 << 44) - 1)
}

/// The inverse of [`tag_of`] and [`set_index`] together.
fn hash_of(tag: u64, set_index: usize, sets: usize) -> KeyHash {
    let implied = (set_index * SETS_STEP / sets) as u64;
    KeyHash((tag >> 44) << 52 | implied << 44 | tag & ((1 << 44) - 1))
}

#[inline]
fn find(set: &Set, tag: u64) -> Option<usize> {
    let firsts = set.iter().take(WAYS);
    firsts
        .into_iter()
        .position(|first| first >> 8 == tag && first & 3 != 0)
}

fn find_empty(set: &Set) -> Option<usize> {
    set.iter().take(WAYS).position(|first| first & 3 == 0)
}

fn entries(set: &Set) -> impl Iterator<Item = (u64, u64)> {
    let (firsts, seconds) = set.split_at(WAYS);
    firsts.iter().copied().zip(seconds.iter().copied())
}

fn move_to_front(set: &mut Set, way: usize) {
    let (firsts, seconds) = set.split_at_mut(WAYS);
    for words in [firsts, seconds] {
        if let Some(until) = words.get_mut(..=way) {
            until.rotate_right(1);
        }
    }
}

fn write_front(set: &mut Set, first: u64, second: u64) {
    let (firsts, seconds) = set.split_at_mut(WAYS);
    if let (Some(front), Some(front_second)) = (firsts.first_mut(), seconds.first_mut()) {
        (*front, *front_second) = (first, second);
    }
}

fn pack(tag: u64, remembered: Remembered) -> (u64, u64) {
    let decision = match remembered.decision {
        Decision::Sampled => 1,
        Decision::NotSampled => 2,
        Decision::Dropped => 3,
    };
    let policy = u64::from(remembered.policy.min(Remembered::POLICY_MAX));
    (
        tag << 8 | (policy >> 8) << 2 | decision,
        policy << 56 | remembered.threshold & ((1 << 56) - 1),
    )
}

fn unpack(first: u64, second: u64) -> Option<Remembered> {
    let decision = match first & 3 {
        1 => Decision::Sampled,
        2 => Decision::NotSampled,
        3 => Decision::Dropped,
        _ => return None,
    };
    Some(Remembered {
        decision,
        policy: ((first >> 2 & 0x3f) << 8 | second >> 56) as u16,
        threshold: second & ((1 << 56) - 1),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::otlp::ids::TraceId;

    const SMALLEST_BYTES: usize = (SETS_STEP << DOUBLINGS) * WAYS * ENTRY_BYTES;

    fn hash(number: u64) -> KeyHash {
        KeyHash::of(TraceId((u128::from(number) + 1).to_be_bytes()), None)
    }

    fn remembered(policy: u16) -> Remembered {
        Remembered {
            decision: Decision::ALL[usize::from(policy % 3)],
            policy,
            threshold: u64::from(policy) << 40 | 0xabc,
        }
    }

    proptest! {
        #[test]
        fn an_entry_comes_back_as_it_was(bits in any::<u64>(), policy in 0..=Remembered::POLICY_MAX, sets in 1_usize..9) {
            let mut cache = DecisionCache::new(sets * SMALLEST_BYTES);
            cache.insert(KeyHash(bits), remembered(policy));
            prop_assert_eq!(cache.get(KeyHash(bits)), Some(remembered(policy)));
            prop_assert_eq!(cache.get(KeyHash(bits ^ 1)), None);
            prop_assert_eq!(cache.get(KeyHash(bits ^ 1 << 63)), None);
            let listed: Vec<_> = cache.of_slots(&[KeyHash(bits).slot()].into_iter().collect()).collect();
            prop_assert_eq!(listed, [(KeyHash(bits), remembered(policy))]);
        }
    }

    #[test]
    fn at_20_bytes_a_decision_hardly_any_is_forgotten() {
        assert!(DecisionCache::new(100_000_000).capacity() > 6_000_000);
        // An eighth of 5 million in 100 MB: the sets are alike, only fewer.
        let mut cache = DecisionCache::new(12_600_000);
        let decisions = cache.capacity() as u64 * 5 / 6;
        for number in 0..decisions {
            cache.insert(hash(number), remembered((number % 100) as u16));
        }
        let forgotten = (0..decisions)
            .filter(|number| cache.get(hash(*number)) != Some(remembered((*number % 100) as u16)));
        let forgotten = forgotten.count();
        assert!(
            forgotten < decisions as usize / 100,
            "{forgotten} forgotten"
        );
    }

    #[test]
    fn the_least_recently_used_is_forgotten_first() {
        let mut cache = DecisionCache::new(SMALLEST_BYTES);
        // Hashes that differ in the lowest bits share a set, however far the cache grows.
        let same_set = |number: u64| KeyHash(77 << 44 | number);
        for number in 0..WAYS as u64 {
            cache.insert(same_set(number), remembered(number as u16));
        }
        assert!(cache.get(same_set(0)).is_some());
        cache.insert(same_set(99), remembered(99));
        assert!(cache.get(same_set(0)).is_some());
        assert_eq!(cache.get(same_set(1)), None);
    }

    #[test]
    fn a_newer_decision_about_the_same_trace_replaces_the_older() {
        let mut cache = DecisionCache::new(SMALLEST_BYTES);
        cache.insert(hash(1), remembered(1));
        cache.insert(hash(1), remembered(2));
        assert_eq!(cache.get(hash(1)), Some(remembered(2)));
        assert_eq!(
            cache
                .of_slots(&[hash(1).slot()].into_iter().collect())
                .count(),
            1
        );
    }

    #[test]
    fn growing_forgets_nothing_and_keeps_the_order() {
        let mut cache = DecisionCache::new(SMALLEST_BYTES);
        let sets_before = cache.sets();
        let decisions = cache.capacity() as u64 / 4;
        for number in 0..decisions {
            cache.insert(hash(number), remembered(number as u16 % 100));
        }
        assert!(cache.sets() > sets_before);
        assert!(
            (0..decisions)
                .all(|number| { cache.get(hash(number)) == Some(remembered(number as u16 % 100)) })
        );
        let of_one = hash(7);
        assert!(
            cache
                .of_slots(&[of_one.slot()].into_iter().collect())
                .any(|(listed, _)| listed == of_one)
        );
    }

    #[test]
    fn without_memory_nothing_is_remembered() {
        let mut cache = DecisionCache::new(0);
        cache.insert(hash(1), remembered(1));
        assert_eq!(cache.get(hash(1)), None);
    }
}
