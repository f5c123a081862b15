//! Where in which file something in the whole came from.

use crate::config::decode::join;
use crate::config::finding::{Finding, Position};

/// The files of the whole, in order.
#[derive(Default)]
pub(super) struct Sources<'a>(Vec<Source<'a>>);

/// A file and where its part of the whole begins.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) lines_before: usize,
    pub(super) policies_before: usize,
    /// Path of the settings in the file: `tail_sampling`, say.
    pub(super) path: String,
}

impl<'a> Sources<'a> {
    pub(super) fn push(&mut self, source: Source<'a>) {
        self.0.push(source);
    }

    /// The number of the file that a position in the whole is in.
    pub(super) fn index_of(&self, position: Position) -> usize {
        let begins_before = |source: &Source<'_>| source.lines_before < position.line;
        self.0.partition_point(begins_before).saturating_sub(1)
    }

    /// The number of the file of this name.
    pub(super) fn index_named(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|source| source.name == name)
    }

    /// `file:line:column` of a position in the whole.
    pub(super) fn place_of(&self, position: Position) -> String {
        let Some(source) = self.0.get(self.index_of(position)) else {
            return String::new();
        };
        let Position { line, column } = position;
        format!("{}:{}:{column}", source.name, line - source.lines_before)
    }

    /// A finding about the whole, as one about the file that it comes from.
    pub(super) fn in_its_file(&self, mut finding: Finding) -> Finding {
        let position = finding.position.unwrap_or(Position { line: 1, column: 1 });
        let Some(source) = self.0.get(self.index_of(position)) else {
            return finding;
        };
        source.name.clone_into(&mut finding.file);
        if let Some(position) = &mut finding.position {
            position.line -= source.lines_before;
        }
        let key = own_number(&finding.key, source.policies_before).unwrap_or(finding.key);
        finding.key = match key.as_str() {
            "" => source.path.clone(),
            key => join(&source.path, key),
        };
        finding
    }
}

/// `policies[1].name` for `policies[3].name` when two policies stand in files before.
fn own_number(key: &str, policies_before: usize) -> Option<String> {
    let (number, rest) = key.strip_prefix("policies[")?.split_once(']')?;
    let number = number.parse::<usize>().ok()?.checked_sub(policies_before)?;
    Some(format!("policies[{number}]{rest}"))
}
