//! From an expression to the crate's intermediate form: groups, alternatives, repetitions, flags.
//!
//! Source of the rules: the documentation of Go's `regexp/syntax`, and its answers to the expressions in the tests.

use regex_syntax::hir::{Class, Dot, Hir, Look, Repetition};

use super::cursor::Cursor;
use super::{DEPTH_MAX, PatternError, class, escape};

/// Highest count in `{}`, and highest product of counts within each other.
const REPEAT_MAX: u32 = 1_000;

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

/// Flags that change what matches.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    /// `i`
    folds_case: bool,
    /// `m`
    is_multi_line: bool,
    /// `s`
    dot_matches_newline: bool,
}

/// What can be repeated.
#[derive(Debug)]
struct Piece {
    hir: Hir,
    /// The highest product of repeat counts within each other.
    repeats: u32,
}

/// A group whose end has not been seen; the first is the expression itself.
#[derive(Debug)]
struct Group<'t> {
    start: Cursor<'t>,
    /// Those in force when it ends.
    flags: Flags,
    alternatives: Vec<Hir>,
    /// Of the alternatives.
    repeats: u32,
    /// The alternative being read.
    pieces: Vec<Piece>,
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    innermost: Group<'t>,
    /// Those around it.
    outer: Vec<Group<'t>>,
    flags: Flags,
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

    fn group_start(&mut self) -> Result<(), PatternError> {
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

    fn group_end(&mut self) -> Result<(), PatternError> {
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

    /// `*`, `+`, `?` or a count; whether it was one, since `{` without a count is a character.
    fn repetition_or_brace(&mut self, previous: Option<Cursor<'t>>) -> Result<bool, PatternError> {
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

    fn push_character(&mut self, c: char) {
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

impl<'t> Group<'t> {
    fn new(start: Cursor<'t>, flags: Flags) -> Self {
        Self {
            start,
            flags,
            alternatives: Vec::new(),
            repeats: 1,
            pieces: Vec::new(),
        }
    }

    fn end_alternative(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        let most = pieces.iter().map(|piece| piece.repeats).max();
        self.repeats = self.repeats.max(most.unwrap_or(1));
        let hirs = pieces.into_iter().map(|piece| piece.hir);
        self.alternatives.push(Hir::concat(hirs.collect()));
    }

    fn finish(mut self) -> Piece {
        self.end_alternative();
        Piece {
            hir: Hir::alternation(self.alternatives),
            repeats: self.repeats,
        }
    }
}

/// `<` of a name, but not of the look-behinds `(?<=` and `(?<!`.
fn is_name_next(cursor: &Cursor<'_>) -> bool {
    let rest = cursor.rest();
    rest.starts_with('<') && !rest.starts_with("<=") && !rest.starts_with("<!")
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
