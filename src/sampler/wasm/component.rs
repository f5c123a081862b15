//! From bytes to a component that has what the contract asks for and wants nothing else.

use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::anatomy::Anatomy;
use super::bindings::SamplingPolicyPre;
use super::engine::Runtime;
use super::failure::Failure;
use super::identity;
use super::imports::{self, Unwanted};
use super::instance::State;

/// A component, compiled and checked.
pub(super) struct Compiled {
    pub(super) pre: SamplingPolicyPre<State>,
    pub(super) sha256: String,
    pub(super) version: Option<String>,
    pub(super) binary_bytes: usize,
}

/// A plugin cannot be used. Displayed as what is wrong; [`LoadError::advice`] says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is no WebAssembly.
    #[error("is no WebAssembly component")]
    NotWasm,
    /// It is a core module.
    #[error("is a core module, not a component")]
    CoreModule,
    /// It wants what plugins do not get.
    #[error("{0}")]
    Import(Unwanted),
    /// It ends too early, or is no longer what was built.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// It lacks an export.
    #[error("exports no function {0}")]
    NoExport(&'static str),
    /// It cannot be compiled, or fits the contract's names and not its types.
    #[error("does not fit the contract: {0}")]
    Unfit(String),
    /// `configure` returned an error.
    #[error("refuses its config: {0}")]
    Config(String),
    /// It failed while it was started or configured.
    #[error("{} while it was started", .0.message)]
    Start(Failure),
    /// There is no engine to run it.
    #[error("cannot be run here: {0}")]
    Engine(String),
}

impl LoadError {
    /// What would be right; empty where there is nothing to say.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::NotWasm => "build it as a component (.wasm)".to_owned(),
            Self::CoreModule => "turn it into one: wasm-tools component new".to_owned(),
            Self::Import(unwanted) => unwanted.advice.clone(),
            Self::NoExport(_) => format!(
                "build it against the world sampling-policy of {}",
                super::CONTRACT
            ),
            Self::Damaged(_) => "copy it again, or build it again".to_owned(),
            Self::Unfit(_) => format!("build it against {}", super::CONTRACT),
            Self::Start(failure) if failure.reason == super::Reason::Memory => {
                "raise limits.memory".to_owned()
            }
            Self::Config(_) | Self::Start(_) | Self::Engine(_) => String::new(),
        }
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compiled({})", self.sha256)
    }
}

impl Compiled {
    /// Compiles a component, unless somebody still has the same one. Of a large one this takes seconds of one core.
    pub(super) fn new(bytes: &[u8], runtime: &Runtime) -> Result<Arc<Self>, LoadError> {
        check_header(bytes)?;
        let sha256 = identity::sha256(bytes);
        let known = runtime
            .known
            .lock()
            .get(&sha256)
            .and_then(|it| it.upgrade());
        if let Some(known) = known {
            return Ok(known);
        }
        let component = Component::from_binary(&runtime.engine, bytes).map_err(|error| {
            let damage = Anatomy::read(bytes).err();
            damage.map_or_else(
                || LoadError::Unfit(in_one_line(&error)),
                |damage| LoadError::Damaged(damage.reason),
            )
        })?;
        let component_type = component.component_type();
        for (name, item) in component_type.imports(&runtime.engine) {
            imports::check(name, &item.ty, bytes).map_err(LoadError::Import)?;
        }
        for name in ["configure", "evaluate"] {
            let export = component_type.get_export(&runtime.engine, name);
            let is_function =
                export.is_some_and(|export| matches!(export.ty, ComponentItem::ComponentFunc(_)));
            if !is_function {
                return Err(LoadError::NoExport(name));
            }
        }
        let unfit = |error: wasmtime::Error| LoadError::Unfit(in_one_line(&error));
        let pre = runtime.linker.instantiate_pre(&component).map_err(unfit)?;
        let compiled = Arc::new(Self {
            pre: SamplingPolicyPre::new(pre).map_err(unfit)?,
            version: identity::version(bytes),
            binary_bytes: bytes.len(),
            sha256,
        });
        let mut known = runtime.known.lock();
        known.retain(|_, compiled| compiled.strong_count() > 0);
        known.insert(compiled.sha256.clone(), Arc::downgrade(&compiled));
        Ok(compiled)
    }
}

fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    match bytes.get(..8) {
        Some(COMPONENT) => Ok(()),
        Some(MODULE) => Err(LoadError::CoreModule),
        _ => Err(LoadError::NotWasm),
    }
}

fn in_one_line(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
