//! Texts with Go's escapes, numbers and bytes.

use winnow::Parser;
use winnow::ascii::{digit0, digit1};
use winnow::combinator::{alt, opt, preceded};
use winnow::error::ErrMode;
use winnow::stream::{LocatingSlice, Stateful};
use winnow::token::{any, literal, one_of, take_while};

use super::super::error::Fault;
use super::super::syntax::ExpressionKind;
use super::token::{here, space, unexpected};
use super::{Input, Parsed};

/// A text in double quotes. An escape stands for one character, `\xff` too, as in OTTL.
pub(super) fn text(input: &mut Input<'_>) -> Parsed<String> {
    let at = here(input);
    literal("\"").parse_next(input)?;
    let mut text = String::new();
    while let Some(next) = character(input, at)? {
        text.push(next);
    }
    space(input)?;
    Ok(text)
}

/// Byte offset in `source` of the character number `index` of the text literal that starts at byte `at`.
pub(in super::super) fn offset_in_literal(source: &str, at: usize, index: usize) -> usize {
    let mut input: Input<'_> = Stateful {
        input: LocatingSlice::new(source.get(at + 1..).unwrap_or_default()),
        state: 0,
    };
    for _ in 0..index {
        if !matches!(character(&mut input, 0), Ok(Some(_))) {
            break;
        }
    }
    at + 1 + here(&input)
}

/// The next character, or none after the closing quote of the text that starts at `text_at`.
fn character(input: &mut Input<'_>, text_at: usize) -> Parsed<Option<char>> {
    let at = here(input);
    let next: Parsed<char> = any.parse_next(input);
    match next {
        Ok('"') => Ok(None),
        Ok('\\') => match escape(input)? {
            Some(character) => Ok(Some(character)),
            None => {
                let fault = Fault::new(at, "unknown escape in a text");
                Err(ErrMode::Cut(fault.advice("write \\\\ for a backslash")))
            }
        },
        Ok(character) => Ok(Some(character)),
        Err(_) => Err(ErrMode::Cut(Fault::new(
            text_at,
            "the text that starts here has no closing quote",
        ))),
    }
}

/// What stands after a backslash.
fn escape(input: &mut Input<'_>) -> Parsed<Option<char>> {
    let Some(kind) = opt(any).parse_next(input)? else {
        return Ok(None);
    };
    Ok(match kind {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        '\\' | '"' => Some(kind),
        'x' => code_point(input, 2)?,
        'u' => code_point(input, 4)?,
        'U' => code_point(input, 8)?,
        '0'..='7' => {
            let octal = take_while(2, '0'..='7');
            let rest: Option<&str> = opt(octal).parse_next(input)?;
            rest.and_then(|rest| u8::from_str_radix(&format!("{kind}{rest}"), 8).ok())
                .map(char::from)
        }
        _ => None,
    })
}

fn code_point(input: &mut Input<'_>, digits: usize) -> Parsed<Option<char>> {
    let hex = take_while(digits, |digit: char| digit.is_ascii_hexdigit());
    let hex: Option<&str> = opt(hex).parse_next(input)?;
    let number = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
    Ok(number.and_then(char::from_u32))
}

/// Bytes (`0x0aff`), a float (`1.5`, `.5e3`, `1.`) or an int; with a leading zero an octal one, as OTTL reads it.
pub(super) fn number(input: &mut Input<'_>) -> Parsed<ExpressionKind> {
    let at = here(input);
    let kind: Parsed<Result<ExpressionKind, &'static str>> = alt((
        preceded("0x", hex_digits).map(bytes),
        (fraction, opt(exponent)).take().map(float),
        digit1.map(int),
    ))
    .parse_next(input);
    let Ok(kind) = kind else {
        return Err(unexpected(input, "a value"));
    };
    space(input)?;
    kind.map_err(|problem| ErrMode::Cut(Fault::new(at, problem)))
}

fn hex_digits<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    take_while(1.., |digit: char| digit.is_ascii_hexdigit()).parse_next(input)
}

fn fraction(input: &mut Input<'_>) -> Parsed<()> {
    alt(((digit1, ".", digit0).void(), (".", digit1).void())).parse_next(input)
}

fn exponent(input: &mut Input<'_>) -> Parsed<()> {
    let sign = opt(one_of(['+', '-']));
    (one_of(['e', 'E']), sign, digit1).void().parse_next(input)
}

fn bytes(hex: &str) -> Result<ExpressionKind, &'static str> {
    let pairs = hex.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| {
            let [high, low] = *pair else { return None };
            let digit = |digit: u8| char::from(digit).to_digit(16);
            u8::try_from(digit(high)? << 4 | digit(low)?).ok()
        })
        .collect();
    let problem = "bytes need two hexadecimal digits each";
    bytes.map(ExpressionKind::Bytes).ok_or(problem)
}

fn float(text: &str) -> Result<ExpressionKind, &'static str> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number
        .map(ExpressionKind::Float)
        .ok_or("the number is too large")
}

fn int(text: &str) -> Result<ExpressionKind, &'static str> {
    let (digits, radix, problem) = match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => (octal, 8, "a number that starts with 0 is octal"),
        _ => (text, 10, "the number is too large: ints have 64 bits"),
    };
    let number = i64::from_str_radix(digits, radix);
    number.map(ExpressionKind::Int).map_err(|_| problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_of_a_text_is_found_where_it_is_written() {
        let source = r#"x == "ä\\d\x41(" "#;
        for (index, at) in [6, 8, 10, 11, 15].into_iter().enumerate() {
            assert_eq!(offset_in_literal(source, 5, index), at, "{index}");
        }
    }
}
