//! `*`, `+`, `?` and counts.

use regex_syntax::hir::{Hir, Repetition};

use super::PatternError;
use super::cursor::Cursor;
use super::group::Piece;
use super::parser::Parser;

/// Highest count in `{}`, and highest product of counts within each other.
const REPEAT_MAX: u32 = 1_000;

impl<'t> Parser<'t> {
    /// `*`, `+`, `?` or a count; whether it was one, since `{` without a count is a character.
    pub(super) fn repetition_or_brace(
        &mut self,
        previous: Option<Cursor<'t>>,
    ) -> Result<bool, PatternError> {
        let start = self.cursor;
        let (min, max) = match self.cursor.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            _ => match count(&self.cursor) {
                Some((min, max, after)) => {
                    self.cursor = after;
                    return self.repeat(min, max, start, previous);
                }
                None => {
                    self.cursor.next();
                    self.push_character('{');
                    return Ok(false);
                }
            },
        };
        self.cursor.next();
        self.repeat(min, max, start, previous)
    }

    /// Repeats the last piece.
    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        start: Cursor<'t>,
        previous: Option<Cursor<'t>>,
    ) -> Result<bool, PatternError> {
        let written = self.cursor.since(start);
        let is_count = written.starts_with('{');
        if is_count && (min > REPEAT_MAX || max.is_some_and(|max| max > REPEAT_MAX || max < min)) {
            let advice = format!("counts go up to {REPEAT_MAX}, the lower first");
            return Err(start.error(format!("the repeat count {written} is not valid"), advice));
        }
        self.cursor.take("?");
        if let Some(previous) = previous {
            let problem = format!("{} repeats twice", self.cursor.since(previous));
            return Err(previous.error(problem, "put the inner repetition into (?:...)"));
        }
        let Some(piece) = self.innermost.pieces.pop() else {
            let problem = format!("there is nothing that {written} could repeat");
            let sign = written.chars().next().unwrap_or_default();
            return Err(start.error(problem, format!("write \\{sign} for the character itself")));
        };
        let count = max.unwrap_or(min).max(1);
        let repeats = piece
            .repeats
            .saturating_mul(if is_count { count } else { 1 });
        if is_count && (min > 1 || max.is_some_and(|max| max > 1)) && repeats > REPEAT_MAX {
            let problem = format!("{written} repeats repetitions more than {REPEAT_MAX} times");
            return Err(start.error(problem, "repeat less"));
        }
        let repetition = Repetition {
            min,
            max,
            greedy: true,
            sub: Box::new(piece.hir),
        };
        let hir = Hir::repetition(repetition);
        self.innermost.pieces.push(Piece { hir, repeats });
        Ok(true)
    }
}

/// `{n}`, `{n,}` or `{n,m}`, and what comes after; counts too long for a number are beyond every limit.
fn count<'t>(cursor: &Cursor<'t>) -> Option<(u32, Option<u32>, Cursor<'t>)> {
    let mut after = *cursor;
    after.take("{");
    let inside = after.take_until("}")?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let has_leading_zero = text.len() > 1 && text.starts_with('0');
        (is_number && !has_leading_zero).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (min, max) = match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, after))
}
