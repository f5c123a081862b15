//! Policies written by others: components of WebAssembly that see a trace through `plugins/wit/policy.wit`.
//!
//! ```text
//! bytes --component--> Compiled, shared by all who have the same bytes
//!       --plugin-----> Plugin: with a config that `configure` has accepted, and limits
//!       --seat-------> one instance for each shard, made when the shard first asks, made anew after a failure
//!       --present----> the trace, lent for one call; the host functions read it in place
//! ```
//!
//! The only place that knows wasmtime. A plugin is taken for hostile: it gets the functions of the WIT and nothing else,
//! memory and tables up to a limit, stack up to [`STACK_BYTES_MAX`], time up to its deadline (counted in ticks of a
//! millisecond, and in time of the CPU once half of it is over), and is left alone for a while when it keeps failing. What it
//! does wrong costs its own vote. Instances see no clock and no randomness; NaNs are canonical and relaxed SIMD is
//! deterministic, so that verdicts repeat on other machines (contract I6).

mod anatomy;
mod attributes;
mod bindings;
mod breaker;
mod component;
mod cursor;
mod deadline;
mod encode;
mod engine;
mod failure;
mod host;
mod identity;
mod imports;
mod instance;
mod limits;
mod lines;
mod observer;
mod plugin;
mod present;
mod seat;

#[cfg(test)]
mod tests;

pub use anatomy::{Anatomy, NotWasm};
pub use breaker::BreakerState;
pub use component::LoadError;
pub use engine::{STACK_BYTES_MAX, use_cache};
pub use failure::{Failure, Reason};
pub use host::Verdict;
pub use identity::sha256;
pub use instance::Instance;
pub use limits::Limits;
pub use lines::Line;
pub use observer::{Observer, Rebuild};
pub use plugin::Plugin;
pub(super) use seat::{Asked, Seats};

/// The version of the contract.
pub const CONTRACT: &str = "tailsieve:policy@1.0.0";
