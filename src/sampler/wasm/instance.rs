//! One instance of a plugin: started once, called for one trace after another, thrown away after a failure.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::bindings::SamplingPolicy;
use super::deadline::Deadline;
use super::failure::{Failure, Reason};
use super::host::Verdict;
use super::limits::{Limiter, Limits};
use super::lines::{Line, Lines};
use super::observer::Rebuild;
use super::plugin::Plugin;
use super::present::{self, CURSORS_MAX};
use crate::clock::thread_cpu_ns;
use crate::sampler::trace_view::TraceView;

/// What host functions have besides the trace.
pub(super) struct State {
    pub(super) limiter: Limiter,
    deadline: Deadline,
    pub(super) lines: Lines,
    /// Cursors are numbered through the life of an instance, so that one of an earlier call is never taken for another.
    pub(super) next_cursor: u32,
    /// Cursors that the guest has not dropped yet, of whichever call: each takes some bytes of its table of handles.
    pub(super) cursors_alive: usize,
}

/// An instance with its memory.
pub struct Instance {
    store: Store<State>,
    exports: SamplingPolicy,
    deadline_ms: u64,
    calls: u64,
    spent: Option<Rebuild>,
}

/// Why there is no instance.
#[derive(Debug)]
pub(super) enum NoInstance {
    /// It does not have the contract's types.
    Unfit(wasmtime::Error),
    /// It failed.
    Failed(Failure),
    /// `configure` said no.
    Refused(String),
}

/// Bytes of what `configure` says.
const REFUSAL_BYTES_MAX: usize = 1_024;
/// Handles to the trace are all the same: there is one at a time.
const TRACE: u32 = 0;

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.memory_bytes();
        write!(f, "Instance({} calls, {bytes} bytes)", self.calls)
    }
}

impl Instance {
    /// Starts an instance of `plugin` and configures it.
    pub(super) fn start(plugin: &Plugin) -> Result<Self, NoInstance> {
        let limits = plugin.limits();
        let state = State {
            limiter: Limiter::new(limits),
            deadline: Deadline::default(),
            lines: Lines::default(),
            next_cursor: 0,
            cursors_alive: 0,
        };
        let pre = &plugin.compiled().pre;
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_callback(|mut store| {
            let cpu_ns = thread_cpu_ns();
            Ok(store.data_mut().deadline.reached(cpu_ns))
        });
        begin(&mut store, limits.deadline_ms * Limits::START_FACTOR);
        let exports = match pre.instantiate(&mut store) {
            Ok(exports) => exports,
            Err(error) => return Err(not_started(&mut store, error)),
        };
        match exports.call_configure(&mut store, plugin.config()) {
            Ok(Ok(())) => {}
            Ok(Err(text)) => return Err(NoInstance::Refused(in_one_line(&text))),
            Err(error) => return Err(NoInstance::Failed(failure(&mut store, &error))),
        }
        // A refusal that it could live with.
        store.data_mut().limiter.take_refused();
        Ok(Self {
            store,
            exports,
            deadline_ms: limits.deadline_ms,
            calls: 0,
            spent: None,
        })
    }

    /// What the plugin says about `trace`.
    ///
    /// # Errors
    /// [`Failure`] when it fails; the instance cannot be called again then.
    pub fn evaluate(&mut self, trace: &TraceView<'_>) -> Result<Verdict, Failure> {
        self.calls += 1;
        begin(&mut self.store, self.deadline_ms);
        let (exports, store) = (&self.exports, &mut self.store);
        let called = present::during(trace, || {
            exports.call_evaluate(store, Resource::new_borrow(TRACE))
        });
        let verdict = match called {
            Ok(Verdict::SampleWithProbability(share)) if !(0.0..=1.0).contains(&share) => {
                let message = format!("returned {share}, which is no probability");
                Err(Failure::new(Reason::Verdict, message))
            }
            Ok(verdict) => Ok(verdict),
            Err(error) => Err(failure(&mut self.store, &error)),
        };
        self.spent = match &verdict {
            Err(_) => Some(Rebuild::Failure),
            Ok(_) => self.wear(),
        };
        verdict
    }

    /// What a call that went well has used up for good.
    fn wear(&mut self) -> Option<Rebuild> {
        let state = self.store.data_mut();
        if state.limiter.take_refused().is_some() {
            return Some(Rebuild::Memory);
        }
        let has_numbers = state.next_cursor < u32::MAX / 2;
        if state.cursors_alive > CURSORS_MAX || !has_numbers {
            return Some(Rebuild::Handles);
        }
        None
    }

    /// Why it should be made anew, if it should.
    #[must_use]
    pub fn spent(&self) -> Option<Rebuild> {
        self.spent
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Memory of the guest, in bytes, touched or not.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory_bytes()
    }

    /// Cursors that the guest still has.
    #[cfg(test)]
    pub(super) fn cursors_alive(&self) -> usize {
        self.store.data().cursors_alive
    }

    /// Whether it has logged since its lines were taken last.
    pub(super) fn has_lines(&self) -> bool {
        !self.store.data().lines.is_empty()
    }

    /// What it has logged since, and how many lines it was too much.
    pub fn take_lines(&mut self) -> (Vec<Line>, u64) {
        self.store.data_mut().lines.take()
    }
}

/// From now on time counts.
fn begin(store: &mut Store<State>, limit_ms: u64) {
    let ticks = store.data_mut().deadline.begin(limit_ms);
    store.set_epoch_deadline(ticks);
}

fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    let refused = store.data_mut().limiter.take_refused();
    Failure::of(error, refused)
}

fn not_started(store: &mut Store<State>, error: wasmtime::Error) -> NoInstance {
    let refused = store.data_mut().limiter.take_refused();
    if refused.is_none() && error.downcast_ref::<wasmtime::Trap>().is_none() {
        return NoInstance::Unfit(error);
    }
    NoInstance::Failed(Failure::of(&error, refused))
}

fn in_one_line(text: &str) -> String {
    let end = text.floor_char_boundary(REFUSAL_BYTES_MAX.min(text.len()));
    let begin = text.get(..end).unwrap_or_default();
    let words: Vec<&str> = begin.split_whitespace().collect();
    words.join(" ").replace(|c: char| c.is_control(), " ")
}
