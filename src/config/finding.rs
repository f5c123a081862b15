//! What is wrong, or odd, in a configuration file: where, under which key, and what would be right.
//!
//! Errors and warnings have one shape. A file is read to its end, so that one run shows all of them; the number kept is
//! bounded.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::Serialize;

use super::modules::Modules;
use crate::sampler::pattern::PatternBudget;

/// Most errors, and most warnings, reported of one file.
pub const FINDINGS_MAX: usize = 200;

/// A line and a column of a file, both counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One error or warning. Displayed as `file:line:column: key: problem; advice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file as it was named by the caller.
    pub file: String,
    /// Where in the file; `None` when it is about the file itself (it could not be read, say).
    pub position: Option<Position>,
    /// Path of the key: `exporters.otlp.compression`, `policies[2].name`. Empty when it is about no key.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right. Empty when `problem` says it all.
    pub advice: String,
}

/// A finding as JSON has it: in `GET /api/v1/policies`, and in the output of `tailsieve validate`.
#[derive(Debug, Serialize)]
pub struct FindingEntry {
    /// As in [`Finding`].
    pub file: String,
    /// Of its position.
    pub line: Option<usize>,
    /// Of its position.
    pub column: Option<usize>,
    /// As in [`Finding`].
    pub key: String,
    /// As in [`Finding`].
    pub problem: String,
    /// As in [`Finding`].
    pub advice: String,
}

/// A finding that makes the file invalid.
pub type ConfigError = Finding;

/// A finding about something valid that can hardly be meant, or that has no effect here.
pub type Warning = Finding;

/// All errors of a file, and its warnings beside them. Displayed as one error a line; warnings are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// At least one, in order of position.
    pub errors: Vec<ConfigError>,
    /// In order of position.
    pub warnings: Vec<Warning>,
}

/// A valid file's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<T> {
    /// What it says.
    pub config: T,
    /// What is odd about it, in order of position.
    pub warnings: Vec<Warning>,
}

/// Collects the findings of one file, and knows what reading it may still use up. Shared by reference among all that
/// read a part of it.
#[derive(Debug)]
pub(crate) struct Findings {
    file: String,
    errors: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
    pattern_budget: PatternBudget,
    modules: Rc<Modules>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.problem)?;
        if !self.advice.is_empty() {
            write!(f, "; {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Finding {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Findings {
    pub(crate) fn new(file: &str) -> Self {
        Self::reading(file, &Rc::new(Modules::of(file)))
    }

    /// The findings of a file that is read together with `modules`.
    pub(crate) fn reading(file: &str, modules: &Rc<Modules>) -> Self {
        Self {
            file: file.to_owned(),
            errors: RefCell::default(),
            warnings: RefCell::default(),
            pattern_budget: PatternBudget::default(),
            modules: Rc::clone(modules),
        }
    }

    /// Where files are read that this one refers to.
    pub(crate) fn modules(&self) -> &Modules {
        &self.modules
    }

    /// What the expressions of the file may still take.
    pub(crate) fn pattern_budget(&self) -> &PatternBudget {
        &self.pattern_budget
    }

    pub(crate) fn error(
        &self,
        position: Option<Position>,
        key: &str,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(&self.errors, position, key, problem.into(), advice.into());
    }

    pub(crate) fn warning(
        &self,
        position: Option<Position>,
        key: &str,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(&self.warnings, position, key, problem.into(), advice.into());
    }

    /// Whether no further error would be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.borrow().len() >= FINDINGS_MAX
    }

    pub(crate) fn has_error(&self, position: Position, key: &str) -> bool {
        let errors = self.errors.borrow();
        let mut errors = errors.iter();
        errors.any(|error| error.position == Some(position) && error.key == key)
    }

    /// The content when nothing is wrong with it.
    pub(crate) fn conclude<T>(self, config: Option<T>) -> Result<Checked<T>, ConfigErrors> {
        let mut errors = self.errors.into_inner();
        let mut warnings = self.warnings.into_inner();
        errors.sort_by_key(|finding| finding.position);
        warnings.sort_by_key(|finding| finding.position);
        match config {
            Some(config) if errors.is_empty() => Ok(Checked { config, warnings }),
            _ => Err(ConfigErrors { errors, warnings }),
        }
    }

    fn add(
        &self,
        list: &RefCell<Vec<Finding>>,
        position: Option<Position>,
        key: &str,
        problem: String,
        advice: String,
    ) {
        let finding = Finding {
            file: self.file.clone(),
            position,
            key: key.to_owned(),
            problem,
            advice,
        };
        let mut list = list.borrow_mut();
        // An alias makes one mistake appear at each of its uses.
        if list.len() < FINDINGS_MAX && !list.contains(&finding) {
            list.push(finding);
        }
    }
}
impl From<Finding> for FindingEntry {
    fn from(finding: Finding) -> Self {
        Self {
            file: finding.file,
            line: finding.position.map(|position| position.line),
            column: finding.position.map(|position| position.column),
            key: finding.key,
            problem: finding.problem,
            advice: finding.advice,
        }
    }
}
