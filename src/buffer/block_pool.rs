//! Blocks of memory that traces of one shard use one after another.
//!
//! A shard frees and takes hundreds of megabytes a second, in bursts: an allocator that gives free pages back to the
//! system in between spends a quarter of all CPU time on clearing them again (measured: 250 ns a span). Blocks come in
//! classes an eighth of a doubling apart, so that at most an eighth of a block is unused. What was not needed for a
//! second goes back to the allocator, so that an idle shard holds nothing.

use std::time::Duration;

use crate::clock::Moment;

/// Larger blocks go straight to the allocator.
const BLOCK_BYTES_MAX: usize = 1 << 17;
const CLASS_BYTES_MIN_LOG2: u32 = 7;
const CLASSES_A_DOUBLING: usize = 8;
const CLASSES: usize = (17 - CLASS_BYTES_MIN_LOG2 as usize) * CLASSES_A_DOUBLING + 1;
const TRIM_INTERVAL: Duration = Duration::from_secs(1);

/// Free blocks by class. Single writer.
#[derive(Debug)]
pub(super) struct BlockPool {
    classes: Vec<Class>,
    held_bytes: u64,
    next_trim: Moment,
}

#[derive(Debug, Default)]
struct Class {
    free: Vec<Vec<u8>>,
    /// Fewest free blocks since the last trim: that many were not needed.
    free_min: usize,
}

impl Default for BlockPool {
    fn default() -> Self {
        let mut classes = Vec::new();
        classes.resize_with(CLASSES, Class::default);
        Self {
            classes,
            held_bytes: 0,
            next_trim: Moment(0),
        }
    }
}

impl BlockPool {
    /// An empty block of at least `bytes`.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        if bytes > BLOCK_BYTES_MAX {
            return Vec::with_capacity(bytes);
        }
        let (class, class_bytes) = class_of(bytes);
        let Some(class) = self.classes.get_mut(class) else {
            return Vec::with_capacity(bytes);
        };
        let Some(block) = class.free.pop() else {
            return Vec::with_capacity(class_bytes);
        };
        class.free_min = class.free_min.min(class.free.len());
        self.held_bytes -= block.capacity() as u64;
        block
    }

    /// Takes a block back.
    pub(super) fn give(&mut self, mut block: Vec<u8>) {
        let (class, class_bytes) = class_of(block.capacity());
        // Only blocks of this pool's sizes come back; the allocator never rounds a Vec's capacity.
        if block.capacity() == class_bytes
            && let Some(class) = self.classes.get_mut(class)
        {
            block.clear();
            self.held_bytes += block.capacity() as u64;
            class.free.push(block);
        }
    }

    /// Once a second, frees the blocks that were not needed since the last time; all of them if memory is short.
    pub(super) fn trim(&mut self, now: Moment, is_memory_short: bool) {
        if now < self.next_trim && !is_memory_short {
            return;
        }
        self.next_trim = now.after(TRIM_INTERVAL);
        for class in &mut self.classes {
            let unneeded = if is_memory_short {
                class.free.len()
            } else {
                class.free_min
            };
            for block in class.free.drain(..unneeded) {
                self.held_bytes -= block.capacity() as u64;
            }
            if class.free.is_empty() {
                class.free = Vec::new();
            }
            class.free_min = class.free.len();
        }
    }

    /// Bytes of free blocks.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }
}

/// The class that blocks of `bytes` belong to, and the size of its blocks.
fn class_of(bytes: usize) -> (usize, usize) {
    if bytes <= 1 << CLASS_BYTES_MIN_LOG2 {
        return (0, 1 << CLASS_BYTES_MIN_LOG2);
    }
    let doubling = (bytes - 1).ilog2();
    let step = (1 << doubling) / CLASSES_A_DOUBLING;
    let steps = (bytes - (1 << doubling)).div_ceil(step);
    let class = (doubling - CLASS_BYTES_MIN_LOG2) as usize * CLASSES_A_DOUBLING + steps;
    (class, (1 << doubling) + steps * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_class_is_large_enough_and_hardly_larger() {
        let mut last = (0, 0);
        for bytes in 1..=BLOCK_BYTES_MAX {
            let (class, class_bytes) = class_of(bytes);
            assert!(class < CLASSES && class_bytes >= bytes);
            assert!(
                bytes < 129 || class_bytes < bytes + bytes / 8 + 1,
                "{bytes}: {class_bytes}"
            );
            assert_eq!(class_of(class_bytes), (class, class_bytes));
            assert!((class, class_bytes) >= last);
            last = (class, class_bytes);
        }
    }

    #[test]
    fn a_block_given_back_is_used_again() {
        let mut pool = BlockPool::default();
        let mut block = pool.take(1_000);
        block.extend_from_slice(&[1; 1_000]);
        let capacity = block.capacity();
        pool.give(block);
        assert_eq!(pool.held_bytes(), capacity as u64);
        let again = pool.take(990);
        assert!(again.is_empty() && again.capacity() == capacity);
        assert_eq!(pool.held_bytes(), 0);
    }

    #[test]
    fn blocks_not_needed_for_a_second_are_freed() {
        let mut pool = BlockPool::default();
        pool.trim(Moment(0), false);
        let blocks: Vec<_> = (0..10).map(|_| pool.take(500)).collect();
        blocks.into_iter().for_each(|block| pool.give(block));
        pool.trim(Moment(SECOND), false);
        let taken: Vec<_> = (0..4).map(|_| pool.take(500)).collect();
        taken.into_iter().for_each(|block| pool.give(block));
        pool.trim(Moment(2 * SECOND), false);
        assert_eq!(pool.held_bytes(), 4 * 512);
        pool.trim(Moment(3 * SECOND), false);
        assert_eq!(pool.held_bytes(), 0);
    }

    #[test]
    fn short_memory_frees_all_at_once() {
        let mut pool = BlockPool::default();
        let block = pool.take(500);
        pool.give(block);
        pool.trim(Moment(1), true);
        assert_eq!(pool.held_bytes(), 0);
    }
}
