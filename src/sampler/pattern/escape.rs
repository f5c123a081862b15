//! Escapes that stand for one character: the same within and outside of brackets.

use super::PatternError;
use super::cursor::Cursor;

/// The character that an escape stands for; the cursor is at its backslash.
pub(super) fn character(cursor: &mut Cursor<'_>) -> Result<char, PatternError> {
    let start = *cursor;
    cursor.next();
    let Some(name) = cursor.next() else {
        return Err(start.error(
            "the expression ends in a backslash",
            r"write \\ for a backslash",
        ));
    };
    let is_octal = |c: Option<char>| c.is_some_and(|c| c.is_digit(8));
    match name {
        '0' => Ok(octal(0, cursor, 2)),
        '1'..='7' if is_octal(cursor.peek()) => {
            Ok(octal(name.to_digit(8).unwrap_or_default(), cursor, 2))
        }
        '1'..='9' => Err(start.error(
            format!(r"\{name}: references to groups are not supported"),
            "",
        )),
        'x' => hexadecimal(cursor, start),
        'a' => Ok('\x07'),
        'f' => Ok('\x0c'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\x0b'),
        _ if name.is_ascii() && !name.is_ascii_alphanumeric() => Ok(name),
        _ => Err(start.error(format!(r"unknown escape \{name}"), advice_on(name))),
    }
}

fn octal(first: u32, cursor: &mut Cursor<'_>, digits_max: usize) -> char {
    let mut value = first;
    for _ in 0..digits_max {
        let Some(digit) = cursor.peek().and_then(|c| c.to_digit(8)) else {
            break;
        };
        value = value * 8 + digit;
        cursor.next();
    }
    // 0o777 at most, below the surrogates.
    char::from_u32(value).unwrap_or_default()
}

/// Two digits, or any number of them in braces.
fn hexadecimal(cursor: &mut Cursor<'_>, start: Cursor<'_>) -> Result<char, PatternError> {
    let wrong = |cursor: &Cursor<'_>| {
        let problem = format!("{} is no character", cursor.since(start));
        start.error(problem, r"write \x7F or \x{10FFFF}")
    };
    let digits = if cursor.take("{") {
        match cursor.take_until("}") {
            Some(digits) => digits,
            None => return Err(wrong(cursor)),
        }
    } else {
        let first = *cursor;
        cursor.next();
        cursor.next();
        match cursor.since(first) {
            digits if digits.len() == 2 => digits,
            _ => return Err(wrong(cursor)),
        }
    };
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits.trim_start_matches('0'), 16);
    match value {
        _ if !is_number => Err(wrong(cursor)),
        Err(_) if digits.chars().all(|c| c == '0') => Ok('\0'),
        Ok(value) => char::from_u32(value).ok_or_else(|| wrong(cursor)),
        Err(_) => Err(wrong(cursor)),
    }
}

/// What others mean by an escape that Go does not know.
fn advice_on(name: char) -> &'static str {
    match name {
        'Z' => r"for the end of the text write \z or $",
        'G' | 'K' => "RE2 has no such position",
        'h' => r"for a space or a tab write [ \t]",
        'R' => r"for a line break write (?:\r\n|\n)",
        'u' | 'U' => r"for a code point write \x{20AC}",
        'C' => r"RE2 matches characters, not bytes",
        'E' => r"there is no \Q before it",
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => "a class cannot be the end of a range",
        _ => "",
    }
}
