//! From an expression to the intermediate form of the engine.
//!
//! Source of the rules: the documentation of Go's `regexp/syntax`, and its answers to the expressions in the tests.

use regex_syntax::hir::{Class, Dot, Hir, Look};

use super::cursor::Cursor;
use super::group::{Flags, Group, Piece};
use super::{PatternError, class, escape};

/// The intermediate form of `text`.
pub(super) fn parse(text: &str) -> Result<Hir, PatternError> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        innermost: Group::new(Cursor::new(text), Flags::default()),
        outer: Vec::new(),
        flags: Flags::default(),
    };
    parser.parse()?;
    Ok(parser.innermost.finish().hir)
}

/// What has been read, and what is left.
pub(super) struct Parser<'t> {
    pub(super) cursor: Cursor<'t>,
    pub(super) innermost: Group<'t>,
    /// Those around it.
    pub(super) outer: Vec<Group<'t>>,
    pub(super) flags: Flags,
}

impl<'t> Parser<'t> {
    fn parse(&mut self) -> Result<(), PatternError> {
        let mut repetition: Option<Cursor<'t>> = None;
        while let Some(next) = self.cursor.peek() {
            let start = self.cursor;
            let mut is_repetition = false;
            match next {
                '(' => self.group_start()?,
                ')' => self.group_end()?,
                '|' => {
                    self.cursor.next();
                    self.innermost.end_alternative();
                }
                '*' | '+' | '?' | '{' => is_repetition = self.repetition_or_brace(repetition)?,
                '[' => {
                    let class = class::bracketed(&mut self.cursor, self.flags.folds_case)?;
                    self.push(Hir::class(Class::Unicode(class)));
                }
                '\\' => self.escape()?,
                _ => self.simple(next),
            }
            repetition = is_repetition.then_some(start);
        }
        if self.outer.is_empty() {
            return Ok(());
        }
        let start = self.innermost.start;
        Err(start.error("missing ) for this (", r"write \( for a parenthesis"))
    }

    /// A character that is itself, or a dot or an anchor.
    fn simple(&mut self, next: char) {
        self.cursor.next();
        let flags = self.flags;
        match next {
            '.' if flags.dot_matches_newline => self.push(Hir::dot(Dot::AnyChar)),
            '.' => self.push(Hir::dot(Dot::AnyCharExceptLF)),
            '^' if flags.is_multi_line => self.push(Hir::look(Look::StartLF)),
            '^' => self.push(Hir::look(Look::Start)),
            '$' if flags.is_multi_line => self.push(Hir::look(Look::EndLF)),
            '$' => self.push(Hir::look(Look::End)),
            _ => self.push_character(next),
        }
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let looks = [
            (r"\A", Look::Start),
            (r"\z", Look::End),
            (r"\b", Look::WordAscii),
            (r"\B", Look::WordAsciiNegate),
        ];
        for (escape, look) in looks {
            if self.cursor.take(escape) {
                self.push(Hir::look(look));
                return Ok(());
            }
        }
        if self.cursor.take(r"\Q") {
            let rest = self.cursor.rest();
            let quoted = self.cursor.take_until(r"\E").unwrap_or_else(|| {
                while self.cursor.next().is_some() {}
                rest
            });
            quoted.chars().for_each(|c| self.push_character(c));
            return Ok(());
        }
        if let Some(class) = class::escaped(&mut self.cursor, self.flags.folds_case)? {
            self.push(Hir::class(Class::Unicode(class)));
            return Ok(());
        }
        let c = escape::character(&mut self.cursor)?;
        self.push_character(c);
        Ok(())
    }

    pub(super) fn push_character(&mut self, c: char) {
        if self.flags.folds_case {
            let class = class::of_character(c, true);
            self.push(Hir::class(Class::Unicode(class)));
            return;
        }
        let mut bytes = [0; 4];
        self.push(Hir::literal(c.encode_utf8(&mut bytes).as_bytes()));
    }

    fn push(&mut self, hir: Hir) {
        self.innermost.pieces.push(Piece { hir, repeats: 1 });
    }
}
