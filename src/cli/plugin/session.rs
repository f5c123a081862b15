//! A plugin asked about one trace after another, by one instance as in a shard.

use crate::sampler::wasm::{Failure, Instance, Line, Plugin, Verdict};
use crate::what_if::traces::WholeTrace;

/// A plugin with the instance that is asked.
pub(super) struct Session<'a> {
    plugin: &'a Plugin,
    instance: Option<Instance>,
    memory_bytes: usize,
}

/// What came of asking.
pub(super) struct Answer {
    pub(super) verdict: Result<Verdict, Failure>,
    pub(super) lines: Vec<Line>,
}

impl<'a> Session<'a> {
    pub(super) fn new(plugin: &'a Plugin) -> Self {
        Self {
            plugin,
            instance: None,
            memory_bytes: 0,
        }
    }

    /// Asks about a trace; after a failure the next one is asked of a new instance.
    pub(super) fn ask(&mut self, trace: &WholeTrace) -> Answer {
        let instance = match &mut self.instance {
            Some(instance) => instance,
            none => match self.plugin.instance() {
                Ok(instance) => none.insert(instance),
                Err(failure) => {
                    return Answer {
                        verdict: Err(failure),
                        lines: Vec::new(),
                    };
                }
            },
        };
        let verdict = instance.evaluate(&trace.view());
        let (lines, _) = instance.take_lines();
        self.memory_bytes = self.memory_bytes.max(instance.memory_bytes());
        if instance.spent().is_some() {
            self.instance = None;
        }
        Answer { verdict, lines }
    }

    /// The most memory that an instance had.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

/// A verdict in the words of the contract, and its probability.
pub(super) fn in_words(verdict: Verdict) -> (&'static str, Option<f64>) {
    match verdict {
        Verdict::Abstain => ("abstain", None),
        Verdict::Sample => ("sample", None),
        Verdict::NotSample => ("not-sample", None),
        Verdict::Drop => ("drop", None),
        Verdict::SampleWithProbability(share) => ("sample-with-probability", Some(share)),
    }
}
