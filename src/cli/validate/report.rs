//! What is told of one file.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::explain::explain;
use crate::config::finding::{Finding, FindingEntry};
use crate::config::policy_source::{Loaded, Rejected};

/// A file's findings.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    file: String,
    /// No errors and, where warnings are taken for errors, no warnings.
    pub(super) valid: bool,
    /// How many policies it lists; `None` when it has errors.
    policies: Option<usize>,
    errors: Vec<FindingEntry>,
    warnings: Vec<FindingEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Vec<String>>,
    #[serde(skip)]
    is_strict: bool,
}

impl Report {
    pub(super) fn new(
        path: &Path,
        outcome: Result<Loaded, Rejected>,
        is_strict: bool,
        with_explanation: bool,
    ) -> Self {
        let told = |findings: Vec<Finding>| findings.into_iter().map(FindingEntry::from).collect();
        let file = path.display().to_string();
        match outcome {
            Ok(loaded) => Self {
                file,
                valid: loaded.warnings.is_empty() || !is_strict,
                policies: Some(loaded.file.policies.len()),
                errors: Vec::new(),
                explanation: with_explanation.then(|| explain(&loaded.file)),
                warnings: told(loaded.warnings),
                is_strict,
            },
            Err(rejected) => Self {
                file,
                valid: false,
                policies: None,
                errors: told(rejected.errors.errors),
                warnings: told(rejected.errors.warnings),
                explanation: None,
                is_strict,
            },
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            write(error, f, "error")?;
        }
        let kind = if self.is_strict { "error" } else { "warning" };
        for warning in &self.warnings {
            write(warning, f, kind)?;
        }
        let validity = if self.valid { "valid" } else { "not valid" };
        let mut counts = Vec::new();
        if let Some(policies) = self.policies {
            counts.push(counted(policies, "policy", "policies"));
        }
        if !self.errors.is_empty() {
            counts.push(counted(self.errors.len(), "error", "errors"));
        }
        if !self.warnings.is_empty() {
            counts.push(counted(self.warnings.len(), "warning", "warnings"));
        }
        writeln!(f, "{}: {validity}: {}", self.file, counts.join(", "))?;
        for line in self.explanation.iter().flatten() {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

/// `file:line:column: kind: key: problem; advice`.
fn write(told: &FindingEntry, f: &mut fmt::Formatter<'_>, kind: &str) -> fmt::Result {
    write!(f, "{}:", told.file)?;
    if let (Some(line), Some(column)) = (told.line, told.column) {
        write!(f, "{line}:{column}:")?;
    }
    write!(f, " {kind}:")?;
    if !told.key.is_empty() {
        write!(f, " {}:", told.key)?;
    }
    write!(f, " {}", told.problem)?;
    if !told.advice.is_empty() {
        write!(f, "; {}", told.advice)?;
    }
    writeln!(f)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
