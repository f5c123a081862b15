//! Classes: `[a-z]`, `\d`, `[[:alpha:]]`, `\p{Greek}`.
//!
//! Under `(?i)` each part of a class is folded before it is negated, so that `(?i)[^k]` has neither k nor K nor the
//! Kelvin sign.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::PatternError;
use super::cursor::Cursor;
use super::{escape, unicode};

/// The ranges of the escapes `\d \s \w`.
const PERL: [(char, &[(char, char)]); 3] = [
    ('d', &[('0', '9')]),
    ('s', &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
    ('w', &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
];

/// The ranges of `[:name:]`.
const POSIX: [(&str, &[(char, char)]); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// One character, in both cases under `(?i)`.
pub(super) fn of_character(c: char, folds_case: bool) -> ClassUnicode {
    folded(
        ClassUnicode::new([ClassUnicodeRange::new(c, c)]),
        folds_case,
    )
}

/// A class that is written as an escape, if one comes next: `\d`, `\pL`, `\p{Greek}` and their negations.
pub(super) fn escaped(
    cursor: &mut Cursor<'_>,
    folds_case: bool,
) -> Result<Option<ClassUnicode>, PatternError> {
    let start = *cursor;
    let mut after = *cursor;
    if after.next() != Some('\\') {
        return Ok(None);
    }
    let Some(name) = after.next() else {
        return Ok(None);
    };
    let is_negated = name.is_ascii_uppercase();
    let class = if matches!(name, 'p' | 'P') {
        let (class, has_caret) = named(&mut after, start)?;
        return Ok(Some(finished(
            cursor,
            after,
            class,
            folds_case,
            is_negated != has_caret,
        )));
    } else {
        let lower = name.to_ascii_lowercase();
        match PERL.iter().find(|(perl, _)| *perl == lower) {
            Some((_, ranges)) => of_ranges(ranges),
            None => return Ok(None),
        }
    };
    Ok(Some(finished(cursor, after, class, folds_case, is_negated)))
}

/// A class in brackets; the cursor is at the opening one.
pub(super) fn bracketed(
    cursor: &mut Cursor<'_>,
    folds_case: bool,
) -> Result<ClassUnicode, PatternError> {
    let start = *cursor;
    cursor.next();
    let is_negated = cursor.take("^");
    let mut class = ClassUnicode::empty();
    let mut is_first = true;
    loop {
        match cursor.peek() {
            None => return Err(start.error("missing ] for this [", r"write \[ for a bracket")),
            Some(']') if !is_first => break,
            Some(_) => class.union(&item(cursor, start, folds_case)?),
        }
        is_first = false;
    }
    cursor.next();
    if is_negated {
        class.negate();
    }
    Ok(class)
}

fn item(
    cursor: &mut Cursor<'_>,
    bracket: Cursor<'_>,
    folds_case: bool,
) -> Result<ClassUnicode, PatternError> {
    if let Some(class) = posix(cursor, folds_case)? {
        return Ok(class);
    }
    if let Some(class) = escaped(cursor, folds_case)? {
        return Ok(class);
    }
    let start = *cursor;
    let low = character(cursor, bracket)?;
    let mut after_hyphen = *cursor;
    let is_range = after_hyphen.take("-") && !matches!(after_hyphen.peek(), None | Some(']'));
    if !is_range {
        return Ok(of_character(low, folds_case));
    }
    *cursor = after_hyphen;
    let high = character(cursor, bracket)?;
    if high < low {
        let problem = format!("the range {} ends before it begins", cursor.since(start));
        return Err(start.error(problem, r"write \- for a hyphen"));
    }
    let range = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
    Ok(folded(range, folds_case))
}

fn character(cursor: &mut Cursor<'_>, bracket: Cursor<'_>) -> Result<char, PatternError> {
    if cursor.peek() == Some('\\') {
        return escape::character(cursor);
    }
    let missing = || bracket.error("missing ] for this [", r"write \[ for a bracket");
    cursor.next().ok_or_else(missing)
}

/// `[:alpha:]` or `[:^alpha:]`, if it comes next.
fn posix(cursor: &mut Cursor<'_>, folds_case: bool) -> Result<Option<ClassUnicode>, PatternError> {
    let start = *cursor;
    let mut after = *cursor;
    if !after.take("[:") {
        return Ok(None);
    }
    let Some(name) = after.take_until(":]") else {
        return Ok(None);
    };
    let plain = name.strip_prefix('^').unwrap_or(name);
    let Some((_, ranges)) = POSIX.iter().find(|(posix, _)| *posix == plain) else {
        let names: Vec<&str> = POSIX.iter().map(|(name, _)| *name).collect();
        let advice = format!("known: {}", names.join(", "));
        return Err(start.error(format!("unknown class [:{name}:]"), advice));
    };
    let is_negated = name.starts_with('^');
    let class = of_ranges(ranges);
    Ok(Some(finished(cursor, after, class, folds_case, is_negated)))
}

/// What stands after `\p`, and whether there is a caret in it.
fn named(cursor: &mut Cursor<'_>, start: Cursor<'_>) -> Result<(ClassUnicode, bool), PatternError> {
    let braced = *cursor;
    let name = if cursor.take("{") {
        cursor.take_until("}")
    } else {
        cursor.next();
        Some(cursor.since(braced))
    };
    let Some(name) = name else {
        return Err(start.error(format!("missing }} for {}{{", "\\p"), ""));
    };
    let plain = name.strip_prefix('^').unwrap_or(name);
    match unicode::class(plain) {
        Some(class) => Ok((class, name.starts_with('^'))),
        None => Err(start.error(
            format!("unknown Unicode class {}", cursor.since(start)),
            r"name a category or a script, as in \pL, \p{Lu} or \p{Greek}",
        )),
    }
}

/// Folds, then negates, and moves on.
fn finished<'t>(
    cursor: &mut Cursor<'t>,
    after: Cursor<'t>,
    class: ClassUnicode,
    folds_case: bool,
    is_negated: bool,
) -> ClassUnicode {
    *cursor = after;
    let mut class = folded(class, folds_case);
    if is_negated {
        class.negate();
    }
    class
}

fn folded(mut class: ClassUnicode, folds_case: bool) -> ClassUnicode {
    if folds_case {
        // Fails only where the tables of cases are compiled out, which they are not.
        let _ = class.try_case_fold_simple();
    }
    class
}

fn of_ranges(ranges: &[(char, char)]) -> ClassUnicode {
    let ranges = ranges.iter();
    ClassUnicode::new(ranges.map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}
