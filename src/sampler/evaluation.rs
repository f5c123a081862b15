//! One trace before the policies of a set: what has been found in it so far, and what each of them said.

use super::policy::{Context, Opinion, Policy, PolicyError, Vote};
use super::scan::{Findings, ProbeId, Scan};
use super::trace_view::TraceView;
use super::wasm::Line;
use super::witness::Witness;
use crate::clock::Moment;

/// A policy's view of the trace to decide about. Attributes are read once for all policies, when the first one asks.
pub struct Evaluation<'a> {
    trace: &'a TraceView<'a>,
    context: Context,
    scan: &'a Scan,
    scratch: &'a mut Scratch,
    stopwatch: Option<&'a dyn Fn() -> Moment>,
}

/// Memory for evaluations one after another: what the latest one has found.
#[derive(Debug, Default)]
pub struct Scratch {
    records: Vec<Record>,
    findings: Findings,
    is_scanned: bool,
    notes: Vec<Note>,
    /// Of the policy at hand.
    lines: Vec<Line>,
}

/// What a policy had to say besides its vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its place in [`Scratch::records`].
    pub policy: usize,
    /// The last lines of its log.
    pub lines: Box<[Line]>,
}

impl Note {
    /// Bytes that it takes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let lines = self.lines.iter();
        let lines = lines.map(|line| size_of::<Line>() + line.text.len());
        size_of::<Self>() + lines.sum::<usize>()
    }
}

/// Lines of a log that are kept for those who ask why.
const NOTED_LINES_MAX: usize = 4;

/// What became of one policy in an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Record {
    /// Its answer.
    pub answer: Answer,
    /// The value that it looked at.
    pub witness: Witness,
    /// How long it took; 0 where it was not measured.
    pub time_ns: u64,
}

/// What a policy said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Answer {
    /// Nothing: the decision was made without it.
    #[default]
    NotAsked,
    /// It voted.
    Voted(Vote),
    /// It could not tell.
    Failed,
}

/// A policy of a set, top-level or nested, and its place among all of them.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) index: usize,
    pub(super) policy: Box<dyn Policy>,
}

impl<'a> Evaluation<'a> {
    /// Begins the evaluation of `trace` by a set of `policies` policies, nested ones included.
    pub(super) fn new(
        trace: &'a TraceView<'a>,
        context: Context,
        scan: &'a Scan,
        policies: usize,
        scratch: &'a mut Scratch,
        stopwatch: Option<&'a dyn Fn() -> Moment>,
    ) -> Self {
        scratch.records.clear();
        scratch.records.resize(policies, Record::default());
        scratch.is_scanned = false;
        scratch.notes.clear();
        scratch.lines.clear();
        Self {
            trace,
            context,
            scan,
            scratch,
            stopwatch,
        }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> &TraceView<'a> {
        self.trace
    }

    /// The time.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// The time, where policies are timed.
    pub(super) fn stopwatch(&self) -> Option<Moment> {
        self.stopwatch.map(|read| read())
    }

    /// Keeps what the policy at hand has logged.
    pub(super) fn note(&mut self, lines: Vec<Line>) {
        self.scratch.lines = lines;
    }

    /// What the scan found for `probe`, and the value that it looked at.
    pub(super) fn found(&mut self, probe: ProbeId) -> Result<(bool, Witness), PolicyError> {
        if !self.scratch.is_scanned {
            self.scan.run(self.trace, &mut self.scratch.findings);
            self.scratch.is_scanned = true;
        }
        self.scratch.findings.answer(probe)
    }
}

impl Node {
    /// The policy's vote, noted.
    pub(super) fn vote(&self, evaluation: &mut Evaluation<'_>) -> Result<Vote, PolicyError> {
        let started = evaluation.stopwatch.map(|read| read());
        let result = self.policy.vote(evaluation);
        let ended = evaluation.stopwatch.map(|read| read());
        evaluation.scratch.keep_lines(self.index);
        if let Some(record) = evaluation.scratch.records.get_mut(self.index) {
            if let (Some(started), Some(ended)) = (started, ended) {
                record.time_ns = ended.since(started).as_nanos() as u64;
            }
            match &result {
                Ok(Opinion { vote, witness }) => {
                    record.answer = Answer::Voted(*vote);
                    record.witness = *witness;
                }
                Err(error) => {
                    record.answer = Answer::Failed;
                    record.witness = Witness::text(error.reason.as_bytes());
                }
            }
        }
        result.map(|opinion| opinion.vote)
    }
}

impl Scratch {
    /// Forgets the latest evaluation: for a decision without one.
    pub fn clear(&mut self) {
        self.records.clear();
        self.notes.clear();
        self.is_scanned = false;
    }

    /// What each policy said in the latest evaluation, in the order of the set's policies, nested ones included.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What policies had to say besides, of those that had.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Keeps the last lines that policy number `policy` has logged.
    fn keep_lines(&mut self, policy: usize) {
        if self.lines.is_empty() {
            return;
        }
        let first = self.lines.len().saturating_sub(NOTED_LINES_MAX);
        let lines = self.lines.drain(..).skip(first).collect();
        self.notes.push(Note { policy, lines });
    }

    /// Attributes of the latest trace that stood twice in one span or resource, as far as they were looked at.
    #[must_use]
    pub fn repeated_attributes(&self) -> u64 {
        if self.is_scanned {
            self.findings.repeated_attributes()
        } else {
            0
        }
    }
}
