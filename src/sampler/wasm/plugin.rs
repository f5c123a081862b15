//! A plugin that can be asked: a component, the config that it has accepted, its limits.

use std::sync::Arc;

use parking_lot::Mutex;

use super::component::{Compiled, LoadError};
use super::engine::Runtime;
use super::failure::{Failure, Reason};
use super::instance::{Instance, NoInstance};
use super::limits::Limits;
use crate::clock::Moment;
use crate::clock::Ticker;

/// A loaded plugin; equal to another of the same component, config and limits.
#[derive(Debug)]
pub struct Plugin {
    compiled: Arc<Compiled>,
    /// JSON.
    config: String,
    limits: Limits,
    load_ns: u64,
    /// The instance that has accepted the config, for the first who asks for one.
    spare: Mutex<Option<Instance>>,
    /// Deadlines need it.
    _ticker: Arc<Ticker>,
}

impl Plugin {
    /// Compiles `bytes`, checks that they keep the contract, and lets an instance of them accept `config`, which is
    /// JSON. `now` times it. May take seconds: not for the path of spans.
    ///
    /// # Errors
    /// [`LoadError`]: everything that can be wrong with a plugin before it sees a trace.
    pub fn load(
        bytes: &[u8],
        config: String,
        limits: Limits,
        now: &dyn Fn() -> Moment,
    ) -> Result<Self, LoadError> {
        let started = now();
        let runtime = Runtime::get()?;
        let compiled = Compiled::new(bytes, runtime)?;
        let plugin = Self {
            compiled,
            config,
            limits,
            load_ns: 0,
            spare: Mutex::new(None),
            _ticker: runtime.ticker()?,
        };
        let instance = Instance::start(&plugin).map_err(|error| match error {
            NoInstance::Unfit(error) => LoadError::Unfit(format!("{error:#}")),
            NoInstance::Failed(failure) => LoadError::Start(failure),
            NoInstance::Refused(text) => LoadError::Config(text),
        })?;
        Ok(Self {
            load_ns: now().since(started).as_nanos() as u64,
            spare: Mutex::new(Some(instance)),
            ..plugin
        })
    }

    /// A new instance.
    ///
    /// # Errors
    /// [`Failure`], of the reason [`Reason::Start`], where it fails this time.
    pub fn instance(&self) -> Result<Instance, Failure> {
        if let Some(spare) = self.spare.lock().take() {
            return Ok(spare);
        }
        let message = match Instance::start(self) {
            Ok(instance) => return Ok(instance),
            Err(NoInstance::Unfit(error)) => format!("{error:#}"),
            Err(NoInstance::Failed(failure)) => failure.message,
            Err(NoInstance::Refused(text)) => format!("refused its config: {text}"),
        };
        let message = format!("{message}, while a new instance was started");
        Err(Failure::new(Reason::Start, message))
    }

    /// SHA-256 of the component, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.compiled.sha256
    }

    /// The version that its maker wrote into it, if any: its custom section `version`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.compiled.version.as_deref()
    }

    /// Bytes of the component.
    #[must_use]
    pub fn binary_bytes(&self) -> usize {
        self.compiled.binary_bytes
    }

    /// What it took to load it, nearly all of it compiling; next to nothing where the component was known.
    #[must_use]
    pub fn load_ns(&self) -> u64 {
        self.load_ns
    }

    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    pub(super) fn config(&self) -> &str {
        &self.config
    }
}

impl PartialEq for Plugin {
    fn eq(&self, other: &Self) -> bool {
        let identity = |plugin: &Self| (plugin.compiled.sha256.clone(), plugin.config.clone());
        self.limits == other.limits && identity(self) == identity(other)
    }
}
