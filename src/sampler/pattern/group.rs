//! Groups: where they begin and end, their names and flags.

use regex_syntax::hir::Hir;

use super::cursor::Cursor;
use super::parser::Parser;
use super::{DEPTH_MAX, PatternError};

/// Flags that change what matches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    /// `i`
    pub(super) folds_case: bool,
    /// `m`
    pub(super) is_multi_line: bool,
    /// `s`
    pub(super) dot_matches_newline: bool,
}

/// What can be repeated.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) hir: Hir,
    /// The highest product of repeat counts within each other.
    pub(super) repeats: u32,
}

/// A group whose end has not been seen; the first is the expression itself.
#[derive(Debug)]
pub(super) struct Group<'t> {
    pub(super) start: Cursor<'t>,
    /// Those in force when it ends.
    pub(super) flags: Flags,
    pub(super) alternatives: Vec<Hir>,
    /// Of the alternatives.
    pub(super) repeats: u32,
    /// The alternative being read.
    pub(super) pieces: Vec<Piece>,
}

impl<'t> Group<'t> {
    pub(super) fn new(start: Cursor<'t>, flags: Flags) -> Self {
        Self {
            start,
            flags,
            alternatives: Vec::new(),
            repeats: 1,
            pieces: Vec::new(),
        }
    }

    pub(super) fn end_alternative(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        let most = pieces.iter().map(|piece| piece.repeats).max();
        self.repeats = self.repeats.max(most.unwrap_or(1));
        let hirs = pieces.into_iter().map(|piece| piece.hir);
        self.alternatives.push(Hir::concat(hirs.collect()));
    }

    pub(super) fn finish(mut self) -> Piece {
        self.end_alternative();
        Piece {
            hir: Hir::alternation(self.alternatives),
            repeats: self.repeats,
        }
    }
}

impl Parser<'_> {
    pub(super) fn group_start(&mut self) -> Result<(), PatternError> {
        let start = self.cursor;
        let outer = self.flags;
        self.cursor.next();
        if self.cursor.take("?") {
            if self.cursor.take("P<") || is_name_next(&self.cursor) {
                self.cursor.take("<");
                self.group_name(start)?;
            } else if !self.flags(start)? {
                return Ok(());
            }
        }
        if self.outer.len() >= DEPTH_MAX {
            let problem = format!("more than {DEPTH_MAX} groups within each other");
            return Err(start.error(problem, ""));
        }
        let group = Group::new(start, outer);
        self.outer
            .push(std::mem::replace(&mut self.innermost, group));
        Ok(())
    }

    pub(super) fn group_end(&mut self) -> Result<(), PatternError> {
        let at = self.cursor;
        self.cursor.next();
        let Some(outer) = self.outer.pop() else {
            return Err(at.error("this ) has no (", r"write \) for a parenthesis"));
        };
        let group = std::mem::replace(&mut self.innermost, outer);
        self.flags = group.flags;
        self.innermost.pieces.push(group.finish());
        Ok(())
    }

    /// The name of a group: it is read to be refused where Go refuses it, and has no use here.
    fn group_name(&mut self, start: Cursor<'_>) -> Result<(), PatternError> {
        let name = self.cursor.take_until(">");
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match name {
            Some(name) if is_name(name) => Ok(()),
            _ => Err(start.error(
                "this group has no valid name",
                "write (?P<name>...), with letters, digits and underscores",
            )),
        }
    }

    /// Flags after `(?`; whether a group begins with them.
    fn flags(&mut self, start: Cursor<'_>) -> Result<bool, PatternError> {
        let mut flags = self.flags;
        let mut is_set = true;
        let mut needs_a_flag = false;
        loop {
            let next = self.cursor.next();
            match next {
                Some('i') => flags.folds_case = is_set,
                Some('m') => flags.is_multi_line = is_set,
                Some('s') => flags.dot_matches_newline = is_set,
                Some('U') => {}
                Some('-') if is_set => {
                    is_set = false;
                    needs_a_flag = true;
                    continue;
                }
                Some(end @ (':' | ')')) if !needs_a_flag => {
                    self.flags = flags;
                    return Ok(end == ':');
                }
                _ => return Err(unknown_group(start, self.cursor)),
            }
            needs_a_flag = false;
        }
    }
}

/// `<` of a name, but not of the look-behinds `(?<=` and `(?<!`.
fn is_name_next(cursor: &Cursor<'_>) -> bool {
    let rest = cursor.rest();
    rest.starts_with('<') && !rest.starts_with("<=") && !rest.starts_with("<!")
}

/// What begins with `(?` and is none of Go's groups.
fn unknown_group(start: Cursor<'_>, end: Cursor<'_>) -> PatternError {
    let rest = start.rest();
    let kinds = [
        ("(?=", "look-ahead"),
        ("(?!", "look-ahead"),
        ("(?<=", "look-behind"),
        ("(?<!", "look-behind"),
        ("(?>", "an atomic group"),
        ("(?P=", "a reference to a group"),
        ("(?#", "a comment"),
        ("(?|", "a branch reset"),
    ];
    let kind = kinds.iter().find(|(prefix, _)| rest.starts_with(prefix));
    match kind {
        Some((prefix, name)) => start.error(
            format!("{prefix} begins {name}, which RE2 does not have"),
            "see https://github.com/google/re2/wiki/Syntax",
        ),
        None => start.error(
            format!("{} begins no group", end.since(start)),
            "flags are i, m, s and U, as in (?i) or (?i:...)",
        ),
    }
}
