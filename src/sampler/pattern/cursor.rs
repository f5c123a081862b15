//! Reading an expression character by character, with the column.

use super::PatternError;

/// What is left of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    rest: &'t str,
    /// Of the next character, from 1.
    column: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            column: 1,
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
        self.column += 1;
        Some(next)
    }

    /// Passes over `prefix` if it comes next.
    pub(super) fn take(&mut self, prefix: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(prefix) else {
            return false;
        };
        self.rest = rest;
        self.column += prefix.chars().count();
        true
    }

    /// What stands before `end`, and passes over both.
    pub(super) fn take_until(&mut self, end: &str) -> Option<&'t str> {
        let (inside, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        self.column += inside.chars().count() + end.chars().count();
        Some(inside)
    }

    /// The text between `start` and here.
    pub(super) fn since(&self, start: Self) -> &'t str {
        let length = start.rest.len() - self.rest.len();
        start.rest.get(..length).unwrap_or_default()
    }

    /// An error at the next character.
    pub(super) fn error(
        &self,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> PatternError {
        PatternError::new(self.column, problem, advice)
    }
}
