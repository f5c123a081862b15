//! What an instance may take, and the one who watches over it.

use wasmtime::ResourceLimiter;

/// Core instances, and tables, that a component may have: toolchains make two or three of each.
const INSTANCES_MAX: usize = 100;
/// Memories: each reserves address space.
const MEMORIES_MAX: usize = 8;
/// Entries of all tables together: the tables of an interpreter have some ten thousand.
const TABLE_ENTRIES_MAX: usize = 100_000;

/// `limits` of a policy of type `wasm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory that an instance may have, its beginning included.
    pub memory_bytes: usize,
    /// Milliseconds that a call may take.
    pub deadline_ms: u64,
}

/// Watches over one instance.
#[derive(Debug)]
pub(super) struct Limiter {
    memory_bytes_max: usize,
    memory_bytes: usize,
    table_entries: usize,
    /// What it was refused last.
    refused: Option<Refused>,
}

/// Something that was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// As many bytes of memory.
    Memory(usize),
    /// As many entries of tables.
    Table(usize),
}

impl Limits {
    /// `memory`: 16 MiB.
    pub const MEMORY_BYTES: usize = 16 << 20;
    /// `deadline`: 10 ms.
    pub const DEADLINE_MS: u64 = 10;
    /// Least `memory`: a page, no instance has less.
    pub const MEMORY_BYTES_MIN: u64 = 64 << 10;
    /// Greatest `memory`: what 32 bits can address.
    pub const MEMORY_BYTES_MAX: u64 = 4 << 30;
    /// Longest `deadline`: a shard does nothing else meanwhile.
    pub const DEADLINE_MS_MAX: u64 = 1_000;
    /// Greatest `binary`; larger files are no plugins.
    pub const BINARY_BYTES_MAX: u64 = 256 << 20;
    /// Longer takes starting an instance, than a call may take.
    pub(super) const START_FACTOR: u64 = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: Self::MEMORY_BYTES,
            deadline_ms: Self::DEADLINE_MS,
        }
    }
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            memory_bytes_max: limits.memory_bytes,
            memory_bytes: 0,
            table_entries: 0,
            refused: None,
        }
    }

    /// Memory of the instance, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// What was refused since the last time somebody asked.
    pub(super) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let all = self.memory_bytes.saturating_add(desired - current);
        if all > self.memory_bytes_max {
            self.refused = Some(Refused::Memory(all));
            return Ok(false);
        }
        self.memory_bytes = all;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let all = self.table_entries.saturating_add(desired - current);
        if all > TABLE_ENTRIES_MAX {
            self.refused = Some(Refused::Table(all));
            return Ok(false);
        }
        self.table_entries = all;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}
