//! wasmtime's engine, one for the process: what components are compiled by and for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use wasmtime::component::Linker;
use wasmtime::{Cache, CacheConfig, Config, Engine};

use super::component::{Compiled, LoadError};
use super::host;
use super::instance::State;
use crate::clock::Ticker;

/// Stack of a call. Shards' threads have four times as much.
pub const STACK_BYTES_MAX: usize = 512 << 10;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
static CACHE_FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// The engine and what belongs to it.
pub(super) struct Runtime {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    /// What is compiled and still in use, by SHA-256.
    pub(super) known: Mutex<HashMap<String, Weak<Compiled>>>,
    /// Ticks while a plugin is loaded.
    ticker: Mutex<Weak<Ticker>>,
}

/// Keeps compiled components in `folder` from now on, where they are found by later processes of the same version. Of
/// no effect once a plugin was loaded.
pub fn use_cache(folder: PathBuf) {
    // wasmtime wants it so.
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let _ = CACHE_FOLDER.set(folder);
}

impl Runtime {
    /// The one of this process.
    pub(super) fn get() -> Result<&'static Self, LoadError> {
        let runtime = RUNTIME.get_or_init(|| Self::new().map_err(|error| format!("{error:#}")));
        let failed = |message: &String| LoadError::Engine(message.clone());
        runtime.as_ref().map_err(failed)
    }

    fn new() -> wasmtime::Result<Self> {
        let engine = Engine::new(&config(CACHE_FOLDER.get())?)?;
        let mut linker = Linker::new(&engine);
        host::add_to(&mut linker)?;
        Ok(Self {
            engine,
            linker,
            known: Mutex::default(),
            ticker: Mutex::default(),
        })
    }

    /// Ticks that deadlines are counted in go on for as long as somebody has this.
    pub(super) fn ticker(&'static self) -> Result<Arc<Ticker>, LoadError> {
        let mut known = self.ticker.lock();
        if let Some(ticker) = known.upgrade() {
            return Ok(ticker);
        }
        let tick = || self.engine.increment_epoch();
        let ticker = Ticker::start("plugin-deadlines", tick);
        let ticker = ticker.map_err(|error| LoadError::Engine(error.to_string()))?;
        let ticker = Arc::new(ticker);
        *known = Arc::downgrade(&ticker);
        Ok(ticker)
    }
}

fn config(cache_folder: Option<&PathBuf>) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        // Decisions repeat.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        // Nobody reads a plugin's backtrace: its messages do not have one.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .wasm_memory64(false);
    if let Some(folder) = cache_folder {
        let mut settings = CacheConfig::new();
        settings.with_directory(folder);
        config.cache(Some(Cache::new(settings)?));
    }
    Ok(config)
}
