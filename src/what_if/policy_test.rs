//! Runs the tests of a test file: each against fresh policies, over time that passes only between decisions.

mod input;
mod jaeger;
pub mod junit;
mod verdict;

pub use input::InputError;
pub use jaeger::JaegerError;
pub use verdict::{Failure, SeenVote};

use std::time::Duration;

use super::WhatIf;
use super::tally::Tally;
use crate::config::Position;
use crate::config::policy_test::{PolicyTest, PolicyTestFile, TestTrace};
use crate::otlp::ids::TraceId;

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// What is not as expected; empty for a test that has succeeded.
    pub failures: Vec<Failure>,
}

/// A test could not be run, since spans of it cannot be had. Displayed with the name of the test.
#[derive(Debug, thiserror::Error)]
#[error("{test}")]
pub struct TestError {
    /// Where the trace stands in the test file.
    pub position: Position,
    /// The name of the test.
    pub test: String,
    /// Why.
    #[source]
    pub source: Box<InputError>,
}

/// Runs all tests of a file, in order.
///
/// # Errors
/// The first trace whose spans cannot be had.
pub fn run(file: &PolicyTestFile) -> Result<Vec<TestResult>, TestError> {
    let tests = file.tests.iter();
    tests.map(|test| Run::new(file).test(test)).collect()
}

/// A test that runs.
struct Run {
    engine: WhatIf,
    start_unix_ns: u64,
    now: Duration,
    /// Traces without an ID of their own are numbered from 1.
    traces_numbered: u128,
}

impl Run {
    fn new(file: &PolicyTestFile) -> Self {
        Self {
            engine: WhatIf::new(&file.policies, file.start_unix_ns),
            start_unix_ns: file.start_unix_ns,
            now: Duration::ZERO,
            traces_numbered: 0,
        }
    }

    fn test(mut self, test: &PolicyTest) -> Result<TestResult, TestError> {
        let mut failures = Vec::new();
        for (index, trace) in test.traces.iter().enumerate() {
            let failure = self.trace(trace).map_err(|source| TestError {
                position: trace.position,
                test: test.name.clone(),
                source: Box::new(source),
            })?;
            failures.extend(failure.map(|failure| Failure {
                number: index + 1,
                at: trace.at,
                ..failure
            }));
        }
        Ok(TestResult {
            name: test.name.clone(),
            failures,
        })
    }

    /// Decides a trace, its copies, or those of its file; the first that is not as expected is told.
    fn trace(&mut self, trace: &TestTrace) -> Result<Option<Failure>, InputError> {
        self.engine.pass(trace.at.saturating_sub(self.now));
        self.now = self.now.max(trace.at);
        let mut failed: Option<Failure> = None;
        for copy in 0..trace.copies {
            let tally = self.decide(trace, copy)?;
            for outcome in tally.traces() {
                let set = self.engine.policies();
                let Some(failure) = verdict::compare(&trace.expected, outcome, set) else {
                    continue;
                };
                match &mut failed {
                    Some(first) => first.more += 1,
                    None => failed = Some(failure),
                }
            }
        }
        Ok(failed)
    }

    fn decide(&mut self, trace: &TestTrace, copy: usize) -> Result<Tally, InputError> {
        self.traces_numbered += 1;
        let id = match trace.trace_id {
            Some(first) => u128::from_be_bytes(first).saturating_add(copy as u128),
            None => self.traces_numbered,
        };
        let start_ns = self.start_unix_ns + self.now.as_nanos() as u64;
        let request = input::request(trace, TraceId(id.to_be_bytes()), start_ns)?;
        let taken = self.engine.send(request)?;
        if let Some(bad) = taken.rejected.first {
            return Err(InputError::Refused(bad));
        }
        if taken.traces.is_empty() {
            return Err(InputError::NoSpans);
        }
        // Nothing is held from here on: the spans of a trace all arrive in one request.
        self.engine.decide_all();
        let mut tally = Tally::default();
        tally.arrived(&taken);
        tally.decided(self.engine.take_decided());
        Ok(tally)
    }
}

#[cfg(test)]
mod tests;
