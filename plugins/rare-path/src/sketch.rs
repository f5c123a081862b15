//! How often a fingerprint was seen, in memory that does not grow: two count-min sketches of 256 KiB, an old and a young.
//!
//! A fingerprint has a counter in each of four rows, shared with others, and the least of the four counts: never too
//! low, and seldom too high as long as there are far fewer shapes than counters in a row. A shape that is unlucky in all
//! four is taken for known and not kept. After a number of traces the young sketch becomes the old one, and what was only
//! in the old one is forgotten (Cormode, Muthukrishnan: An improved data stream summary, 2005).

const ROWS: usize = 4;
const COUNTERS_BITS: u32 = 16;
/// So many counters, of a byte each, in each row.
const COUNTERS: usize = 1 << COUNTERS_BITS;

pub struct Sketch {
    young: Vec<u8>,
    old: Vec<u8>,
    /// Traces that the young one takes before it is the old one.
    traces_max: u32,
    traces: u32,
}

impl Sketch {
    pub fn new(traces_max: u32) -> Self {
        Self {
            young: vec![0; ROWS * COUNTERS],
            old: vec![0; ROWS * COUNTERS],
            traces_max,
            traces: 0,
        }
    }

    /// Counts `fingerprint`; gives how often it was seen before, 255 for more.
    pub fn add(&mut self, fingerprint: u64) -> u8 {
        if self.traces >= self.traces_max {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.fill(0);
            self.traces = 0;
        }
        self.traces += 1;
        let places = places(fingerprint);
        let least = |counters: &[u8]| places.map(|place| counters[place]).into_iter().min();
        let young = least(&self.young).unwrap_or_default();
        let old = least(&self.old).unwrap_or_default();
        for place in places {
            // Others' counters need not grow: the least one counts.
            let counter = &mut self.young[place];
            *counter = (*counter).max(young.saturating_add(1));
        }
        young.saturating_add(old)
    }
}

/// Its counter in each row: 16 bits of the fingerprint for each.
fn places(fingerprint: u64) -> [usize; ROWS] {
    std::array::from_fn(|row| {
        let bits = (fingerprint >> (row as u32 * COUNTERS_BITS)) as usize;
        row * COUNTERS + bits % COUNTERS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_counted_up_to_255() {
        let mut sketch = Sketch::new(10_000);
        for expected in (0..=255).chain([255, 255]) {
            assert_eq!(sketch.add(42), expected);
        }
        assert_eq!(sketch.add(43 << 20), 0);
    }

    #[test]
    fn what_does_not_come_again_is_forgotten_after_two_rounds() {
        let mut sketch = Sketch::new(100);
        sketch.add(7);
        for round in 0..2 {
            for other in 1..=100_u64 {
                sketch.add((round * 1_000 + other) << 20);
            }
            if round == 0 {
                assert_eq!(sketch.add(7), 1, "it is still in the old sketch");
            }
        }
        for other in 1..=200_u64 {
            sketch.add((50_000 + other) << 20);
        }
        assert_eq!(sketch.add(7), 0);
    }

    #[test]
    fn few_of_ten_thousand_shapes_are_taken_for_known() {
        let mut sketch = Sketch::new(u32::MAX);
        let mut random = 1_u64;
        let mistaken = (0..10_000).filter(|_| {
            // Knuth's multiplier; fingerprints are well mixed.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            sketch.add(random ^ (random >> 29)) > 0
        });
        assert!(mistaken.count() < 20);
    }
}
