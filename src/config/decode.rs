//! Reading values of a tree: the one shape behind the server file and the policy file.
//!
//! A [`Place`] is a value with its path; its methods read it as one kind of thing or report what is wrong and give
//! `None`, so that reading goes on and one run finds all mistakes. [`Fields`] are the keys of a mapping; whatever nobody
//! asked for is an unknown key. Null counts as absent everywhere.

mod any_value;
mod collector;
mod duration;
mod durations;
mod fields;
mod json_value;
mod scalars;
mod size;
mod suggest;
mod timestamp;

pub(crate) use fields::Fields;
pub(crate) use size::format_bytes;
pub(crate) use suggest::nearest;

use super::finding::{Findings, Position};
use super::modules::Modules;
use super::yaml::{Node, Value};
use crate::sampler::pattern::PatternBudget;

/// A value, the path of its key and where to report.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    node: &'a Node,
    path: String,
    findings: &'a Findings,
}

impl<'a> Place<'a> {
    pub(crate) fn new(node: &'a Node, path: &str, findings: &'a Findings) -> Self {
        let path = path.to_owned();
        Self {
            node,
            path,
            findings,
        }
    }

    pub(crate) fn position(&self) -> Position {
        self.node.position
    }

    pub(crate) fn is_null(&self) -> bool {
        self.node.is_null()
    }

    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::Sequence(_))
    }

    /// Whether this is an empty list, or null.
    pub(crate) fn lists_nothing(&self) -> bool {
        match &self.node.value {
            Value::Sequence(items) => items.is_empty(),
            _ => self.is_null(),
        }
    }

    /// Reports a mistake. Of several about one scalar only the first is kept: the others follow from it.
    pub(crate) fn error(&self, problem: impl Into<String>, advice: impl Into<String>) {
        let is_scalar = matches!(self.node.value, Value::Scalar(_)) && !self.is_null();
        if is_scalar && self.findings.has_error(self.position(), &self.path) {
            return;
        }
        self.findings
            .error(Some(self.position()), &self.path, problem, advice);
    }

    pub(crate) fn warning(&self, problem: impl Into<String>, advice: impl Into<String>) {
        self.findings
            .warning(Some(self.position()), &self.path, problem, advice);
    }

    /// Reports a mistake within a text that has a syntax of its own, at a column of it, counted from 1. The place is
    /// that of the column where the text stands in the file as it is, else that of the value.
    pub(crate) fn error_within(&self, what: &str, column: usize, problem: &str, advice: &str) {
        let mut position = self.position();
        if let Value::Scalar(scalar) = &self.node.value
            && let Some(inset) = scalar.inset
        {
            position.column += inset + column.saturating_sub(1);
        }
        let problem = format!("column {column} of the {what}: {problem}");
        self.findings
            .error(Some(position), &self.path, problem, advice);
    }

    /// What the expressions of the file may still take.
    pub(crate) fn pattern_budget(&self) -> &'a PatternBudget {
        self.findings.pattern_budget()
    }

    /// Where modules are read.
    pub(crate) fn modules(&self) -> &'a Modules {
        self.findings.modules()
    }

    /// Whether a list of strings stands here as one string, which is split at its commas.
    pub(crate) fn is_split_string(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.text.contains(','))
    }

    /// Reports that this is not a `wanted`.
    fn mismatch(&self, wanted: &str, advice: impl Into<String>) {
        let found = self.node.describe();
        self.error(format!("expected {wanted}, found {found}"), advice);
    }

    /// The keys of a mapping. Null has none; anything else is reported and has none either.
    pub(crate) fn fields(&self) -> Fields<'a> {
        let entries = match &self.node.value {
            Value::Mapping(entries) => entries.as_slice(),
            _ => {
                if !self.is_null() {
                    self.mismatch("a mapping", "");
                }
                &[]
            }
        };
        Fields::new(self.clone(), entries)
    }

    /// The items of a list; a scalar counts as a list of one, null as an empty one. A mapping is reported.
    pub(crate) fn items(&self) -> Vec<Place<'a>> {
        match &self.node.value {
            Value::Sequence(items) => {
                let places = items.iter().enumerate();
                places.map(|(index, item)| self.item(index, item)).collect()
            }
            Value::Scalar(_) if self.is_null() => Vec::new(),
            Value::Scalar(_) => vec![self.clone()],
            Value::Mapping(_) => {
                self.mismatch("a list", "");
                Vec::new()
            }
        }
    }

    /// The items of a list; null counts as an empty one, anything else is reported.
    pub(crate) fn strict_items(&self) -> Vec<Place<'a>> {
        if matches!(self.node.value, Value::Scalar(_)) && !self.is_null() {
            self.mismatch("a list", "");
            return Vec::new();
        }
        self.items()
    }

    /// The value at the end of a path of keys, or the last one on the way that exists.
    pub(crate) fn deepest(&self, path: &[&str]) -> Place<'a> {
        let mut place = self.clone();
        for key in path {
            let Value::Mapping(entries) = &place.node.value else {
                break;
            };
            let Some(entry) = entries.iter().find(|entry| entry.key.text == *key) else {
                break;
            };
            place = Place::new(&entry.value, &join(&place.path, key), self.findings);
        }
        place
    }

    fn item(&self, index: usize, node: &'a Node) -> Place<'a> {
        Place::new(node, &format!("{}[{index}]", self.path), self.findings)
    }
}

/// The path of a key within the mapping at `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        return key.to_owned();
    }
    format!("{path}.{key}")
}

#[cfg(test)]
mod tests;
